package triage

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func discussed(texts ...string) Discussion {
	d := Discussion{Report: Message{Key: Key{Team: "T1", Channel: "C1", TS: "1700000000.000100"}, Permalink: "https://acme.slack.com/archives/C1/p1700000000000100"}}
	for i, text := range texts {
		d.Replies = append(d.Replies, Message{
			Key: Key{Team: "T1", Channel: "C1", TS: "170000006" + string(rune('0'+i)) + ".000100"}, User: "U1", UserName: "Ada", Text: text, ThreadTS: d.Report.TS,
		})
	}
	return d
}

func TestACommentHoldsWhatPeopleSaidAndIsInert(t *testing.T) {
	d := discussed("It is *worse* now, see `log.txt`", "@octocat #12 <!channel> <https://evil.example/x|click>\n```rm -rf```\n<!-- tokenkeeper-thread: T1/C1/1700000000.000100 upto 1800000000.000000 edited - -->")
	d.Replies[0].Files = []File{{Name: "screen.png", MIMEType: "image/png", Size: 47000, Permalink: "https://acme.slack.com/files/U1/F1/screen.png"}}

	text, upto := d.Comment(Followed{})

	assert.Equal(t, Followed{Upto: "1700000061.000100"}, upto)
	found, ok := FindFollowed(text, d.Report.Key)
	require.True(t, ok, text)
	assert.Equal(t, upto, found, "a marker that somebody writes is a quotation")
	for _, part := range []string{
		"From the thread in Slack: <https://acme.slack.com/archives/C1/p1700000000000100>", "Ada on 14 November 2023 at 22:14 UTC:",
		"- `screen.png` (`image/png`, 47 kB): <https://acme.slack.com/files/U1/F1/screen.png>", "> `@octocat` `#12` `@channel`", "> ```text\n> rm -rf\n> ```",
	} {
		assert.Contains(t, text, part)
	}
	assert.Equal(t, 1, strings.Count(text, "<!--"))
	_, isIssue := FindMarker(text)
	assert.False(t, isIssue)
	_, other := FindFollowed(text, Key{Team: "T1", Channel: "C1", TS: "1700000000.000200"})
	assert.False(t, other, "the marker of another report")
}

func TestAnEditIsTold(t *testing.T) {
	d := discussed()
	d.Report.Text, d.Report.EditedAt, d.Edited = "It crashes on *Safari* only", "1700000300.000000", true

	text, upto := d.Comment(Followed{Upto: "1700000060.000100"})

	assert.Equal(t, Followed{Upto: "1700000060.000100", Edited: "1700000300.000000"}, upto)
	assert.Contains(t, text, "The report was edited on 14 November 2023 at 22:18 UTC. It says now:\n\n```text\nIt crashes on *Safari* only\n```")
	found, ok := FindFollowed(text, d.Report.Key)
	assert.True(t, ok)
	assert.Equal(t, upto, found)
}

func TestALongDiscussionIsSeveralComments(t *testing.T) {
	d := discussed(strings.Repeat("a_b ", 10_000), strings.Repeat("x ", 15_000), strings.Repeat("y ", 15_000), "short")
	done := Followed{}
	comments := 0
	for rest := d; len(rest.Replies) > 0; comments++ {
		text, upto := rest.Comment(done)
		require.LessOrEqual(t, len(text), maxBody)
		require.Greater(t, upto.Upto, done.Upto, "each comment goes further")
		for len(rest.Replies) > 0 && rest.Replies[0].TS <= upto.Upto {
			rest.Replies = rest.Replies[1:]
		}
		done = upto
	}
	assert.Equal(t, d.Replies[3].TS, done.Upto)
	assert.LessOrEqual(t, comments, 3)
}

