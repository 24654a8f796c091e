package activities

import (
	"context"
	"fmt"
	"time"

	"github.com/slack-go/slack"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// QuestionText asks in a thread whether a report should be filed, in Slack's mrkdwn.
func QuestionText(issue triage.Issue, until time.Time) string {
	return fmt.Sprintf("File this in %s? _%s_\nReact with :%s: to file it, with :%s: to leave it. Without an answer by %s it is left.",
		slackEscape.Replace(issue.Owner+"/"+issue.Repo), slackEscape.Replace(issue.Title), triage.AgreeEmoji, triage.DeclineEmoji, slackTime(until))
}

// OutcomeText takes the place of the question where nothing is filed.
func OutcomeText(a Answer) string {
	switch {
	case a.Withdrawn:
		return "Not filed: the message was deleted."
	case a.Outcome == triage.Unanswered:
		return "Not filed: nobody answered in time."
	}
	return "Not filed: <@" + a.By + "> declined."
}

// slackTime is shown to everybody in the time zone of their own.
func slackTime(t time.Time) string {
	return fmt.Sprintf("<!date^%d^{date_short_pretty} {time}|%s>", t.Unix(), t.UTC().Format("2006-01-02 15:04 UTC"))
}

// AnswerInput asks how people answered a question of ours.
type AnswerInput struct {
	Account  credential.AccountID `json:"account"`
	Report   triage.Key           `json:"report,omitzero"` // zero in a Report of before, which files what is deleted as well
	Question triage.Key           `json:"question"`
	Proposal triage.Proposal      `json:"proposal"`
	Asked    time.Time            `json:"asked"`
	Until    time.Time            `json:"until"`
}

// Answer is what people said, or that they did not.
type Answer struct {
	Outcome triage.Outcome `json:"outcome"`
	By      string         `json:"by,omitempty"` // user id
	// Gone says that somebody deleted the question, which declines as well.
	Gone bool `json:"gone,omitempty"`
	// Withdrawn says that somebody deleted the message that was asked about, which declines as well: who agrees sees no more of it
	// than its title.
	Withdrawn bool `json:"withdrawn,omitempty"`
}

// Answer reads the reactions on a question. While nobody has decided it fails with [ErrTypeUndecided] and asks to be
// retried: as with polls, waiting costs no history. An answer that came in time counts however late it is read.
// Errors: also [ErrTypeAccountUnavailable], [ErrTypeRateLimited], [ErrTypeProviderUnavailable], [ErrTypeRejected].
func (s *Slack) Answer(ctx context.Context, in AnswerInput) (Answer, error) {
	defer beat(ctx)()
	client, err := s.client(in.Account)
	if err != nil {
		return Answer{}, err
	}
	who, err := s.identity(ctx, client, in.Account)
	if err != nil {
		return Answer{}, err
	}
	now := s.now()
	item, err := client.GetReactionsContext(ctx, slack.NewRefToMessage(in.Question.Channel, in.Question.TS), slack.GetReactionsParameters{Full: true})
	if isGone(err) {
		return Answer{Outcome: triage.Declined, Gone: true}, nil
	}
	if err != nil {
		return Answer{}, slackError("reading the answer to "+in.Question.String(), err)
	}
	reactions := make([]triage.Reaction, len(item.Reactions))
	for i, r := range item.Reactions {
		reactions[i] = triage.Reaction{Name: r.Name, Users: r.Users}
	}
	outcome, by := in.Proposal.Outcome(reactions, who.Self)
	if outcome == triage.Agreed && in.Report != (triage.Key{}) {
		_, found, err := s.readMessage(ctx, client, in.Account, in.Report)
		if err != nil {
			return Answer{}, err
		}
		if !found {
			return Answer{Outcome: triage.Declined, Withdrawn: true}, nil
		}
	}
	switch {
	case outcome != "":
		return Answer{Outcome: outcome, By: by}, nil
	case !now.Before(in.Until):
		return Answer{Outcome: triage.Unanswered}, nil
	}
	return Answer{}, again(ErrTypeUndecided, "nobody has answered "+in.Question.String()+" yet", min(answerPause(now.Sub(in.Asked)), in.Until.Sub(now)))
}

const (
	firstAnswerPause = 10 * time.Second
	lastAnswerPause  = 10 * time.Minute
)

// answerPause is a twentieth of the time since the question: whoever answers at once waits for seconds, whoever answers the
// next day for minutes, and a hundred questions that nobody looks at stay far below Slack's 50 requests a minute.
func answerPause(age time.Duration) time.Duration {
	return min(max(age/20, firstAnswerPause), lastAnswerPause)
}
