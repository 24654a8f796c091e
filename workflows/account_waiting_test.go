package workflows

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
)

const waitingReport = "report/T1/C1/1700000000.000100"

// asks has the report ask at a time of the simulated clock for a wait.
func (g *grant) asks(at time.Duration, since time.Time) {
	g.after(at, func() { g.env.SignalWorkflow(SignalAwait, Waiter{WorkflowID: waitingReport, Since: since}) })
}

// A Workflow asks once an hour, and may do so in the moment in which it is told. It is told once for each of its waits.
func TestWhoAsksWhileItIsToldIsToldOnce(t *testing.T) {
	first, second := epoch.Add(time.Minute), epoch.Add(2*time.Hour)
	for _, test := range []struct {
		name string
		ask  func(*grant)
		told int
	}{
		{"the Signal is on its way", func(g *grant) { g.asks(time.Hour+time.Second, first) }, 1},
		{"the Signal has arrived", func(g *grant) { g.asks(time.Hour+time.Minute, first) }, 1},
		{"it waits anew", func(g *grant) { g.asks(2*time.Hour, second) }, 2},
		{"it waits anew while the Signal is on its way", func(g *grant) {
			g.asks(time.Hour+time.Second, second)
			g.asks(time.Hour+time.Second, first) // whatever comes later
		}, 2},
		{"it waits anew, and asked for its first wait before", func(g *grant) {
			g.asks(time.Hour+time.Second, first)
			g.asks(time.Hour+time.Second, second)
		}, 2},
		{"somebody asks for it", func(g *grant) { g.asks(time.Hour+time.Minute, time.Time{}) }, 2},
		{"somebody asks for it while the Signal is on its way", func(g *grant) {
			g.asks(time.Hour+time.Second, time.Time{})
			g.asks(time.Hour+time.Second, first)
		}, 2},
		{"the Signal did not arrive", func(g *grant) {
			g.gone = map[string]bool{waitingReport: true}
			g.asks(time.Hour+time.Second, first)
		}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			g := newGrant(t, 10*time.Hour)
			g.issue()
			g.signalTakes = 2 * time.Second
			g.asks(time.Hour, first)
			test.ask(g)
			var after AccountStatus
			g.after(3*time.Hour, func() { after = g.status(t) })
			g.end(4 * time.Hour)
			g.run()
			assert.Len(t, g.signals, test.told)
			assert.Zero(t, after.Waiting)
		})
	}
}

// The next run knows who was told in this one, and the one after that no longer.
func TestWhoWasToldIsRememberedForAWhile(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	begin := g.env.Now()
	first := begin.Add(time.Minute)
	g.asks(time.Hour, first)
	g.continueAt(time.Hour + time.Minute)
	execute(g.env, ConnectedAccount, AccountInput{Account: acmeSlack})
	next, ok := continuedInput(t, g.env)
	require.True(t, ok)
	require.Len(t, g.signals, 1)

	vault := g.now
	play := func(script func(*grant)) *grant {
		g := newGrant(t, 10*time.Hour)
		g.env.SetStartTime(begin.Add(time.Hour + time.Minute))
		g.now = vault
		script(g)
		execute(g.env, ConnectedAccount, next)
		return g
	}
	g = play(func(g *grant) {
		g.asks(time.Minute, first)
		g.end(time.Hour)
	})
	assert.Empty(t, g.signals, "it was told in the run before")

	g = play(func(g *grant) { g.continueAt(toldFor + time.Minute) })
	next, ok = continuedInput(t, g.env)
	require.True(t, ok)
	assert.Empty(t, next.State.Told)
}

// However many wait, the next run gets an input that the server takes.
func TestWhatIsHandedOverOfThoseWhoWaitIsBounded(t *testing.T) {
	crowd := func(n int) (s AccountState) {
		for i := range n {
			s.Waiting, s.Waits = append(s.Waiting, fmt.Sprint(waitingReport, i)), append(s.Waits, epoch.UnixNano())
		}
		return s
	}
	told := func(n int) (rounds []round) {
		for i := range n {
			rounds = append(rounds, round{At: epoch, Whom: []wait{{fmt.Sprint(waitingReport, i), epoch.UnixNano()}}})
		}
		return rounds
	}
	bytes := func(v any) int {
		text, err := json.Marshal(v)
		require.NoError(t, err)
		return len(text)
	}
	some := crowd(1000)
	some.Told = told(1000)
	assert.Zero(t, some.fit())
	assert.Len(t, some.Waiting, 1000)
	assert.Len(t, some.Told, 1000)

	full := crowd(10_000)
	full.Told = told(20_000)
	assert.Zero(t, full.fit())
	assert.Len(t, full.Waiting, 10_000, "who waits comes before who was told")
	assert.NotEmpty(t, full.Told)
	assert.Equal(t, told(20_000)[19_999], full.Told[len(full.Told)-1], "the last that was told is known longest")
	assert.Less(t, bytes(full), 2<<20)

	over := crowd(50_000)
	over.Told = told(1)
	dropped := over.fit()
	assert.Positive(t, dropped)
	assert.Len(t, over.Waiting, 50_000-dropped)
	assert.Len(t, over.Waits, len(over.Waiting))
	assert.Equal(t, crowd(1).Waiting[0], over.Waiting[0], "who came first is told first")
	assert.Empty(t, over.Told)
	assert.Less(t, bytes(over), 2<<20)
}

// Those that waited in a run of an older version are told as well.
func TestAQueueOfAnOlderVersionIsTakenOver(t *testing.T) {
	g := newGrant(t, 10*time.Hour)
	g.issue()
	g.end(time.Hour)
	state := AccountState{Status: credential.Active, Provider: "slack", Credential: g.now, Waiting: []string{"report/1", "report/2"}}
	execute(g.env, ConnectedAccount, AccountInput{Account: acmeSlack, State: &state})
	assert.ElementsMatch(t, []string{"report/1", "report/2"}, g.signals)
}
