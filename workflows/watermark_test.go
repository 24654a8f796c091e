package workflows

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"go.temporal.io/sdk/temporal"

	"tokenkeeper/activities"
	"tokenkeeper/triage"
)

// incident is something that happens to a Triage.
type incident struct {
	at      time.Duration // since the epoch
	what    string
	channel string
	n       int
}

const (
	// turbulence is how long things happen. The calm after it is longer than a refused channel rests, twice.
	turbulence = 15 * time.Minute
	calm       = 20 * time.Minute
)

func incidents(channels []string) *rapid.Generator[[]incident] {
	one := rapid.Custom(func(t *rapid.T) incident {
		return incident{
			at: time.Duration(rapid.IntRange(1, int(turbulence/(15*time.Second))).Draw(t, "at")) * 15 * time.Second,
			what: rapid.SampledFrom([]string{
				"messages", "messages", "messages", "noise", "bad start", "pause", "resume", "reload", "continue as new",
				"account down", "account back", "refused", "invited", "misconfigured", "configured",
			}).Draw(t, "what"),
			channel: rapid.SampledFrom(channels).Draw(t, "channel"),
			n:       rapid.IntRange(1, 5).Draw(t, "n"),
		}
	})
	return rapid.Map(rapid.SliceOfN(one, 1, 25), func(all []incident) []incident {
		slices.SortStableFunc(all, func(a, b incident) int { return int(a.at - b.at) })
		return all
	})
}

// weather is a desk to which incidents happen.
type weather struct {
	*desk
	keys   []string // that must be handed over
	faulty bool     // a Report did not start, so the rest of its window is offered again
	sound  func() (activities.Plan, error)
}

// happen makes an incident true in a run.
func (w *weather) happen(r *run, i incident) {
	switch i.what {
	case "messages":
		w.keys = append(w.keys, w.post(i.channel, w.soon(i), i.n)...)
	case "noise":
		w.set(func() {
			ts := triage.TimestampOf(w.soon(i))
			w.posted[i.channel], w.noise[keyOf(i.channel, ts)] = append(w.posted[i.channel], ts), true
		})
	case "bad start":
		w.faulty = true
		keys := w.post(i.channel, w.soon(i), i.n)
		w.keys = append(w.keys, keys...)
		w.set(func() { w.badStarts[keys[len(keys)/2]] = 1 })
	case "pause":
		r.signal(SignalPause)
	case "resume":
		r.signal(SignalResume)
	case "reload":
		r.signal(SignalReload)
	case "continue as new":
		r.env.SetContinueAsNewSuggested(true)
	case "account down":
		w.set(func() { w.down[acmeSlack] = true })
	case "account back":
		r.mend(acmeSlack)
	case "refused":
		w.set(func() { w.refused[i.channel] = true })
	case "invited":
		w.set(func() { delete(w.refused, i.channel) })
	case "misconfigured":
		w.set(func() {
			w.plan = func() (activities.Plan, error) {
				return activities.Plan{}, temporal.NewNonRetryableApplicationError("not in tokenkeeper.yaml", activities.ErrTypeNotConfigured, nil)
			}
		})
	case "configured":
		w.set(func() { w.plan = w.sound })
	}
}

// soon is a time for new messages: later than all before it in the channel.
func (w *weather) soon(i incident) time.Time {
	return epoch.Add(i.at + time.Duration(len(w.posted[i.channel]))*time.Millisecond)
}

// clear ends all trouble, and lets windows take all there is: 125 messages, one in a minute, would outlast the calm.
func (w *weather) clear(r *run) {
	w.set(func() {
		clear(w.refused)
		w.plan = w.sound
		w.cut = func() int { return 500 }
	})
	r.signal(SignalResume)
	r.mend(acmeSlack)
}

// live runs a Triage through the incidents, over as many runs as it takes, and reports whether it came to the end.
func (w *weather) live(t *testing.T, coming []incident) bool {
	in, at := &TriageInput{Triage: bugTriage}, epoch
	for range 60 {
		r := w.newRun(at)
		// The test environment would take a second start in one run for a duplicate.
		w.set(func() { w.onBadStart = func() { r.signal(SignalReload) } })
		for _, i := range coming {
			r.after(max(i.at-at.Sub(epoch), 0), func() {
				coming = coming[1:]
				w.happen(r, i)
			})
		}
		r.after(max(turbulence+time.Second-at.Sub(epoch), 0), func() { w.clear(r) })
		r.after(max(turbulence+calm-at.Sub(epoch), time.Second), r.env.CancelWorkflow)
		r.triage(*in)
		at = r.env.Now()
		if in = r.next(t); in == nil {
			return temporal.IsCanceledError(r.env.GetWorkflowError())
		}
	}
	return false
}

// Invariant 17: whatever windows, cuts, faults, pauses and new runs come, every message that may be a report is handed
// over, once.
func TestNoMessageIsSkippedAndNoneHandedOverTwice(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		channels := []string{"C01", "C02", "C03"}[:rapid.IntRange(1, 3).Draw(rt, "channels")]
		cuts := rapid.SliceOfN(rapid.IntRange(1, 4), 1, 8).Draw(rt, "cuts")
		w := &weather{desk: newDesk(channels...)}
		w.pollTakes = time.Minute
		w.sound = w.plan
		w.cut = func() int {
			cuts = append(cuts[1:], cuts[0])
			return cuts[0]
		}

		if !w.live(t, incidents(channels).Draw(rt, "incidents")) {
			rt.Fatalf("the triage did not come through")
		}

		for _, key := range w.keys {
			if w.offered[key] == 0 {
				rt.Fatalf("message %s was skipped", key)
			}
			if w.offered[key] > 1 && !w.faulty {
				rt.Fatalf("message %s was handed over %d times", key, w.offered[key])
			}
		}
		if len(w.offered) != len(w.keys) {
			rt.Fatalf("handed over %d messages, and %d may be reports", len(w.offered), len(w.keys))
		}
	})
}
