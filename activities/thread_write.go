package activities

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v62/github"
	"github.com/slack-go/slack"
	"go.temporal.io/sdk/activity"

	"tokenkeeper/triage"
)

// reopen reopens a closed issue when somebody asked for it since it was closed, and since GitHub last refused it. Another
// refusal is kept for [thread.refuse], and stops nothing else.
func (th *thread) reopen(ctx context.Context) error {
	if !slices.ContainsFunc(th.afterClosing(), func(m triage.Message) bool { return m.TS > th.Refused && triage.AsksToReopen(m) }) {
		return nil
	}
	doing, pace := "reopening the issue of report "+th.key.String(), th.threads.GitHub.Pace
	if err := pace.turn(ctx, th.filer, doing); err != nil {
		return err
	}
	issue, _, err := th.github.Issues.Edit(ctx, th.at.owner, th.at.repo, th.at.number, &github.IssueRequest{State: new(issueOpen)})
	if err != nil {
		err = pace.heard(th.filer, githubError(doing, err))
		if errorType(err) == ErrTypeRejected {
			th.refusal = err
			return nil
		}
		return err
	}
	th.issue, th.look.Reopened = issue, true
	return nil
}

// refuse tells who asked for it that the issue cannot be reopened.
func (th *thread) refuse(ctx context.Context) error {
	if th.refusal == nil {
		return nil
	}
	activity.GetLogger(ctx).Warn("an issue is not reopened as people asked", "report", th.key.String(), "error", th.refusal)
	ts, err := th.post(ctx, "GitHub does not let me reopen issue "+th.link()+". Somebody who may has to open it there.",
		refuseEvent, map[string]any{})
	th.Refused, th.look.Refused = max(th.Refused, ts), err == nil
	return err
}

// afterClosing returns what people said after the issue was closed; nothing while it is open.
func (th *thread) afterClosing() []triage.Message {
	if th.issue.GetState() != issueClosed {
		return nil
	}
	i := slices.IndexFunc(th.People, func(m triage.Message) bool { return m.Time().After(th.issue.GetClosedAt().Time) })
	if i < 0 {
		return nil
	}
	return th.People[i:]
}

// tell says in the thread that the issue was closed or reopened, and shows it in our reply. A change that was undone between
// two looks is not told.
func (th *thread) tell(ctx context.Context) error {
	state := th.issue.GetState()
	if state == th.Told {
		return nil
	}
	what := describeState(th.issue)
	ts, err := th.post(ctx, "Issue "+th.link()+" was "+what+".", stateEvent, map[string]any{"state": state})
	if err != nil {
		return err
	}
	th.Told, th.ToldAt, th.look.Told = state, ts, state
	filed, _, _ := strings.Cut(th.Reply.Text, "\n")
	th.Reply.Text = filed + "\n_" + strings.ToUpper(what[:1]) + what[1:] + "._"
	return th.note(ctx)
}

// describeState returns "closed as completed" and the like.
func describeState(issue *github.Issue) string {
	if issue.GetState() != issueClosed {
		return "reopened"
	}
	switch issue.GetStateReason() {
	case "completed":
		return "closed as completed"
	case "not_planned":
		return "closed as not planned"
	case "duplicate":
		return "closed as a duplicate"
	}
	return "closed"
}

func (th *thread) link() string {
	return "<" + th.issue.GetHTMLURL() + "|#" + strconv.Itoa(th.issue.GetNumber()) + ">"
}

// ask asks who wrote after the issue was closed whether to reopen it, once for each closing.
func (th *thread) ask(ctx context.Context) error {
	closing := th.issue.GetClosedAt().UTC().Format(time.RFC3339)
	if len(th.afterClosing()) == 0 || slices.Contains(th.Asked, closing) || timeOf(th.Refused).After(th.issue.GetClosedAt().Time) {
		return nil
	}
	_, err := th.post(ctx, "Issue "+th.link()+" is closed. If this is not over, reply `"+triage.ReopenWord+"` here, and it is opened again.",
		askEvent, map[string]any{"closing": closing})
	th.look.Asked = err == nil
	return err
}

// post says something in the thread, and fails with [errThreadGone] where that is not there any more. After a lost answer the next
// attempt reads the thread first, as every attempt does.
func (th *thread) post(ctx context.Context, text, event string, payload map[string]any) (ts string, err error) {
	doing := "writing in the thread of " + th.key.String()
	payload["report"] = th.key.String()
	started := time.Now()
	ts, err = th.threads.Slack.postUnder(ctx, th.account, th.key.Channel, th.key.TS, slack.MsgOptionText(text, false),
		slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionMetadata(slack.SlackMetadata{EventType: event, EventPayload: payload}))
	if err == nil {
		return ts, nil
	}
	if isGone(err) {
		return "", errThreadGone
	}
	if lost := lostAnswer(doing, time.Since(started), err); lost != nil {
		return "", lost
	}
	return "", settled(time.Since(started), slackError(doing, err))
}

