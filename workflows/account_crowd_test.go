package workflows

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// ask has Workflows ask to be told when the account works, from a time of the simulated clock on. The test environment takes a
// thousand messages at once, and one more stops it for ever.
func (g *grant) ask(at time.Duration, ids []string) {
	for some := range slices.Chunk(ids, 500) {
		g.after(at, func() {
			for _, id := range some {
				g.env.SignalWorkflow(SignalAwait, Waiter{WorkflowID: id, Since: epoch})
			}
		})
		at += time.Second
	}
}

// continueAt has the server suggest Continue-As-New at a time.
func (g *grant) continueAt(at time.Duration) {
	g.after(at, func() { g.env.SetContinueAsNewSuggested(true) })
}

// A grant that was dead for weeks has work for thousands waiting. None of them is missed, and none told twice, over four runs:
// they ask in two, some again as they do every hour, and the account continues as new twice while it tells them.
func TestTenThousandWaitingWorkflowsGoOnOnceEach(t *testing.T) {
	const many = 10_000
	ids, gone := make([]string, many), map[string]bool{}
	for i := range ids {
		ids[i] = ReportWorkflowID(fmt.Sprintf("T0SANDBOX/C0BUGREPORTS/%d.%06d", epoch.Unix()+int64(i/10), i))
		gone[ids[i]] = i%97 == 0
	}
	told := map[string]int{}
	// play plays one run, and returns what the next begins with; nil when the account ended.
	var vault activities.Facts
	play := func(in AccountInput, script func(*grant)) *AccountInput {
		t.Helper()
		g := newGrant(t, 10*time.Hour)
		g.now, g.gone = vault, gone
		script(g)
		execute(g.env, ConnectedAccount, in)
		vault = g.now
		for _, id := range g.signals {
			told[id]++
		}
		if g.env.GetWorkflowError() == nil {
			return nil
		}
		next, ok := continuedInput(t, g.env)
		require.True(t, ok)
		data, err := defaultConverter.ToPayload(next)
		require.NoError(t, err)
		require.Less(t, data.Size(), 1<<20, "half of what a Workflow may begin with")
		return &next
	}

	next := play(AccountInput{Account: acmeSlack}, func(g *grant) {
		g.issue()
		g.failures = []activities.Failure{{Kind: credential.DeadGrant, Message: "revoked"}}
		g.after(time.Minute, func() { g.report(t, 1) })
		g.ask(time.Hour, ids[:many*2/5])
		g.ask(2*time.Hour, ids[:many/10])
		g.continueAt(3 * time.Hour)
	})
	require.Equal(t, ids[:many*2/5], next.State.Waiting)

	next = play(*next, func(g *grant) {
		g.ask(time.Hour, ids[many*2/5:])
		g.ask(2*time.Hour, ids[many/5:many/2])
		g.after(3*time.Hour, func() {
			assert.Equal(t, many, g.status(t).Waiting)
			g.env.SignalWorkflow(SignalReauthorized, ReauthorizedRequest{Authorization: "good-authorization"})
		})
		g.continueAfter = many / 3
	})
	require.NotNil(t, next)
	first := len(told)
	assert.Positive(t, first)
	assert.Len(t, next.State.Waiting, many-first, "all others go along")

	next = play(*next, func(g *grant) { g.continueAfter = many / 3 })
	require.NotNil(t, next)
	assert.Greater(t, len(told), first)
	assert.NotEmpty(t, next.State.Waiting)

	require.Nil(t, play(*next, func(g *grant) { g.end(time.Hour) }))
	require.Len(t, told, many, "none is missed, although some are gone")
	for id, times := range told {
		require.Equal(t, 1, times, id)
	}
}
