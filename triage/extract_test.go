package triage

import (
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

func message(text string) Message {
	return Message{Key: testKey, ChannelName: "bug-reports", User: "U1", UserName: "Ada Lovelace", Text: text}
}

func TestTitle(t *testing.T) {
	tests := []struct{ in, want string }{
		{"Checkout crashes", "Checkout crashes"},
		{"bug: checkout crashes.", "checkout crashes"},
		{"[BUG] checkout crashes!!!", "checkout crashes"},
		{"[Bug][iOS] checkout crashes", "[iOS] checkout crashes"},
		{"*Bug report:* checkout crashes", "checkout crashes"},
		{"*Bug report*\n\nCheckout crashes", "Checkout crashes"},
		{"Hi team,\ncheckout crashes", "checkout crashes"},
		{"Hey all - checkout crashes", "checkout crashes"},
		{"Hello! Checkout crashes", "Checkout crashes"},
		{"Hi Tom, checkout crashes", "checkout crashes"},
		{"Hello world example crashes", "Hello world example crashes"},
		{":rotating_light: :fire: checkout crashes :fire:", "checkout crashes"},
		{"🚨🚨 checkout crashes 😢", "checkout crashes"},
		{"<!here> <@U2> checkout crashes", "checkout crashes"},
		{"• checkout *crashes* _hard_", "checkout crashes hard"},
		{"# 1 of 2 jobs fails", "1 of 2 jobs fails"},
		{"#123 is broken", "#123 is broken"},
		{"<https://a.example/x|The page> crashes", "The page crashes"},
		{"<https://a.example/x>\nThe page crashes", "The page crashes"},
		{"<https://a.example/x>", "https://a.example/x"},
		{"Title: checkout crashes\nSteps: 1) open 2) pay", "checkout crashes"},
		{"Severity: high\nVersion: 1.2.3\nCheckout crashes", "Checkout crashes"},
		{"Steps to reproduce:\n1. open\n2. pay\nActual: it crashes", "it crashes"},
		{"```\npanic: nil map\n```", "`panic: nil map`"},
		{"`TypeError: x is undefined` on save", "`TypeError: x is undefined` on save"},
		{"a &lt;b&gt; tag breaks it", "a <b> tag breaks it"},
		{"日本語の不具合です", "日本語の不具合です"},
		{"", "Report in #bug-reports at 2023-11-14 22:13 UTC"},
		{":bug: :bug:", "Report in #bug-reports at 2023-11-14 22:13 UTC"},
		{"🐛🐛🐛", "Report in #bug-reports at 2023-11-14 22:13 UTC"},
		{"!!! ???", "Report in #bug-reports at 2023-11-14 22:13 UTC"},
	}
	for _, tt := range tests {
		if got := Extract(message(tt.in)).Title; got != tt.want {
			t.Errorf("title of %q = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestLongTitleIsCutAtAWord(t *testing.T) {
	tests := []struct{ in, want string }{
		{
			"When I open the settings page and change the time zone to Honolulu the date picker shows the wrong month",
			"When I open the settings page and change the time zone to Honolulu the date…",
		},
		{
			"Saving a draft fails on staging. It worked yesterday, and nobody I asked has changed anything there since.",
			"Saving a draft fails on staging",
		},
		{strings.Repeat("x", 200), strings.Repeat("x", 79) + "…"},
	}
	for _, tt := range tests {
		got := Extract(message(tt.in)).Title
		if got != tt.want || utf8.RuneCountInString(got) > maxTitle {
			t.Errorf("title of %q = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestFallbackTitleWithoutNames(t *testing.T) {
	m := Message{Key: Key{Team: "T1", Channel: "C1", TS: "broken"}}
	if got, want := Extract(m).Title, "Report in #C1 at broken"; got != want {
		t.Errorf("title %q, want %q", got, want)
	}
}

func TestExtractParts(t *testing.T) {
	tests := []struct {
		name, text string
		want       Report
	}{
		{
			"labelled in lines",
			"Export is broken\n*Steps to reproduce:*\n1. Open the list\n2. Click Export\n*Expected:* a file\n*Actual:* a blank page",
			Report{Title: "Export is broken", Steps: []string{"Open the list", "Click Export"}, Expected: "a file", Actual: "a blank page"},
		},
		{
			"all in one line",
			"Export is broken. Steps: 1) open the list 2) click Export in 1.5 seconds. Expected: a file. Actual: a blank page",
			Report{
				Title: "Export is broken", Steps: []string{"open the list", "click Export in 1.5 seconds."},
				Expected: "a file.", Actual: "a blank page",
			},
		},
		{
			"labels alone in their lines, bullets, text after the list",
			"Export is broken\n\nRepro\n• open the list\n• click Export\n  twice\n\nHappens since Monday.\n\nExpected behaviour\na file\n\nActual behaviour\na blank page",
			Report{
				Title: "Export is broken", Summary: "Export is broken\n\nHappens since Monday.",
				Steps: []string{"open the list", "click Export twice"}, Expected: "a file", Actual: "a blank page",
			},
		},
		{
			"arrows",
			"To reproduce: Settings -> Profile → Save",
			Report{Title: "Settings -> Profile → Save", Steps: []string{"Settings", "Profile", "Save"}},
		},
		{
			"plain lines",
			"It hangs\nSteps:\nopen the list\nscroll down",
			Report{Title: "It hangs", Steps: []string{"open the list", "scroll down"}},
		},
		{
			"expected but got",
			"Filter is wrong. I expected 12 tickets but got 340.",
			Report{Title: "Filter is wrong. I expected 12 tickets but got 340", Expected: "12 tickets", Actual: "got 340"},
		},
		{
			"code is kept and never read",
			"It fails\nActual:\n```\nexpected: 1\n  steps: 2\n```\nSee `steps: x`",
			Report{Title: "It fails", Actual: "```\nexpected: 1\n  steps: 2\n```\nSee `steps: x`"},
		},
		{
			"a dash behind the label",
			"It fails\nExpected - a file\nActual – nothing",
			Report{Title: "It fails", Expected: "a file", Actual: "nothing"},
		},
		{
			"bold labels without a colon",
			"It fails\n*Steps*\n• open it\n*Expected* a file\n*Actual* nothing",
			Report{Title: "It fails", Steps: []string{"open it"}, Expected: "a file", Actual: "nothing"},
		},
		{
			"words that are no labels",
			"The steps are unclear and what I expected is gone",
			Report{Title: "The steps are unclear and what I expected is gone"},
		},
	}
	for _, tt := range tests {
		if got := Extract(message(tt.text)); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.name, got, tt.want)
		}
	}
}

func TestSeverity(t *testing.T) {
	tests := []struct{ in, want string }{
		{"Severity: high", High},
		{"*Severity:* Critical", Critical},
		{"severity=low, crashes", Low},
		{"priority: P2", Medium},
		{"This is P0!", Critical},
		{"P1: it fails", High},
		{"p3, when you have time", Low},
		{"sev1", Critical},
		{"sev-2 in production", High},
		{"Severity: cosmetic", Low},
		{"there is an outage", Critical},
		{"looks like data loss", Critical},
		{"we lost all our data", Critical},
		{"production is down", Critical},
		{"the app crashes", High},
		{"blocker for the release", High},
		{"a typo in the footer", Low},
		{"cosmetic: logo is misaligned", Low},
		{"it is slow sometimes", Medium},
		{"typo on the page that crashes", High},
		{"not critical, just odd", ""},
		{"no data loss, not a blocker", ""},
		{"the button is green", ""},
		{"```\nseverity: high\n```\nthe button is green", ""},
		{"P10 is odd", ""},
	}
	for _, tt := range tests {
		if got := Extract(message(tt.in)).Severity; got != tt.want {
			t.Errorf("severity of %q = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestEnvironment(t *testing.T) {
	tests := []struct{ in, want string }{
		{"Version: 2.3.1\nOS: macOS 15.6\nBrowser: Firefox 143\nEnv: staging", "Environment: staging\nOS: macOS 15.6\nBrowser: Firefox 143\nVersion: 2.3.1"},
		{"It fails, version: 2.3.1, OS: Windows 11, browser: Edge 140", "OS: Windows 11\nBrowser: Edge 140\nVersion: 2.3.1"},
		{"Environment: Chrome 120 on macOS 14, prod", "Environment: Chrome 120 on macOS 14, prod"},
		{"Environment:\n- Chrome 120\n- macOS 14", "Chrome 120\nmacOS 14"},
		{"crashes on prod with v2.3.1", "Environment: production\nVersion: v2.3.1"},
		{"crashes in Safari 17 on iOS 17.2, app 5.3.1", "OS: iOS 17.2\nBrowser: Safari 17\nVersion: 5.3.1"},
		{"broken in Safari, works fine in Firefox 121", "Browser: Safari"},
		{"iPhone 15 Pro crashes", "Device: iPhone 15 Pro"},
		{"staging: it fails", "Environment: staging"},
		{"connects to 10.0.0.1 and takes 1.5 s", ""},
		{"an edge case with windows that overlap", ""},
		{"```\nVersion: 1.2.3 on prod\n```\nfails", ""},
	}
	for _, tt := range tests {
		if got := Extract(message(tt.in)).Environment; got != tt.want {
			t.Errorf("environment of %q = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestLinksAndFiles(t *testing.T) {
	m := message("See <https://a.example/x?y=1&amp;z=2|the page>, <https://b.example> (https://c.example/p(q)). <https://b.example|again> <mailto:a@b.example>")
	m.Files = []File{{Name: "a.png", Permalink: "https://acme.slack.com/files/F1"}}
	r := Extract(m)
	want := []string{"https://a.example/x?y=1&z=2", "https://b.example", "https://c.example/p(q)"}
	if !reflect.DeepEqual(r.Links, want) {
		t.Errorf("links %q, want %q", r.Links, want)
	}
	if !reflect.DeepEqual(r.Files, m.Files) {
		t.Errorf("files %v, want %v", r.Files, m.Files)
	}
}

func TestExtractBounds(t *testing.T) {
	m := message("It fails\nSteps:\n- " + strings.Repeat("on and ", 100) + strings.Repeat("\n- a step", 100) + "\nExpected: " + strings.Repeat("much ", 1000))
	r := Extract(m)
	if len(r.Steps) != maxSteps || utf8.RuneCountInString(r.Steps[0]) > maxStep || utf8.RuneCountInString(r.Expected) > maxSection {
		t.Errorf("%d steps of %d, expected of %d", len(r.Steps), len(r.Steps[0]), len(r.Expected))
	}
}
