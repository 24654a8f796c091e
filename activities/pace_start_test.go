package activities

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/internal/bubbletest"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
)

// most returns how many of the times fall into the fullest stretch that is so long.
func most(times []time.Time, stretch time.Duration) int {
	most := 0
	for i, begin := range times {
		n := 0
		for _, at := range times[i:] {
			if at.Sub(begin) < stretch {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// A worker that is replaced knows nothing of what the one before it created.
func TestWorkersThatAreReplacedStayBelowTheLimitsTogether(t *testing.T) {
	for name, workers := range map[string]int{"one worker": 1, "three workers": 3} {
		t.Run(name, func(t *testing.T) {
			bubbletest.Run(t, func(t *testing.T) {
				paces := make([]*Pace, workers)
				begin := func(i int, since time.Time) {
					paces[i] = &Pace{Since: since, Workers: func(context.Context) (int, error) { return workers, nil }}
				}
				for i := range paces {
					begin(i, time.Time{}) // each of them has its whole burst
				}
				var created []time.Time
				for second := range 2 * 60 * 60 {
					if second > 0 && second%600 == 0 {
						begin(second/600%workers, time.Now())
					}
					for _, p := range paces {
						for {
							wait, taken := p.take(filer, p.share(t.Context()), 0)
							if !taken {
								break
							}
							require.Zero(t, wait)
							created = append(created, time.Now())
						}
					}
					<-time.After(time.Second)
				}
				assert.LessOrEqual(t, most(created, time.Minute), 80)
				assert.LessOrEqual(t, most(created, time.Hour), CreatesPerHour)
				assert.Greater(t, len(created), 700, "and most of what is allowed goes out")
			})
		})
	}
}

// A worker that starts, on a laptop or after a deployment, does not let its first reports wait.
func TestAProcessThatStartsCreatesAFewAtOnce(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		p := &Pace{Since: time.Now()}
		begun := time.Now()
		for range 5 {
			require.NoError(t, p.turn(t.Context(), filer, "filing"))
		}
		assert.Zero(t, time.Since(begun))
		for range 7 {
			require.NoError(t, p.turn(t.Context(), filer, "filing"))
		}
		assert.InDelta(t, 7, time.Since(begun).Seconds(), 0.5, "then one a second")
		require.NoError(t, p.turn(t.Context(), filer, "filing"))
		assert.InDelta(t, 12, time.Since(begun).Seconds(), 0.5, "and then what the hour allows")

		<-time.After(time.Hour)
		begun = time.Now()
		for range 15 {
			require.NoError(t, p.turn(t.Context(), filer, "filing"))
		}
		assert.Zero(t, time.Since(begun), "who has created nothing for so long has its burst")
	})
}

// counting notes when an account asked GitHub to create something, whatever came of it.
type counting struct {
	http.RoundTripper

	mu    sync.Mutex
	times []time.Time // guarded by mu
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method != http.MethodGet {
		c.mu.Lock()
		c.times = append(c.times, time.Now())
		c.mu.Unlock()
	}
	return c.RoundTripper.RoundTrip(r)
}

// GitHub counts what it refuses too.
func TestTheRequestAfterARefusalWaitsForItsTurn(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		f := newOffice(t, sandbox.GitHub, 1, sandbox.Options{Now: time.Now})
		seen := &counting{RoundTripper: f}
		f.through = seen
		f.wish = func(i *triage.Issue) { i.Assignees = []string{"nobody-of-that-name"} }
		f.file(60)
		assert.Equal(t, 60, f.Books().IssuesCreated)
		assert.GreaterOrEqual(t, len(seen.times), 2*60, "each was refused once")
		assert.LessOrEqual(t, most(seen.times, time.Minute), 80)
	})
}
