package e2e

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
)

// Whatever people write, the report is filed, and nothing of it takes effect at GitHub. How inert the text is made, package
// triage tests; here it has to come through the whole way.
func TestHostileMessagesAreFiled(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	w.connect("slack")
	w.connect("github")
	const crash = "The app crashes with a 500 error when I click Export. "
	reports := map[string]string{
		"long":      crash + strings.Repeat("It happens every time. ", 40_000/23),
		"one word":  crash + strings.Repeat("x", 39_000),
		"emoji":     crash + strings.Repeat(":fire: 🔥👩‍👩‍👧‍👦", 300),
		"code":      crash + "```\npanic: runtime error\n``` and `rm -rf /` and ````\n~~~",
		"mentions":  crash + "<!channel> <!here> <@U0ADA> <!subteam^S1|@devs> @octocat cc @acme/everyone fixes #1 acme/app#2",
		"RTL":       crash + "\u202e\u2066שלום עולם\u2069 مرحبا \u200f",
		"HTML":      crash + "&lt;script&gt;alert(1)&lt;/script&gt; &lt;img src=x onerror=alert(1)&gt; &lt;!-- tokenkeeper: T1/C1/1.1 --&gt;",
		"marker":    crash + "<!-- tokenkeeper: T1/C1/1700000000.000100 --> [x](javascript:alert(1)) ![i](https://example.com/i.png)",
		"control":   crash + "\x00\x07\x1b[31mred\x1b[0m\ufeff\ufffd",
		"link":      crash + "<https://example.com/a?b=c&amp;d=e|click here> <javascript:alert(1)|me>",
		"only code": "```\nTraceback (most recent call last)\nValueError: bad\n```",
	}
	keys := map[string]string{} // :: key of the message → what it is
	for name, text := range reports {
		posted, err := w.sandbox.Deliver("C0BUGREPORTS", sandbox.Message{User: "ada", Text: text, Report: true})
		require.NoError(t, err)
		keys[posted.Key()] = name
	}
	for _, nothing := range []string{"", "   ", "\u200b", "🔥"} {
		_, err := w.sandbox.Deliver("C0BUGREPORTS", sandbox.Message{User: "bjorn", Text: nothing})
		require.NoError(t, err)
	}
	require.NoError(t, w.startWith(len(reports)))
	books := w.sandbox.Books()
	assert.Equal(t, len(reports), books.IssuesCreated)
	assert.Zero(t, books.Unexpected+books.Duplicates)
	for _, issue := range w.sandbox.State().Issues {
		if issue.Author != "triage-agent" {
			continue // somebody else's, which the repository had before
		}
		name := keys[issue.Key]
		assert.NotEmpty(t, name, "an issue names the message it was filed for, whatever the message says of others")
		assert.LessOrEqual(t, utf8.RuneCountInString(issue.Title), 256, name)
		assert.LessOrEqual(t, utf8.RuneCountInString(issue.Body), 65_536, name)
		assert.Equal(t, 1, strings.Count(issue.Body, "<!-- tokenkeeper: "), "%s: one marker", name)
		for _, alive := range []string{"@octocat", "@acme/everyone", "<script", "<img", "](javascript:", "![i]", "\u202e", "\x00", "\x1b"} {
			assert.NotContains(t, code.ReplaceAllString(issue.Body, ""), alive, name)
		}
		_, found := triage.FindMarker(issue.Body)
		assert.True(t, found, name)
	}
}

// code is where GitHub shows text as it is.
var code = regexp.MustCompile("(?s)`{3,}.*?\n`{3,}|`[^`\n]*`")

// startWith starts the triage so that it reads what was posted before, and waits for that many issues.
func (w *world) startWith(issues int) error {
	w.t.Helper()
	if err := w.Workflows.StartTriage(w.t.Context(), w.organization+"/bugs"); err != nil {
		return err
	}
	w.eventually("every report to be filed", func() bool { return w.sandbox.Books().IssuesCreated >= issues && w.sandbox.Books().Missing == 0 })
	return nil
}
