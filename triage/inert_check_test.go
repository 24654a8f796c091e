package triage

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// Two judges read what we write, and know nothing of how: a Markdown parser, in markdown_check_test.go, and the checker below, for
// what is GitHub's own and in no parser, such as mentions and references. It reads line by line: code blocks and code spans are inert,
// and whatever is left may hold nothing that GitHub acts on.

var (
	fenceLine  = regexp.MustCompile("^( *)(?:[0-9]+\\. )?(`{3,})text$")
	span       = regexp.MustCompile("`[^`]+`")
	autolink   = regexp.MustCompile(`<https?://[A-Za-z0-9.-]+(?::[0-9]+)?(?:[/?#][^\s<>@]*)?>`)
	ourHeading = regexp.MustCompile(`^### (?:Summary|Steps to reproduce|Expected|Actual|Environment|Severity|Component|Original message|Attachments|Links)$`)
	ourMark    = regexp.MustCompile(`^(?: {3,4})?(?:[0-9]+\. |- )`)
	effective  = regexp.MustCompile("[<>`*_~|\\\\\\[\\]{}#@$^=+]|&[#A-Za-z0-9]|(?i:(?:https?|ftp)://|www\\.\\S|mailto:\\S)|\\b[0-9a-fA-F]{7,}\\b|(?i:\\bgh-[0-9])|[A-Za-z]-[0-9]|--|:[A-Za-z0-9_+-]+:")
	blockStart = regexp.MustCompile(`^(?:[-+*#>=~]|[0-9]+[.)](?:\s|$)| {4}|\t)`)
	joined     = regexp.MustCompile(`([\p{So}\x{FE0F}\x{1F3FB}-\x{1F3FF}])(?:\x{200D}\p{So}[\x{FE0F}\x{1F3FB}-\x{1F3FF}]*)+`)
	invisible  = regexp.MustCompile("[\x00-\x08\x0b-\x1f\x7f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
)

// shown stands for a code span: what is before it and behind it is not joined.
const shown = "\uFFFC"

// lineFault returns what in a line outside of code blocks would take effect, or "".
func lineFault(line string) string {
	left := autolink.ReplaceAllString(span.ReplaceAllString(line, shown), "")
	if found := effective.FindString(left); found != "" {
		return fmt.Sprintf("%q takes effect in the line %q", found, line)
	}
	if blockStart.MatchString(line) {
		return fmt.Sprintf("the line %q starts a block", line)
	}
	return ""
}

func bodyFaults(body string) []string { return bodyFaultsBut(body, nil, fenceLine) }

// bodyFaultsBut passes over the lines that a template wrote, and takes its fences for some.
func bodyFaultsBut(body string, own map[string]bool, fenceLine *regexp.Regexp) []string {
	var faults []string
	var open string // the fence we are in, with its indentation
	for line := range strings.SplitSeq(body, "\n") {
		switch {
		case open != "" && strings.TrimSpace(line) == strings.TrimSpace(open):
			open = ""
		case open != "" && strings.HasPrefix(strings.TrimSpace(line), strings.TrimSpace(open)):
			faults = append(faults, fmt.Sprintf("%q could end the code block", line))
		case open != "":
		case fenceLine.MatchString(line):
			open = fenceLine.FindStringSubmatch(line)[2]
		case ourHeading.MatchString(line), own[line]:
		default:
			text := strings.TrimLeft(line, " ")
			if mark := ourMark.FindString(line); mark != "" {
				text = line[len(mark):]
			}
			if fault := lineFault(text); fault != "" {
				faults = append(faults, fault)
			}
		}
	}
	if open != "" {
		faults = append(faults, "a code block is left open")
	}
	return faults
}

// faultsOf returns every way in which an issue breaks what Render promises.
func faultsOf(issue Issue, key Key) []string { return faultsBut(issue, key, "", nil, fenceLine) }

// faultsBut is faultsOf an issue whose title has a beginning, lines and fences of a template.
func faultsBut(issue Issue, key Key, lead string, own map[string]bool, fenceLine *regexp.Regexp) []string {
	var faults []string
	must := func(holds bool, format string, args ...any) {
		if !holds {
			faults = append(faults, fmt.Sprintf(format, args...))
		}
	}
	titleLength := utf8.RuneCountInString(issue.Title)
	must(titleLength > 0 && titleLength <= 256, "title of %d runes", titleLength)
	must(!strings.ContainsAny(issue.Title, "\n\r\t"), "title of several lines: %q", issue.Title)
	must(strings.HasPrefix(issue.Title, lead), "the title is %q", issue.Title)
	left := span.ReplaceAllString(strings.TrimPrefix(issue.Title, lead), shown)
	must(!effective.MatchString(left), "the title takes effect: %q", issue.Title)

	must(len(issue.Body) <= 65536, "body of %d bytes", len(issue.Body))
	must(utf8.ValidString(issue.Body) && utf8.ValidString(issue.Title), "invalid UTF-8")
	must(!invisible.MatchString(joined.ReplaceAllString(issue.Body+"\n"+issue.Title, "$1")), "invisible characters")
	must(strings.Count(issue.Body, "<!--") == 1, "%d comments", strings.Count(issue.Body, "<!--"))
	must(strings.HasSuffix(issue.Body, "\n\n"+key.Marker()), "the marker is not the last line")
	found, ok := FindMarker(issue.Body)
	must(ok && found == key, "FindMarker returns %v, %v", found, ok)
	faults = append(faults, titleFaults(strings.TrimPrefix(issue.Title, lead))...)
	w := written{own: own, lists: issueLists, marker: key.Marker()}
	if own != nil { // what a field is called, its author knows
		w.lists = func(string, bool) bool { return true }
	}
	faults = append(faults, markdownFaults(issue.Body, w)...)
	return append(faults, bodyFaultsBut(strings.TrimSuffix(issue.Body, key.Marker()), own, fenceLine)...)
}

// The checker is worth nothing if it lets things pass.
func TestCheckerSeesWhatTakesEffect(t *testing.T) {
	for _, body := range []string{
		"@octocat", "see #12", "GH-12", "acme/app#1", "<b>x</b>", "<!-- x -->", "[x](y)", "![x](y)", "**x**", "_x_", "~~x~~", "# x",
		"- - x", "1. 2. x", "a\n===", "| a |", "&#64;x", "&lt;", "https://x.example", "www.x.example", "<javascript:x>", "defaced", "$x$",
		"```text\nx", "```text\nx\n````", "`x` ` @x", "<https://a@b.example>", "[^1]", "---", "\\@x",
	} {
		if len(bodyFaults(body)) == 0 {
			t.Errorf("%q passes", body)
		}
	}
	for _, body := range []string{"plain text, `@code` and <https://x.example/#1>.", "### Summary\n\nx", "````text\n@x\n```\n````\ny", "1. x\n\n   ```text\n   @x\n   ```"} {
		if faults := bodyFaults(body); len(faults) > 0 {
			t.Errorf("%q: %s", body, faults)
		}
	}
}

func FuzzRender(f *testing.F) {
	for _, golden := range goldens {
		if golden.name == "long" {
			continue // a seed of 40,000 characters makes the fuzzer slow
		}
		m := golden.message
		f.Add(m.Text, m.UserName, m.ChannelName, "a.png", m.Permalink)
	}
	for _, seed := range []string{
		"`a` ``b`` ```c````d`", "```\n````\n~~~", "1. 1) - + * > # =", "Steps:\n1. ```x\n2. y\n```", "<@U1|`>`", "<https://x.example|`a`>",
		"*Actual:* `\n```\nExpected\n\n```", "\u202e<!\u200b--", "&lt;&amp;lt;!--", "a\\`b\\", "GH-1 a@b #1 0123456 abcdef0", "👩\u200d👩\u200d👧 🏳\uFE0F\u200d🌈", "\uE000\uE001`x`", "\x98\u200d",
	} {
		f.Add(seed, seed, seed, seed, seed)
	}
	f.Fuzz(func(t *testing.T, text, name, channel, file, link string) {
		m := Message{
			Key: testKey, Text: text, UserName: name, ChannelName: channel, Permalink: link, Names: map[string]string{"U1": name},
			Files:     []File{{Name: file, MIMEType: channel, Size: int64(len(text)), Permalink: link}},
			Forwarded: []string{link, text},
		}
		extracted := Extract(m)
		raw := Report{
			Title: text, Summary: text, Steps: []string{text, file}, Expected: name, Actual: text, Severity: channel, Environment: text,
			Links: []string{link, text}, Files: m.Files,
		}
		for _, report := range []Report{extracted, raw} {
			issue := Render(m, report, goldenRoute)
			for _, fault := range faultsOf(issue, m.Key) {
				t.Error(fault)
			}
			if again := Render(m, report, goldenRoute); again.Body != issue.Body || again.Title != issue.Title {
				t.Error("a second Render differs")
			}
		}
		if extracted.Title == "" || utf8.RuneCountInString(extracted.Title) > maxTitle || strings.ContainsFunc(extracted.Title, unicode.IsControl) {
			t.Errorf("title %q", extracted.Title)
		}
		if got := Classify(m); got.Confidence < 0 || got.Confidence > 1 || got.Reason == "" {
			t.Errorf("Classify = %+v", got)
		}
		if again := Extract(m); !slices.Equal(again.Steps, extracted.Steps) || again.Summary != extracted.Summary {
			t.Error("a second Extract differs")
		}
	})
}
