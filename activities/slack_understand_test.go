package activities_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
)

// oracle is a model that says what a test tells it.
type oracle struct {
	says  triage.Understanding
	err   error
	asked []triage.Message
	// components are those of the last question.
	components []string
}

func (o *oracle) Model() triage.Understander { return o }

func (o *oracle) Understand(_ context.Context, m triage.Message, components []string) (triage.Understanding, error) {
	o.asked, o.components = append(o.asked, m), components
	return o.says, o.err
}

func understood(confidence float64) triage.Understanding {
	u := triage.Understanding{
		Classification: triage.Classification{Report: true, Confidence: confidence, Reason: "the model says so"},
		Content:        triage.Report{Title: "Lunch is late @ada", Summary: "A summary."},
	}
	return u.UnderstoodBy("small")
}

func TestAModelReadsTheMessage(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	o := &oracle{says: understood(0.55)}
	w.slack.Models, w.plan.Threshold = o, 60

	got := w.read(w.message("lunch is late"))

	require.NoError(t, got.err)
	assert.Equal(t, activities.IsReport, got.out.Verdict)
	assert.Equal(t, "Lunch is late `@ada`", got.out.Issue.Title)
	assert.Contains(t, got.out.Issue.Labels, triage.NeedsTriage)
	assert.Contains(t, got.out.Issue.Body, "Read by model `small`, 55% sure")
	assert.Len(t, got.beats, 1, "the answer is kept for the attempts to come")
	require.Len(t, o.asked, 1)

	o.says = triage.Understanding{Classification: triage.Classification{Reason: "the model says that it is none"}}
	got = w.read(w.message(crash))
	assert.Equal(t, activities.NotReport, got.out.Verdict)
	assert.Equal(t, "the model says that it is none", got.out.Reason)
}

func TestAnAttemptDoesNotPayForAnAnswerThatIsThere(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	o := &oracle{says: understood(0.9)}
	w.slack.Models = o
	in := activities.ReadInput{Triage: "acme/bug-reports", Report: w.message(crash)}
	left := activities.Answered{Understood: understood(0.8)}

	got := attempt(w, t.Context(), left, w.slack.Read, in)

	require.NoError(t, got.err)
	assert.Contains(t, got.out.Issue.Body, "80% sure")
	assert.Empty(t, o.asked)

	left.EditedAt = "1700000000.000200" // an answer about another text is none
	got = attempt(w, t.Context(), left, w.slack.Read, in)
	assert.Contains(t, got.out.Issue.Body, "90% sure")
	assert.Len(t, o.asked, 1)
}

// Who reads a message again for another route brings along what the model made of it.
func TestAnAnswerThatIsInHistoryIsNotAskedForAgain(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	o := &oracle{says: understood(0.9)}
	w.slack.Models = o
	in := activities.ReadInput{Triage: "acme/bug-reports", Report: w.message(crash)}
	first := once(w, w.slack.Read, in)
	require.NoError(t, first.err)
	require.NotNil(t, first.out.Answered)
	w.plan.Routes[0].Repository = "acme/web"
	in.Answered = first.out.Answered

	again := once(w, w.slack.Read, in)

	require.NoError(t, again.err)
	assert.Equal(t, "web", again.out.Issue.Repo)
	assert.Equal(t, first.out.Issue.Title, again.out.Issue.Title)
	assert.Len(t, o.asked, 1)
	require.NoError(t, w.Edit(bugs, in.Report.TS, crash+" Since Monday."))
	again = once(w, w.slack.Read, in)
	require.NoError(t, again.err)
	assert.Len(t, o.asked, 2, "an answer about another text is none")
	assert.NotEqual(t, in.Answered.EditedAt, again.out.Answered.EditedAt)

	w.slack.Models = nil
	assert.Nil(t, w.read(w.message(crash)).out.Answered, "rules cost nothing")
}

func TestTheRulesReadWhatAModelDoesNot(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	w.slack.Models, w.plan.Threshold = &oracle{err: &triage.NoAnswerError{Reason: "could not be reached"}}, 10

	got := w.read(w.message(crash))

	require.NoError(t, got.err)
	assert.Equal(t, activities.IsReport, got.out.Verdict)
	assert.NotContains(t, got.out.Issue.Labels, triage.NeedsTriage)
	assert.Contains(t, got.out.Issue.Body, "Read by rules, because the model could not be reached.")
	assert.Empty(t, got.beats)
}

func TestWhatTheRulesDoubtNeedsTriage(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	w.plan.Threshold = 60
	const vague = "Time zone bug again: meetings created from Tokyo are shown one day early"
	require.InDelta(t, 0.55, triage.Classify(triage.Message{Text: vague}).Confidence, 0.05)
	doubted, sure := w.message(vague), w.message(crash)

	assert.Equal(t, []string{"bug", triage.NeedsTriage}, w.read(doubted).out.Issue.Labels)
	assert.Equal(t, []string{"bug"}, w.read(sure).out.Issue.Labels)
	w.plan.Threshold = 0
	assert.Equal(t, []string{"bug"}, w.read(doubted).out.Issue.Labels)
}

func TestAPreviewByTheModel(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	in := activities.PreviewInput{Triage: "acme/bug-reports", Channel: bugs, After: triage.TimestampOf(w.clock.Now())}
	w.clock.advance(time.Minute)
	w.Post(bugs, sandbox.Message{User: "ada", Text: "lunch is late"})
	o := &oracle{says: understood(0.55)}
	w.slack.Models, w.plan.Threshold = o, 60

	got := once(w, w.slack.Preview, in)

	require.NoError(t, got.err)
	require.Len(t, got.out.Messages, 1)
	assert.Equal(t, activities.IsReport, got.out.Messages[0].Verdict)
	assert.Equal(t, []string{"bug", triage.NeedsTriage}, got.out.Messages[0].Labels)
	assert.Empty(t, got.out.Messages[0].Unread)
	o.err = &triage.NoAnswerError{Reason: "could not be reached"}
	got = once(w, w.slack.Preview, in)
	require.NoError(t, got.err)
	assert.Equal(t, activities.NotReport, got.out.Messages[0].Verdict)
	assert.Equal(t, "could not be reached", got.out.Messages[0].Unread)
}
