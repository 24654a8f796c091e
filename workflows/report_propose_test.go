package workflows

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"

	"tokenkeeper/activities"
	"tokenkeeper/triage"
)

// proposal makes the story one of a route that asks first; people answer in the end.
func (s *story) proposal(answer activities.Answer) (in *activities.AnswerInput) {
	s.draft.Proposal = &triage.Proposal{By: []string{"U0ADA"}, Within: 72 * time.Hour}
	in = &activities.AnswerInput{}
	s.env.OnActivity((*activities.Slack)(nil).Answer, mock.Anything, mock.Anything).Return(
		func(_ context.Context, got activities.AnswerInput) (activities.Answer, error) {
			*in = got
			return answer, s.call("Answer", got.Account, false)
		})
	return in
}

func TestAReportThatIsProposedIsFiledWhenSomebodyAgrees(t *testing.T) {
	s := newStory()
	in := s.proposal(activities.Answer{Outcome: triage.Agreed, By: "U0ADA"})

	result := s.report(t, bugReport)

	assert.Equal(t, []string{"Read", "Reply", "React", "React", "Answer", "CreateIssue", "Reply", "React"}, s.calls)
	assert.Equal(t, activities.IsReport, result.Verdict)
	assert.Equal(t, 7, result.Issue.Number)
	assert.Equal(t, []bool{false, true}, s.looked["Reply"], "the question becomes the link")
	assert.Equal(t, 1, s.claims)
	assert.Equal(t, "1777896001.000100", in.Question.TS)
	assert.Equal(t, []string{"U0ADA"}, in.Proposal.By)
	assert.Equal(t, 72*time.Hour, in.Until.Sub(in.Asked).Round(time.Minute))
}

func TestWhatNobodyWantsIsNotFiled(t *testing.T) {
	for name, c := range map[string]struct {
		answer  activities.Answer
		verdict activities.Verdict
		reason  string
		told    int // replies, the question included
	}{
		"declined":   {activities.Answer{Outcome: triage.Declined, By: "U0ADA"}, activities.NotWanted, "U0ADA declined", 2},
		"unanswered": {activities.Answer{Outcome: triage.Unanswered}, activities.NotWanted, "nobody answered in time", 2},
		"deleted":    {activities.Answer{Outcome: triage.Declined, Gone: true}, activities.NotWanted, "the question was deleted", 1},
		"withdrawn":  {activities.Answer{Outcome: triage.Declined, Withdrawn: true}, activities.Gone, "the message was deleted", 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory()
			in := s.proposal(c.answer)

			result := s.report(t, bugReport)

			assert.NotContains(t, s.calls, "CreateIssue")
			assert.Equal(t, c.verdict, result.Verdict)
			assert.Equal(t, c.reason, result.Reason)
			assert.Equal(t, reportKey, in.Report.String())
			assert.Len(t, s.looked["Reply"], c.told)
			assert.Zero(t, s.claims)
			assert.Equal(t, "done", s.status(t).Step)
		})
	}
}

func TestAQuestionWaitsForItsAccountAndForWhoMendsIt(t *testing.T) {
	s := newStory()
	s.proposal(activities.Answer{Outcome: triage.Agreed, By: "U0ADA"})
	s.fails["Answer"] = []error{unavailableError(acmeSlack), rejection("missing_scope; add the scope")}
	var waiting, parked ReportStatus
	s.after(time.Hour, func() { waiting = s.status(t); s.mended(acmeSlack) })
	s.after(2*time.Hour, func() { parked = s.status(t); s.env.SignalWorkflow(SignalRetry, nil) })

	result := s.report(t, bugReport)

	assert.Len(t, waiting.Waiting, 1)
	assert.Equal(t, StepAnswer, waiting.Step)
	assert.Contains(t, parked.Parked, "missing_scope")
	assert.Equal(t, 7, result.Issue.Number)
	assert.Equal(t, []bool{false, true}, s.looked["Reply"], "people are asked once")
}
