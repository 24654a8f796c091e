package activities

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
)

// PollTrouble is in the heartbeat details of a poll: what nobody could tell from the last attempt alone.
type PollTrouble struct {
	// FailingSince is when the first of the attempts ended that failed one after the other until now, without a page read.
	FailingSince time.Time `json:"failing_since,omitzero"`
	// ReadAt is when a page was last read, where channels take turns: the last attempt does not tell it.
	ReadAt time.Time `json:"read_at,omitzero"`
}

// tellAfter is how many intervals may pass without a poll that works before people hear of it.
const tellAfter = 3

// PatienceOfPolls returns how long the polls of a channel may fail before people hear of it: three intervals, and a minute
// where those are short, because a provider that restarts is no news.
func PatienceOfPolls(interval time.Duration) time.Duration {
	return max(tellAfter*interval, time.Minute)
}

// judge adds to how a poll went what only the attempts together tell: that none has worked for too long, or that one
// works again. Temporal retries a poll without asking the Workflow, so it is the poll that has to find out.
func (s *Slack) judge(ctx context.Context, in PollInput, p progress, window Window, err error) (Window, error) {
	told := !in.Told.IsZero()
	switch kind := errorType(err); {
	case kind == "":
		window.Recovered = told
		return window, nil
	case kind == ErrTypeNothingNew && told:
		return Window{Watermark: p.Watermark, Overlap: p.Overlap, Recovered: true}, nil
	case told, kind == ErrTypeNothingNew, kind == ErrTypeOutOfTurn, kind == ErrTypeAccountUnavailable, kind == ErrTypeRejected, kind == ErrTypeNotConfigured:
		return Window{}, err // known already, or the Workflow hears of it at once
	}
	if p.FailingSince.IsZero() {
		p.FailingSince = s.now()
		activity.RecordHeartbeat(ctx, p)
	}
	if s.now().Sub(p.FailingSince) < PatienceOfPolls(in.Interval) {
		return Window{}, err
	}
	return Window{}, temporal.NewNonRetryableApplicationError(message(err), ErrTypePollsFail, nil, p.PollTrouble)
}

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
