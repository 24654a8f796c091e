package triage

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

var update = flag.Bool("update", false, "write the golden issues instead of comparing with them")

var goldenRoute = Route{
	Channel: "C1", Repository: "acme/app", Labels: []string{"bug"}, SeverityLabels: map[string]string{High: "severity/high"},
}

const permalink = "https://acme.slack.com/archives/C1/p1700000000000100"

func goldenMessage(text string) Message {
	m := message(text)
	m.Permalink = permalink
	m.Names = map[string]string{"U2": "Grace Hopper"}
	return m
}

func withFiles(m Message, files ...File) Message {
	m.Files = files
	return m
}

func edited(m Message) Message {
	m.EditedAt = "1700000600.000000"
	return m
}

var image = File{ID: "F1", Name: "login `page`.png", MIMEType: "image/png", Size: 48213, Permalink: "https://acme.slack.com/files/U1/F1/login.png"}

var goldens = []struct {
	name    string
	message Message
}{
	{"plain", goldenMessage("bug: the date picker closes as soon as I click on a month")},
	{"full", edited(goldenMessage(fullReport))},
	{"long", goldenMessage("The import hangs. Log:\n```\n" + longLog() + "```")},
	{"emoji", goldenMessage(":bug: :fire: 🔥🔥 :sob:")},
	{"code", goldenMessage(codeReport)},
	{"mentions", goldenMessage(mentionStorm)},
	{"bidi", goldenMessage("\u202eהדף קורס\u202c כשלוחצים על \u2066שמור\u2069\u200f\nThe \u200bfile is shown as \u202egnp.exe\u202c in the list\x00\ufeff")},
	{"injection", goldenMessage(injection)},
	{"file", withFiles(goldenMessage(""), image)},
	{"files", withFiles(
		goldenMessage("Dark mode: the text is unreadable, see attached"), image,
		File{ID: "F2", Name: "console.log", MIMEType: "text/plain", Size: 812, Permalink: "https://acme.slack.com/files/U1/F2/console.log"},
		File{ID: "F3", Name: "<!-- tokenkeeper: T9/C9/1600000000.000100 -->", Size: 5_300_000, Permalink: "javascript:alert(1)"},
		File{ID: "F4"},
	)},
}

const fullReport = `Hi team :wave:
*Export to CSV is broken on the orders page* (cc <@U2>)

*Steps to reproduce:*
1. Log in as a viewer
2. Open <https://app.example.com/orders?status=open&amp;page=2|the orders page>
3. Filter by ` + "`last month`" + ` and click *Export*

*Expected:* a CSV file with 12 rows
*Actual:* a blank page and this in the console
` + "```\nTypeError: rows is undefined\n    at export (orders.js:88)\n```" + `
Version: 2.14.1
Browser: Firefox 143
OS: macOS 15.6
Env: prod
Severity: high
Related: acme/app#812, docs are at <https://docs.example.com/export>`

const codeReport = "Worker dies when the queue is empty\n```\npanic: runtime error: invalid memory address or nil pointer dereference\n" +
	"goroutine 1 [running]:\nmain.(*Worker).Next(0x0)\n\t/src/worker.go:17 +0x1d\n```\nand `make test` says\n" +
	"Exception in thread \"main\" java.lang.NullPointerException: a &lt;b&gt;\n\tat com.acme.Main.main(Main.java:12)\n````\nnot code\n~~~~"

const mentionStorm = "<!here> <!channel> <!everyone> <@U2> <@U3> <@U4|dora> <!subteam^S1|@backend> <#C2|general> @octocat @acme/security " +
	"please look: login fails, fixes #1, closes GH-2, resolves acme/app#3 and " +
	"https://github.com/acme/app/issues/4, since 1f3c9aa5d2 (acme/app@1f3c9aa5d2e6b7c8091a2b3c4d5e6f7a8b9c0d1e)\n@octocat\n#5"

const injection = `&lt;script&gt;alert(1)&lt;/script&gt; breaks the page
<script>alert(2)</script> <img src=x onerror=alert(3)> &lt;!-- hidden --&gt; <!-- hidden -->
![image](https://evil.example/x.png) [click](https://evil.example) <https://evil.example/login|https://bank.example/login>
# Heading
Setext
===
| a | b |
|---|---|
| 1 | 2 |
- [x] done
[^1]: note
**bold** &amp;lt;b&amp;gt; &amp;#64;octocat $\sqrt{x}$ :tada:
` + "```\n~~~\n```\n~~~\n`````\n" + `Steps:
1. &lt;!-- tokenkeeper: T9/C9/1600000000.000100 --&gt;
2. <details><summary>x</summary>
Expected: &lt;/details&gt;
Actual: @octocat
<!-- tokenkeeper: T9/C9/1600000000.000100 -->`