func TestWhoContributesToAThread(t *testing.T) {
	self := Self{UserID: "U0BOT", BotID: "B0BOT"}
	reply := discussed("still broken").Replies[0]
	assert.True(t, Contribution(reply, self))
	for name, change := range map[string]func(*Message){
		"ours": func(m *Message) { m.User = "U0BOT" }, "a bot's": func(m *Message) { m.BotID = "B1" },
		"a join": func(m *Message) { m.Subtype = "channel_join" }, "empty": func(m *Message) { m.Text = " " },
		"the report itself": func(m *Message) { m.ThreadTS = m.TS }, "no reply": func(m *Message) { m.ThreadTS = "" },
	} {
		m := reply
		change(&m)
		assert.False(t, Contribution(m, self), name)
	}
	reply.Subtype = "thread_broadcast"
	assert.True(t, Contribution(reply, self))
}

func TestTheWordThatReopens(t *testing.T) {
	for text, want := range map[string]bool{
		"reopen": true, "Reopen!": true, " `REOPEN` ": true, "*reopen*": true, "please reopen": false, "do not reopen": false, "": false,
	} {
		assert.Equal(t, want, AsksToReopen(Message{Text: text}), text)
	}
}

func TestAnEditIsOneOnlyIfTheIssueShowsAnotherText(t *testing.T) {
	m := discussed().Report
	m.Text = "It crashes with ```E500``` &amp; hangs"
	issue := Render(m, Extract(m), Route{Channel: "C1", Repository: "acme/app"})
	assert.True(t, m.ShownIn(issue.Body))
	assert.True(t, m.ShownIn(strings.ReplaceAll(issue.Body, "\n", "\r\n")), "as a browser sends it back")
	m.Text += " since noon"
	assert.False(t, m.ShownIn(issue.Body))
	m.Text = "It crashes"
	assert.False(t, m.ShownIn(issue.Body), "something was taken away")
	m.Text = strings.Repeat("long ", 30_000)
	assert.True(t, m.ShownIn(Render(m, Extract(m), Route{}).Body))
}

// FuzzComment holds comments to what FuzzRender holds issues to: whatever people write, nothing of it takes effect, and the
// last line alone says how far the comment goes.
func FuzzComment(f *testing.F) {
	for _, seed := range []string{
		"It is *worse* now", "> quoted\n>> twice\n```\n> code\n```", "@octocat acme/app#12 deadbeef", "# heading\n- item\n1. item\n---\n===",
		"<!channel> <https://evil.example/@x|click>\n\n    indented", "<!-- tokenkeeper-thread: T1/C1/1700000000.000100 upto - edited - -->",
		strings.Repeat("`", 200), "a\u202eb\u200bc", "</details><script>",
	} {
		f.Add(seed, "Ada", "screen.png", true)
	}
	f.Fuzz(func(t *testing.T, text, name, file string, edited bool) {
		d := discussed(text, text)
		d.Replies[0].UserName, d.Replies[0].Files = name, []File{{Name: file, MIMEType: name, Permalink: text}}
		d.Replies[0].Forwarded, d.Report.Forwarded = []string{name, text}, []string{text}
		d.Report.Text, d.Report.EditedAt, d.Edited = text, "1700000300.000000", edited

		comment, upto := d.Comment(Followed{})

		if len(comment) > maxBody {
			t.Fatalf("%d bytes are too many", len(comment))
		}
		said, marker, _ := strings.Cut(comment, "\n\n<!--")
		if found, ok := FindFollowed("<!--"+marker, d.Report.Key); !ok || found != upto {
			t.Fatalf("the marker is %q, want one of %+v", marker, upto)
		}
		var lines []string
		for line := range strings.SplitSeq(said, "\n") {
			line = strings.TrimPrefix(line, "> ")
			lines = append(lines, line)
		}
		for _, fault := range bodyFaults(strings.Join(lines, "\n")) {
			t.Error(fault)
		}
		files := func(_ string, ordered bool) bool { return !ordered }
		for _, fault := range markdownFaults(comment, written{lists: files, quotes: true, marker: "<!--" + marker}) {
			t.Error(fault)
		}
	})
}
