package workflows

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/credential"
)

// After a day without workers, 10,000 accounts with tokens of an hour are due in the same moment. The log shows when their
// requests leave: over ten minutes, or over what their connector's rate takes.
func TestTenThousandAccountsDueAtOnceDoNotStampede(t *testing.T) {
	for _, c := range []struct {
		rate   float64
		window time.Duration
		most   int // in a second
	}{
		{20, spreadWindow, 40},
		{5, 2000 * time.Second, 20},
	} {
		t.Run(fmt.Sprintf("at %v a second", c.rate), func(t *testing.T) {
			stampede(t, time.Duration(10_000/c.rate)*time.Second, c.window, c.most)
		})
	}
}

func stampede(t *testing.T, round, window time.Duration, most int) {
	t.Helper()
	const crowd, step = 10_000, 30 * time.Second
	now := time.Date(2026, 5, 2, 12, 0, 0, 0, time.UTC)
	issued := now.Add(-24 * time.Hour)
	var each []int // requests in each second
	var steps []int
	for i := range crowd {
		id := credential.AccountID{Organization: "acme", User: fmt.Sprintf("user-%05d", i), Connector: "slack"}
		wait := spreadOver(id, issued, issued.Add(time.Hour), now, round)
		second, at := int(wait/time.Second), int(wait/step)
		each = append(each, make([]int, max(0, second+1-len(each)))...)
		steps = append(steps, make([]int, max(0, at+1-len(steps)))...)
		each[second]++
		steps[at]++
	}
	for i, n := range steps {
		t.Logf("%5s %4d %s", time.Duration(i)*step, n, strings.Repeat("#", n/10))
	}
	t.Logf("%d requests in %d s: at most %d in a second, %.1f on average", crowd, len(each), slices.Max(each), float64(crowd)/float64(len(each)))
	assert.InDelta(t, window.Seconds(), len(each), 5)
	assert.Less(t, slices.Max(each), most)
	for i, n := range steps[:int(window/step)] {
		assert.InDelta(t, crowd/len(steps), n, 150, "from %s", time.Duration(i)*step)
	}
}

func TestTheSpreadRespectsTheToken(t *testing.T) {
	now := time.Date(2026, 5, 2, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		issued, expires time.Duration // from now
		window          time.Duration
	}{
		"long over":          {-30 * time.Hour, -18 * time.Hour, spreadWindow},
		"still good":         {-9 * time.Hour, time.Minute, time.Minute},
		"of twenty minutes":  {-24 * time.Hour, -24*time.Hour + 20*time.Minute, 5 * time.Minute},
		"that does not end":  {-24 * time.Hour, -24 * time.Hour, spreadWindow},
		"of twenty seconds":  {-time.Hour, -time.Hour + 20*time.Second, 5 * time.Second},
		"good for some more": {-9 * time.Hour, 3 * time.Hour, spreadWindow},
	} {
		want := time.Duration(acmeSlack.Jitter() * float64(c.window))
		assert.Equal(t, want, spreadOver(acmeSlack, now.Add(c.issued), now.Add(c.expires), now, 0), name)
		longer := time.Duration(acmeSlack.Jitter() * float64(time.Hour))
		assert.Equal(t, longer, spreadOver(acmeSlack, now.Add(c.issued), now.Add(c.expires), now, time.Hour), name)
	}
}

// The account begins with a token that was over a day ago.
func TestAnAccountThatOversleptWaitsForItsTurnUnlessSomebodyNeedsIt(t *testing.T) {
	for name, c := range map[string]struct {
		needed  bool
		round   time.Duration
		version workflow.Version // of a run that began with it
		want    time.Duration
	}{
		"nobody":             {false, time.Minute, spreadByRound, time.Duration(acmeSlack.Jitter() * float64(spreadWindow))},
		"a caller":           {true, time.Minute, spreadByRound, time.Second},
		"nobody, of many":    {false, 30 * time.Minute, spreadByRound, time.Duration(acmeSlack.Jitter() * float64(30*time.Minute))},
		"nobody, as it used": {false, 30 * time.Minute, 1, time.Duration(acmeSlack.Jitter() * float64(spreadWindow))},
	} {
		g := newGrant(t, 12*time.Hour)
		g.round = c.round
		g.env.OnGetVersion(changeSpread, workflow.DefaultVersion, workflow.Version(spreadByRound)).Return(c.version)
		g.issue()
		g.now.IssuedAt, g.now.ExpiresAt = g.now.IssuedAt.Add(-36*time.Hour), g.now.ExpiresAt.Add(-36*time.Hour)
		began := g.env.Now()
		var waiting AccountStatus
		g.after(time.Second/2, func() { waiting = g.status(t) })
		if c.needed {
			g.after(time.Second, func() { g.report(t, 1) })
		}
		g.end(time.Hour)
		g.run()
		require.NoError(t, g.env.GetWorkflowError())
		assert.Equal(t, credential.Degraded, waiting.Status, name)
		assert.Equal(t, oversleptReason, waiting.Reason, name)
		require.Equal(t, 1, g.posts, name)
		assert.InDelta(t, c.want.Seconds(), g.now.IssuedAt.Sub(began).Seconds(), 1, name)
	}
}