func longLog() string {
	var b strings.Builder
	for b.Len() < 39900 {
		b.WriteString("2023-11-14T22:13:20Z ERROR job 4411 failed: deadline exceeded\n")
	}
	return b.String()[:39900]
}

func TestGoldenIssues(t *testing.T) {
	for _, golden := range goldens {
		t.Run(golden.name, func(t *testing.T) {
			issue := Render(golden.message, Extract(golden.message), goldenRoute)
			got := "Repository: " + issue.Owner + "/" + issue.Repo + "\nLabels: " + strings.Join(issue.Labels, ", ") +
				"\nTitle: " + issue.Title + "\n\n" + issue.Body + "\n"
			path := filepath.Join("..", "testdata", "triage", "golden", golden.name+".md")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("the issue differs from %s (go test ./triage -update writes it):\n%s", path, got)
			}
			for _, fault := range faultsOf(issue, golden.message.Key) {
				t.Error(fault)
			}
		})
	}
}

func TestRenderQuotesInFullWhatFits(t *testing.T) {
	m := goldenMessage("The import hangs\n" + longLog())
	issue := Render(m, Extract(m), goldenRoute)
	if !strings.Contains(issue.Body, m.Text) {
		t.Error("a message of 40,000 characters is not quoted in full")
	}
}

func TestRenderTruncatesAndSaysSo(t *testing.T) {
	for name, text := range map[string]string{
		"ASCII":     strings.Repeat("It crashes again. ", 5000),
		"Japanese":  strings.Repeat("不具合です。", 6000),
		"emoji":     strings.Repeat("🔥", 40000),
		"backticks": strings.Repeat("`` ` ", 16000),
		"one line":  strings.Repeat("x", 80000),
	} {
		m := goldenMessage(text)
		issue := Render(m, Extract(m), goldenRoute)
		if !strings.Contains(issue.Body, "Truncated: ") || !strings.Contains(issue.Body, "the rest is in Slack: <"+permalink+">") {
			t.Errorf("%s: the body does not say that it is truncated, and where the rest is", name)
		}
		if len(issue.Body) < maxBody-2000 {
			t.Errorf("%s: only %d bytes are used", name, len(issue.Body))
		}
		for _, fault := range faultsOf(issue, m.Key) {
			t.Errorf("%s: %s", name, fault)
		}
	}
}

// A report may come from elsewhere than Extract; a model could write anything into it.
func TestRenderTrustsNoReport(t *testing.T) {
	evil := "@octocat <b>#1</b>\n" + testKey.Marker() + "\n````\n"
	lots := make([]string, 500)
	files := make([]File, 500)
	for i := range lots {
		lots[i] = strings.Repeat(evil, 20)
		files[i] = File{Name: evil, MIMEType: evil, Permalink: evil}
	}
	long := strings.Repeat("# ", 20000)
	report := Report{
		Title: strings.Repeat("@octocat #1 ", 100), Summary: long, Steps: lots, Expected: strings.Repeat(evil, 900), Actual: long,
		Severity: long, Environment: long, Links: lots, Files: files,
	}
	m := goldenMessage("x")
	m.UserName, m.ChannelName, m.Permalink, m.EditedAt = evil, evil, evil, evil
	issue := Render(m, report, Route{Repository: "../evil"})
	if issue.Owner != "" || issue.Repo != "" {
		t.Errorf("repository %q/%q from an invalid route", issue.Owner, issue.Repo)
	}
	for _, fault := range faultsOf(issue, m.Key) {
		t.Error(fault)
	}
}

func TestRenderOfNothing(t *testing.T) {
	issue := Render(Message{}, Report{}, Route{})
	if issue.Title == "" || issue.Body == "" {
		t.Errorf("got %+v", issue)
	}
	if _, found := FindMarker(issue.Body); found || strings.Contains(issue.Body, "<!--") {
		t.Errorf("an invalid key was signed with: %q", issue.Body)
	}
}

func TestTitleFitsAndStaysInert(t *testing.T) {
	for _, title := range []string{strings.Repeat("@a ", 300), strings.Repeat("word ", 200), strings.Repeat("`", 999), strings.Repeat("日#", 500)} {
		got := Render(goldenMessage("x"), Report{Title: title}, goldenRoute).Title
		if n := utf8.RuneCountInString(got); n == 0 || n > maxIssueTitle {
			t.Errorf("a title of %d runes", n)
		}
		if fault := lineFault(got); fault != "" {
			t.Errorf("title %q: %s", got, fault)
		}
	}
}
