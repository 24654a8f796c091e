package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/gateway"
	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// The app is removed from a channel, which is renamed meanwhile, and is invited again. The status says what is wrong and what
// to do, the other channel is read on, and in the end nothing is missing.
func TestChannelsComeAndGo(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	name := w.pollEvery(time.Second)
	support := func() gateway.ChannelView {
		view, err := w.LookAtTriage(t.Context(), name, patience)
		require.NoError(t, err)
		i := slices.IndexFunc(view.Channels, func(c gateway.ChannelView) bool { return c.Channel == "C0SUPPORT" })
		require.GreaterOrEqual(t, i, 0)
		return view.Channels[i]
	}
	filed := func(n int) func() bool { return func() bool { return len(w.sandbox.Books().Replies) == n } }

	require.NoError(t, w.sandbox.ChangeChannel(sandbox.Channel{ID: "C0SUPPORT", Name: "help-desk", BotAbsent: true}))
	w.sandbox.Post("C0SUPPORT", sandbox.Message{User: "ada", Text: report, Report: true})
	w.eventually("the status to tell of it", func() bool { return !support().FailingSince.IsZero() })
	for _, part := range []string{"C0SUPPORT", "not_in_channel", "/invite"} {
		assert.Contains(t, support().Trouble, part)
	}
	w.sandbox.Post("C0BUGREPORTS", sandbox.Message{User: "ada", Text: report, Report: true})
	w.eventually("the other channel to be read", filed(1))

	require.NoError(t, w.sandbox.ChangeChannel(sandbox.Channel{ID: "C0SUPPORT", Name: "help-desk"}))
	require.NoError(t, w.Workflows.SignalTriage(t.Context(), name, workflows.SignalReload)) // else it looks again after five minutes
	w.eventually("the report of the meantime", filed(2))
	w.eventually("the trouble to be over", func() bool { return support().Trouble == "" && support().FailingSince.IsZero() })
	books := w.sandbox.Books()
	assert.Zero(t, books.Missing+books.Duplicates+books.Unexpected)
}
