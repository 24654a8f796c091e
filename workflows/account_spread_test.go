package workflows

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
)

// After a day without workers, 10,000 accounts with tokens of an hour are due in the same moment. The log shows when their
// requests leave.
func TestTenThousandAccountsDueAtOnceDoNotStampede(t *testing.T) {
	const crowd, step = 10_000, 30 * time.Second
	now := time.Date(2026, 5, 2, 12, 0, 0, 0, time.UTC)
	issued := now.Add(-24 * time.Hour)
	var each []int // requests in each second
	var steps []int
	for i := range crowd {
		id := credential.AccountID{Organization: "acme", User: fmt.Sprintf("user-%05d", i), Connector: "slack"}
		wait := spreadOver(id, issued, issued.Add(time.Hour), now)
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
	assert.InDelta(t, spreadWindow.Seconds(), len(each), 5)
	assert.Less(t, slices.Max(each), 40)
	for i, n := range steps {
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
		assert.Equal(t, want, spreadOver(acmeSlack, now.Add(c.issued), now.Add(c.expires), now), name)
	}
}

// The account begins with a token that was over a day ago.
func TestAnAccountThatOversleptWaitsForItsTurnUnlessSomebodyNeedsIt(t *testing.T) {
	for name, c := range map[string]struct {
		needed bool
		want   time.Duration
	}{
		"nobody":   {false, time.Duration(acmeSlack.Jitter() * float64(spreadWindow))},
		"a caller": {true, time.Second},
	} {
		g := newGrant(t, 12*time.Hour)
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