// note keeps in our reply's metadata how far the thread was followed. The metadata is always sent: chat.update keeps the old
// one where none is sent, and replaces it otherwise (docs.slack.dev/reference/methods/chat.update). Where the reply may not
// be edited nothing is lost, because the comments and our messages in the thread tell the same.
func (th *thread) note(ctx context.Context) error {
	payload := map[string]any{}
	for name, value := range map[string]string{
		"report": th.key.String(), "issue": th.issue.GetHTMLURL(), "account": th.filer.String(), "upto": th.Followed.Upto, "edited": th.Followed.Edited,
		"state": th.Told, "told": th.ToldAt,
	} {
		if value != "" {
			payload[name] = value
		}
	}
	_, ts, _, err := th.slack.UpdateMessageContext(ctx, th.key.Channel, th.Reply.TS, slack.MsgOptionText(th.Reply.Text, false),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: replyEvent, EventPayload: payload}))
	if ts != "" || isUneditable(err) {
		return nil
	}
	return slackError("editing the reply to "+th.key.String(), err)
}

// comment writes what people said, and an edit of the report, to the issue.
func (th *thread) comment(ctx context.Context) error {
	d := th.unsaid(ctx)
	first, last := span(d)
	if first == "" {
		return nil
	}
	if wait := hold(first, last, th.threads.Slack.now()); wait > 0 {
		return again(ErrTypeNotQuiet, "people are writing in the thread of "+th.key.String(), wait)
	}
	if err := th.readComments(ctx, first); err != nil { // an attempt before this one may have written them
		return err
	}
	for d = th.unsaid(ctx); d.Edited || len(d.Replies) > 0; d = th.unsaid(ctx) {
		text, upto := d.Comment(th.Followed)
		if err := th.write(ctx, text); err != nil {
			return err
		}
		th.Followed = upto
		th.look.Comments++
	}
	return th.note(ctx)
}

// span returns the ts of the first and of the last thing that a discussion holds, "" for none.
func span(d triage.Discussion) (first, last string) {
	var all []string
	for _, m := range d.Replies {
		all = append(all, m.TS)
	}
	if d.Edited {
		all = append(all, d.Report.EditedAt)
	}
	if len(all) == 0 {
		return "", ""
	}
	return slices.Min(all), slices.Max(all)
}

// unsaid returns what people said that is in no comment as far as is known.
func (th *thread) unsaid(ctx context.Context) triage.Discussion {
	d := triage.Discussion{Report: th.Root}
	for _, m := range th.People {
		if m.TS > th.Followed.Upto {
			d.Replies = append(d.Replies, m)
		}
	}
	if edited := d.Report.EditedAt > th.Followed.Edited; !edited && len(d.Replies) == 0 {
		return d
	}
	naming, enough := context.WithTimeout(ctx, maxNaming)
	defer enough()
	th.name(naming, &d.Report)
	d.Edited = d.Report.EditedAt > th.Followed.Edited && !d.Report.ShownIn(th.issue.GetBody())
	for i := range d.Replies {
		th.name(naming, &d.Replies[i])
	}
	d.Report.Permalink, _ = recall(&th.threads.Slack.known, th.account.String()+"/permalink/"+th.key.String(), func() (string, error) {
		return th.slack.GetPermalinkContext(naming, &slack.PermalinkParameters{Channel: th.key.Channel, Ts: th.key.TS})
	}) // worth a call and not a failure
	return d
}

// name adds the names behind the ids of a message.
func (th *thread) name(ctx context.Context, m *triage.Message) {
	s := th.threads.Slack
	m.UserName, m.Names = s.userName(ctx, th.slack, th.account, m.User), map[string]string{}
	for _, id := range m.Mentioned(maxMentions) {
		m.Names[id] = s.userName(ctx, th.slack, th.account, id)
	}
}

// write writes one comment. After an unclear end the next attempt reads the comments first, as every attempt does.
func (th *thread) write(ctx context.Context, text string) error {
	doing := "commenting on the issue of report " + th.key.String()
	pace := th.threads.GitHub.Pace
	if err := pace.turn(ctx, th.filer, doing); err != nil {
		return err
	}
	started := time.Now()
	_, _, err := th.github.Issues.CreateComment(ctx, th.at.owner, th.at.repo, th.at.number, &github.IssueComment{Body: &text})
	if err == nil {
		return nil
	}
	if lost := lostAnswer(doing, time.Since(started), err); lost != nil {
		return lost
	}
	return pace.heard(th.filer, createError(doing, time.Since(started), err))
}
