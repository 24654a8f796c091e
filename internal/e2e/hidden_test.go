package e2e

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
)

// The workspace hides what is older than ninety days from a triage that looks back further. It files the rest, and its status says
// from when to when it could not read.
func TestWhatSlackHidesIsSaid(t *testing.T) {
	beside(t)
	const day = 24 * time.Hour
	var ago atomic.Int64 // by how much the clock of Slack goes behind
	w := newWorld(t, sandbox.Options{
		HistoryWindow: 90 * day, Now: func() time.Time { return time.Now().Add(-time.Duration(ago.Load())) },
	})
	w.rewrite("lookback: 1m", "lookback: 2400h")
	posted := func(before time.Duration, shown bool) (key string) {
		ago.Store(int64(before))
		defer ago.Store(0)
		message, err := w.sandbox.Deliver("C0BUGREPORTS", sandbox.Message{User: "ada", Text: report, Report: shown})
		require.NoError(t, err)
		return message.Key()
	}
	posted(95*day, false)
	oldest, latest := posted(30*day, true), posted(0, true)
	w.connect("slack")
	w.connect("github")
	require.NoError(t, w.startWith(2))

	for _, key := range []string{oldest, latest} {
		assert.Equal(t, "acme/app", w.issueOf(key).Repository)
	}
	first, err := triage.ParseKey(oldest)
	require.NoError(t, err)
	name := w.organization + "/bugs"
	w.eventually("the hand-over", func() bool { return w.triage(name).Channels[0].Reports == 2 })
	status := w.types("triage", "status", name)
	assert.Contains(t, status, fmt.Sprintf("C0BUGREPORTS: what was posted between %s and %s could not be read",
		time.Now().UTC().Add(-100*day).Format(time.DateOnly), first.Time().UTC().Format(time.DateOnly)))
	assert.NotContains(t, status, "C0SUPPORT: what was posted", "nothing is hidden there")
	assert.Zero(t, w.sandbox.Books().Unexpected+w.sandbox.Books().Duplicates)
}
