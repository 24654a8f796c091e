package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"
)

const (
	// wakeBatch bounds the Signals in flight; the server allows 2,000 pending ones.
	wakeBatch = 100
	// toldFor is how long the account remembers whom it told to go on: for as long as an await Signal may be on its way that
	// was sent before.
	toldFor = 10 * time.Minute
	// maxCarried bounds, in bytes of JSON, what a run hands to the next about Workflows that wait or were told: enough for some 18,000
	// Reports. The server takes 2 MiB of input, and refuses to continue a Workflow with more.
	maxCarried = 3 << 19
	// waitSize is how many bytes of JSON a wait takes besides the id of its Workflow.
	waitSize = len(`{"id":"","since":1700000000000000000},`)
)

// wait is one wait of a Workflow for the account.
type wait struct {
	ID    string `json:"id"`
	Since int64  `json:"since"` // [Waiter.Since] in nanoseconds; 0 where it did not say
}

// round is a batch of Workflows that were told together to go on.
type round struct {
	At   time.Time `json:"at"`
	Whom []wait    `json:"whom"`
}

// queue notes that a Workflow waits. One that asks again keeps its place. Of two waits of one Workflow the later counts: it
// begins another only after it has given up the one before. A wait that does not say since when replaces the other, and is
// always told.
func (a *account) queue(w Waiter) {
	var since int64
	if !w.Since.IsZero() {
		since = w.Since.UnixNano()
	}
	switch i := slices.Index(a.Waiting, w.WorkflowID); {
	case i < 0:
		a.Waiting, a.Waits = append(a.Waiting, w.WorkflowID), append(a.Waits, since)
	case since == 0 || a.Waits[i] == 0:
		a.Waits[i] = 0
	default:
		a.Waits[i] = max(a.Waits[i], since)
	}
}

// unqueue takes the first n Workflows out of the queue, and returns those whose wait was not told before.
func (a *account) unqueue(ctx workflow.Context, n int) (batch []wait) {
	for i, id := range a.Waiting[:n] {
		if w := (wait{id, a.Waits[i]}); !a.told(ctx, w) {
			batch = append(batch, w)
		}
	}
	a.Waiting, a.Waits = a.Waiting[n:], a.Waits[n:]
	return batch
}

// changeTellsOnce: before it, a Workflow whose repeated await arrived after the answer was told a second time.
const changeTellsOnce = "tells each wait once"

// told reports whether a wait was answered before: the Workflow sent this await again before the account's Signal reached
// it.
func (a *account) told(ctx workflow.Context, w wait) bool {
	return w.Since != 0 && slices.ContainsFunc(a.Told, func(r round) bool { return slices.Contains(r.Whom, w) }) &&
		workflow.GetVersion(ctx, changeTellsOnce, workflow.DefaultVersion, 1) == 1
}

// remember notes which waits were told.
func (a *account) remember(now time.Time, whom []wait) {
	if len(whom) > 0 {
		a.Told = append(a.Told, round{At: now, Whom: whom})
	}
}

func (a *account) forgetTold(now time.Time) {
	a.Told = slices.DeleteFunc(a.Told, func(r round) bool { return now.Sub(r.At) > toldFor })
}

// fit drops what does not fit into maxCarried: first the memory of whom it told longest ago, who may then be told twice; then those
// who came last to wait. They ask again within the hour; dropped is how many they are.
func (s *AccountState) fit() (dropped int) {
	room := maxCarried
	for i, id := range s.Waiting {
		if room -= len(id) + waitSize; room < 0 {
			dropped = len(s.Waiting) - i
			s.Waiting, s.Waits = s.Waiting[:i], s.Waits[:i]
			break
		}
	}
	for i, r := range slices.Backward(s.Told) {
		for _, w := range r.Whom {
			room -= len(w.ID) + waitSize
		}
		if room < 0 {
			s.Told = s.Told[i+1:]
			break
		}
	}
	return dropped
}

// wake signals the Workflows that wait, a batch at a time. One that has ended meanwhile is no error.
func (a *account) wake(ctx workflow.Context) error {
	a.forgetTold(workflow.Now(ctx))
	batch := a.unqueue(ctx, min(len(a.Waiting), wakeBatch))
	news := AccountActive{Account: a.id, Generation: a.Credential.Generation}
	sent := make([]workflow.Future, len(batch))
	for i, w := range batch {
		sent[i] = workflow.SignalExternalWorkflow(ctx, w.ID, "", SignalAccountActive, news)
	}
	var told []wait
	for i, future := range sent {
		switch err := future.Get(ctx, nil); {
		case err != nil && ctx.Err() != nil:
			return err
		case err != nil:
			a.log.Info("a Workflow that waited is gone", "account", a.id.String(), "workflow", batch[i].ID, "error", err)
		case batch[i].Since != 0:
			told = append(told, batch[i])
		}
	}
	a.remember(workflow.Now(ctx), told)
	return nil
}
