package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
)

// PollTrouble is in the heartbeat details of a poll: what nobody could tell from the last attempt alone.
type PollTrouble struct {
	// Channel is what it reads. Failures that are Temporal's own do not name it.
	Channel string `json:"channel,omitempty"`
	// FailingSince is when the first of the attempts ended that failed one after the other until now, without a page read.
	FailingSince time.Time `json:"failing_since,omitzero"`
	// Patience is how long attempts may fail before people hear of it; 0 before one did.
	Patience time.Duration `json:"patience,omitempty"` // nanoseconds
	// ReadAt is when a page was last read, as of the first attempt that failed. Before that it is noted now and then, and each
	// time where channels take turns: the last attempt does not tell it.
	ReadAt time.Time `json:"read_at,omitzero"`
	// Ended is an attempt that is known to have come to its end.
	Ended int32 `json:"ended_attempt,omitempty"`
}

const (
	// tellAfter is how many intervals may pass without a poll that works before people hear of it, and how many workers may die
	// of polls.
	tellAfter = 3
	// NotedEvery is how many attempts end before one notes that it did: a heartbeat for each would cost as much as the poll.
	NotedEvery = 10
)

// PatienceOfPolls returns for how long no poll of a channel may work before people hear of it: three intervals, and a minute where
// those are shorter than 20 seconds. In less there is room for one request that hangs and one that is refused, as while a
// provider restarts, and that is no news.
func PatienceOfPolls(interval time.Duration) time.Duration {
	return max(tellAfter*interval, time.Minute)
}

// patience is that of a poll. Where channels take turns their polls are no more than one in a round.
func (s *Slack) patience(in PollInput) time.Duration {
	return PatienceOfPolls(s.interval(in))
}

func (s *Slack) interval(in PollInput) time.Duration {
	return max(in.Interval, s.Reading.round(in.Account, in.Channel))
}

// worked returns when a poll worked last, which was an interval before the first that failed where nobody noted it.
func (p PollTrouble) worked(interval time.Duration) time.Time {
	return later(p.ReadAt, p.FailingSince.Add(-interval))
}

// notAfter has an attempt come back before the backoff would have it, which is a minute for polls, where people have to hear earlier.
// What the provider asks for stays.
func notAfter(err error, left time.Duration) error {
	if left >= maxBackoff || applicationDelay(err) > 0 {
		return err
	}
	return temporal.NewApplicationErrorWithOptions(message(err), errorType(err), temporal.ApplicationErrorOptions{NextRetryDelay: max(left, time.Second)})
}

// maxBackoff is that of the retry policy that Workflows give polls.
const maxBackoff = time.Minute

// judge adds to how a poll went what only the attempts together tell: that none has worked for too long, or that one
// works again. Temporal retries a poll without asking the Workflow, so it is the poll that has to find out.
func (s *Slack) judge(in PollInput, p *progress, window Window, err error) (Window, error) {
	told := !in.Told.IsZero()
	switch kind := errorType(err); {
	case kind == "":
		window.Recovered = told
		return window, nil
	case kind == ErrTypeNothingNew && told:
		return Window{Watermark: p.Watermark, Overlap: p.Overlap, Recovered: true}, nil
	case kind == ErrTypeRejected:
		p.ReadAt = later(p.ReadAt, s.lastRead(in))
		return Window{}, temporal.NewNonRetryableApplicationError(message(err), kind, nil, p.PollTrouble)
	case told, kind == ErrTypeNothingNew, kind == ErrTypeOutOfTurn, kind == ErrTypeAccountUnavailable, kind == ErrTypeNotConfigured:
		return Window{}, err // known already, or the Workflow hears of it at once
	}
	if p.FailingSince.IsZero() {
		p.FailingSince, p.ReadAt = s.now(), later(p.ReadAt, s.lastRead(in))
	}
	p.Patience = s.patience(in)
	if left := p.Patience - s.now().Sub(p.worked(s.interval(in))); left > 0 {
		return Window{}, notAfter(err, left)
	}
	return Window{}, temporal.NewNonRetryableApplicationError(message(err), ErrTypePollsFail, nil, p.PollTrouble)
}

// unended fails where none of the last attempts came to an end of its own, so that nobody judged it: their workers died, or
// hung. Those that did well note it now and then, so it takes some time to see that; and it comes first, because this worker
// would be the next.
func (s *Slack) unended(ctx context.Context, in PollInput, p progress) error {
	if !in.Told.IsZero() || activity.GetInfo(ctx).Attempt-p.Ended < NotedEvery+tellAfter {
		return nil
	}
	if p.FailingSince.IsZero() {
		p.FailingSince = later(p.ReadAt, activity.GetInfo(ctx).ScheduledTime)
	}
	return temporal.NewNonRetryableApplicationError(fmt.Sprintf(
		"reading channel %s: the workers of the last %d polls at least died or hung, one after the other; look at their logs", in.Channel, tellAfter),
		ErrTypePollsFail, nil, p.PollTrouble)
}

// end notes that an attempt came to its end, where that was not noted for some.
func (p *progress) end(attempt int32, read time.Time) {
	if since := attempt - p.Ended; since < 0 || since >= NotedEvery { // less than nothing after an operator reset the Activity
		p.Ended, p.ReadAt = attempt, later(p.ReadAt, read)
	}
}

// lastRead returns when this process last read a page of a channel; zero where it did not yet.
func (s *Slack) lastRead(in PollInput) time.Time {
	at, _ := s.reads.Load(in.key())
	read, _ := at.(time.Time) // nil is none
	return read
}

func (in PollInput) key() string { return in.Account.String() + "/" + in.Channel }

// errorType returns the type of the application error in err, "" for none.
func errorType(err error) string {
	if err == nil {
		return ""
	}
	if app, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return app.Type()
	}
	return "unknown"
}

// message returns what err says, without the type in front.
func message(err error) string {
	if app, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return app.Message()
	}
	return err.Error()
}
