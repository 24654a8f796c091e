package activities

import (
	"context"
	"errors"
	"sync/atomic"

	"go.temporal.io/sdk/activity"

	"tokenkeeper/triage"
)

// Models returns the language model that reads messages; nil leaves all messages to the rules.
type Models interface{ Model() triage.Understander }

// Answered is what a model made of a message as it was. It travels in the heartbeat, so that an attempt after a worker's
// death does not pay for the same answer, and in history, so that a retry does not.
type Answered struct {
	EditedAt   string               `json:"edited_at,omitempty"`
	Understood triage.Understanding `json:"understood"`
}

// answers holds the answer that the attempts of one Activity got, and how far their search for our reply came. Safe for
// concurrent use.
type answers struct {
	last   atomic.Pointer[Answered]
	thread halfway[string]
	mark   ended
}

// readSoFar is what the attempts of one Activity leave to each other.
type readSoFar struct {
	*Answered // nil before there was an answer
	ended
}

// answerBefore returns the answer that an earlier attempt left, if any, or the one that was known before.
func answerBefore(ctx context.Context, known *Answered) *answers {
	var a answers
	a.last.Store(known)
	if !activity.IsActivity(ctx) {
		return &a
	}
	a.thread.resume(ctx)
	var found readSoFar
	if activity.HasHeartbeatDetails(ctx) && activity.GetHeartbeatDetails(ctx, &found) == nil && found.Answered != nil {
		a.last.Store(found.Answered)
	}
	return &a
}

// details are those of a heartbeat.
func (a *answers) details() []any {
	now := readSoFar{Answered: a.last.Load(), ended: a.mark}
	now.Reached = a.thread.reached()
	if now == (readSoFar{}) {
		return nil
	}
	return []any{now}
}

// begin counts a worker that died over the message, and fails where enough have.
func (a *answers) begin(ctx context.Context, doing string) (err error) {
	if a.mark, err = begun(ctx, doing); err == nil && a.mark.Deaths > 0 {
		activity.RecordHeartbeat(ctx, a.details()...)
	}
	return err
}

// end leaves everything known so far to the attempt after one that failed.
func (a *answers) end(ctx context.Context, err *error) {
	if *err != nil {
		a.mark = ended{Attempt: activity.GetInfo(ctx).Attempt}
		activity.RecordHeartbeat(ctx, a.details()...)
	}
}

// about returns the answer about a message, if there is one and the message was not edited since.
func (a *answers) about(m triage.Message) (triage.Understanding, bool) {
	last := a.last.Load()
	if last == nil || last.EditedAt != m.EditedAt {
		return triage.Understanding{}, false
	}
	return last.Understood, true
}

// keep stores an answer, and leaves it to later attempts in the heartbeat.
func (a *answers) keep(ctx context.Context, m triage.Message, u triage.Understanding) {
	a.last.Store(&Answered{EditedAt: m.EditedAt, Understood: u})
	if activity.IsActivity(ctx) {
		activity.RecordHeartbeat(ctx, a.details()...)
	}
}

func (s *Slack) model() triage.Understander {
	if s.Models == nil {
		return nil
	}
	return s.Models.Model()
}

// understand reads a message by the model, or by the rules where there is none or it gives no answer. A report never waits for
// a model.
func (s *Slack) understand(ctx context.Context, m triage.Message, components []string, known *answers) (triage.Understanding, error) {
	model := s.model()
	if model == nil {
		return triage.ByRules(m, components), nil
	}
	if before, ok := known.about(m); ok {
		return before, nil
	}
	understood, err := model.Understand(ctx, m, components)
	switch none, ok := errors.AsType[*triage.NoAnswerError](err); {
	case err == nil:
		known.keep(ctx, m, understood)
		return understood, nil
	case ctx.Err() != nil || !ok:
		return triage.Understanding{}, outage("reading message "+m.String(), err)
	default:
		if activity.IsActivity(ctx) { // whoever asks for a preview is told otherwise
			activity.GetLogger(ctx).Warn("a message is read by the rules instead of the model", "report", m.String(), "error", none)
		}
		return triage.ByRules(m, components).Instead(none), nil
	}
}
