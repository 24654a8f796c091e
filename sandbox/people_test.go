package sandbox_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
)

func spoken(seed uint64, n int) []sandbox.Message {
	people := sandbox.NewPeople(seed)
	all := make([]sandbox.Message, n)
	for i := range all {
		all[i] = people.Next()
	}
	return all
}

func TestPeopleSayTheSameForTheSameSeed(t *testing.T) {
	once, again, others := spoken(7, 200), spoken(7, 200), spoken(8, 200)
	assert.Equal(t, once, again)
	assert.NotEqual(t, once, others)
}

func TestPeopleReportEnough(t *testing.T) {
	for seed := range uint64(50) {
		kinds := map[sandbox.Kind]int{}
		for _, m := range spoken(seed, 70) {
			kinds[m.Kind]++
			assert.Equal(t, m.Kind == sandbox.KindReport, m.Report)
		}
		assert.GreaterOrEqual(t, kinds[sandbox.KindReport], 30)
		assert.GreaterOrEqual(t, 70-kinds[sandbox.KindEdit], 60)
		for _, kind := range []sandbox.Kind{sandbox.KindChatter, sandbox.KindReply, sandbox.KindBot, sandbox.KindEdit} {
			assert.Positive(t, kinds[kind], kind)
		}
	}
}

var reportWords = []string{
	"crash", "broken", "fails", "failed", "error", "exception", "bug", "steps to reproduce", "expected", "does not work", "hangs",
}

func TestReportsReadLikeReportsAndChatterDoesNot(t *testing.T) {
	people := sandbox.NewPeople(1)
	seen := map[string]bool{}
	withFiles := 0
	for range 40 {
		m := people.Report()
		seen[m.Text] = true
		assert.True(t, containsAny(m.Text, reportWords), m.Text)
		if len(m.Files) > 0 {
			withFiles++
			assert.NotContains(t, m.Text, "[file")
			assert.NotEmpty(t, m.Files[0].Mimetype)
			assert.Positive(t, m.Files[0].Size)
		}
	}
	assert.Len(t, seen, 40, "nothing is said twice before everything was said once")
	assert.Positive(t, withFiles)
	for _, m := range spoken(2, 500) {
		assert.NotRegexp(t, `\{[a-z]+\}`, m.Text, "every place is filled")
		if m.Kind == sandbox.KindChatter {
			assert.False(t, containsAny(m.Text, reportWords), m.Text)
		}
	}
}

func containsAny(text string, words []string) bool {
	for _, word := range words {
		if strings.Contains(strings.ToLower(text), word) {
			return true
		}
	}
	return false
}

func TestWhatPeopleSayCanBeDelivered(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	channels := []string{"bug-reports", "support"}
	posted := map[string]sandbox.Posted{}
	reports := 0
	for i, m := range spoken(3, 300) {
		p, err := w.Deliver(channels[i%2], m)
		require.NoError(t, err)
		posted[m.Ref] = p
		switch m.Kind {
		case sandbox.KindReply:
			assert.Equal(t, posted[m.ReplyTo].Channel, p.Channel, "a reply goes to where its parent is")
		case sandbox.KindEdit:
			original := posted[m.EditOf]
			original.Edited = true
			assert.Equal(t, original, p, "an edit keeps the ts")
		case sandbox.KindReport:
			reports++
		default:
		}
	}
	books := w.Books()
	assert.Equal(t, reports, books.ReportsPosted)
	assert.Equal(t, reports, books.Missing)
	assert.Positive(t, books.Edits)
	assert.Equal(t, 300, books.MessagesPosted+books.Edits)
}
