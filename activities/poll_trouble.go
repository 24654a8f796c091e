package activities

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
)

// PollTrouble is the part of a poll's heartbeat details that cannot be told from its last attempt alone.
type PollTrouble struct {
	// Channel is what it reads. Failures that are Temporal's own do not name it.
	Channel string `json:"channel,omitempty"`
	// FailingSince is when the first of the present series of failures ended; in it no page was read.
	FailingSince time.Time `json:"failing_since,omitzero"`
	// Patience is for how long attempts may fail before people hear of it; 0 before the first failure.
	Patience time.Duration `json:"patience,omitempty"` // nanoseconds
	// ReadAt is when a page was last read, as the first failing attempt knew it. Before a failure it is noted only now and
	// then, and with each page where channels take turns.
	ReadAt time.Time `json:"read_at,omitzero"`
	// Ended is the number of an attempt that is known to have ended by itself.
	Ended int32 `json:"ended_attempt,omitempty"`
}

const (
	// tellAfter is for how many intervals no poll may work, and how many workers in a row may die of one, before people hear
	// of it.
	tellAfter = 3
	// NotedEvery is how many attempts end before one notes that it did: a heartbeat for each would cost as much as the poll.
	NotedEvery = 10
)

// PatienceOfPolls returns for how long polls of a channel may fail before people hear of it: three intervals, and at least a
// minute. In less there is room for one request that hangs and one that is refused, as while a provider restarts, which is
// no news.
func PatienceOfPolls(interval time.Duration) time.Duration {
	return max(tellAfter*interval, time.Minute)
}

// patience is [PatienceOfPolls] for one channel. Where channels take turns, one round counts as the interval.
func (s *Slack) patience(in PollInput) time.Duration {
	return PatienceOfPolls(s.interval(in))
}

func (s *Slack) interval(in PollInput) time.Duration {
	return max(in.Interval, s.Reading.round(in.Account, in.Channel))
}

// worked returns when a poll last worked. Where nobody noted it, that was an interval before the first failure.
func (p PollTrouble) worked(interval time.Duration) time.Time {
	return later(p.ReadAt, p.FailingSince.Add(-interval))
}

// notAfter has the next attempt come no later than left, when people have to hear of the failures: the backoff of polls goes
// up to a minute. A delay that the provider asked for stays.
func notAfter(err error, left time.Duration) error {
	if left >= maxBackoff || applicationDelay(err) > 0 {
		return err
	}
	return temporal.NewApplicationErrorWithOptions(message(err), errorType(err), temporal.ApplicationErrorOptions{NextRetryDelay: max(left, time.Second)})
}

// maxBackoff is the maximum interval of the retry policy that Workflows give polls.
const maxBackoff = time.Minute

// judge adds to the result of a poll what only several attempts together tell: that none has worked for too long, or that
// one works again. Temporal retries polls without asking the Workflow, so the poll itself has to find out.
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

// unended fails where none of the last attempts ended by itself, so that none could judge: their workers died, or hung.
// Attempts that end note it only now and then ([NotedEvery]), so it takes some attempts to see this. It runs before anything
// else, because this worker could be the next to die.
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

// end notes that an attempt ended, where none was noted for the last [NotedEvery].
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
