package activities

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// Write is something that an Activity does once at a provider which has no idempotency key, or whose key does not live as
// long as a retry may take: what was done carries a mark, and before anything but a first attempt the mark is looked for.
//
// That is safe only when the attempt before can have no effect any more. So an attempt that failed says so in its last
// heartbeat, and the one after a worker's death, a lost answer or a reset of the Activity or its Workflow waits until the provider has
// let go of the request.
type Write[T any] struct {
	// Doing says what is done, for error texts: "creating the issue of report T1/C1/1.2".
	Doing string
	// LookFirst says that it may have been done although this is the first attempt.
	LookFirst bool
	// Reset says that another run of the Workflow may have begun it a moment ago, so that it is looked for, and not at once.
	Reset bool
	// Find looks for the mark, and reports whether it is there. Its errors are final.
	Find func(context.Context) (T, bool, error)
	// Turn waits until the request may be made; nil means at once. Its errors are final. It comes first, so that an attempt
	// that is sent away has cost the provider nothing.
	Turn func(context.Context) error
	// Prepare gets what Do needs, and writes nothing; nil for nothing. Its errors are final. It comes after Find, so that it
	// costs nothing where the mark is found, and before the time is taken for which a lost request may go on.
	Prepare func(context.Context) error
	// Do makes one request.
	Do func(context.Context) (T, error)
	// Failed turns an error of Do into one for Temporal. took is how long the request was.
	Failed func(took time.Duration, err error) error
	// Reached returns how far Find came, for the attempt after one that did not come to its end; nil for nothing.
	Reached func() any
}

// Once carries the write out. It has to be called inside an Activity with a heartbeat timeout.
// Errors: those of Find, Turn, Prepare and Failed, [ErrTypeInterrupted], [ErrTypePoisoned], and [ErrTypeProviderUnavailable] for an answer
// that is lost.
func (w Write[T]) Once(ctx context.Context) (done T, err error) {
	defer reportEnd(ctx, &err, w.Reached)
	defer beatHalfway(ctx, w.Reached)()
	var none T
	if err := tooEarly(ctx, w.Doing, w.Reset); err != nil {
		return none, err
	}
	if w.Turn != nil {
		if err := w.Turn(ctx); err != nil {
			return none, err
		}
	}
	if w.LookFirst || activity.GetInfo(ctx).Attempt > 1 {
		found, ok, err := w.Find(ctx)
		if err != nil || ok {
			return found, err
		}
	}
	if w.Prepare != nil {
		if err := w.Prepare(ctx); err != nil {
			return none, err
		}
	}
	started := time.Now()
	done, err = w.Do(ctx)
	if err == nil {
		return done, nil
	}
	took := time.Since(started)
	if lost := lostAnswer(w.Doing, took, err); lost != nil {
		return none, lost
	}
	return none, w.Failed(took, err)
}
