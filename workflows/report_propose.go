package workflows

import (
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/triage"
)

// StepAnswer is the step in which a Report waits for people to say whether it should be filed.
const StepAnswer = "wait for an answer"

// What our reply in the thread says before there is a link.
const (
	stageAsked = "asked"
	stageOver  = "over"
)

// propose asks in the thread whether to file the report, where its route wants that, and reports whether to go on. What is
// filed is what was asked about. Reports from before this was possible have no proposal in their draft, and go on as ever.
func (r *reporter) propose(ctx workflow.Context, draft activities.Draft) (agreed bool, err error) {
	if draft.Proposal == nil {
		return true, nil
	}
	until := workflow.Now(ctx).Add(draft.Proposal.Within)
	posted, err := r.say(ctx, "ask whether to file", stageAsked, activities.QuestionText(draft.Issue, until))
	switch {
	case err != nil:
		return false, err
	case posted.Gone:
		r.Verdict, r.Reason = activities.Gone, messageDeleted
		return false, nil
	case posted.Filed: // in an earlier life of this Report
		return true, nil
	}
	answer, err := r.answer(ctx, activities.AnswerInput{
		Report: r.key, Question: triage.Key{Team: r.key.Team, Channel: r.key.Channel, TS: posted.TS},
		Proposal: *draft.Proposal, Asked: workflow.Now(ctx), Until: until,
	})
	if err != nil || answer.Outcome == triage.Agreed {
		r.asked = true
		return err == nil, err
	}
	r.Verdict, r.Reason = activities.NotWanted, describeAnswer(answer)
	if answer.Withdrawn {
		r.Verdict = activities.Gone
	}
	if answer.Gone {
		return false, nil
	}
	_, err = r.say(ctx, "tell that it is not filed", stageOver, activities.OutcomeText(answer))
	return false, err
}

// answer puts both reactions on the question, so that people need only press one, and waits until somebody does or the time
// is over.
func (r *reporter) answer(ctx workflow.Context, in activities.AnswerInput) (answer activities.Answer, err error) {
	for _, emoji := range []string{triage.AgreeEmoji, triage.DeclineEmoji} {
		if err := r.step(ctx, "offer an answer", func(ctx workflow.Context, _ bool) workflow.Future {
			return workflow.ExecuteActivity(ctx, (*activities.Slack).React, activities.ReactInput{Account: r.slack, Report: in.Question, Emoji: emoji})
		}, nil); err != nil {
			return activities.Answer{}, err
		}
	}
	err = r.step(ctx, StepAnswer, func(ctx workflow.Context, _ bool) workflow.Future {
		in.Account = r.slack
		return workflow.ExecuteActivity(ctx, (*activities.Slack).Answer, in)
	}, &answer)
	return answer, err
}

// say posts or edits the one reply that we have in the thread.
func (r *reporter) say(ctx workflow.Context, step, stage, text string) (posted activities.Posted, err error) {
	err = r.step(ctx, step, func(ctx workflow.Context, again bool) workflow.Future {
		return workflow.ExecuteActivity(ctx, (*activities.Slack).Reply, activities.ReplyInput{
			Account: r.slack, Report: r.key, Text: text, Stage: stage, LookFirst: again || !r.in.New || stage != stageAsked,
			Reset:    r.reset,
			Optional: stage != stageAsked, // nobody answers what nobody was asked
		})
	}, &posted)
	return posted, err
}

const messageDeleted = "the message was deleted"

func describeAnswer(a activities.Answer) string {
	switch {
	case a.Withdrawn:
		return messageDeleted
	case a.Outcome == triage.Unanswered:
		return "nobody answered in time"
	case a.Gone:
		return "the question was deleted"
	}
	return a.By + " declined"
}
