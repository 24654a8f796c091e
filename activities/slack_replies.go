package activities

import (
	"context"

	"github.com/slack-go/slack"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// history returns a page of a channel that no poll reads. It shares Slack's limit with the polls.
// Errors: those of Slack, not sorted, so that callers see which it was; [ErrTypeOutOfTurn], [ErrTypeRateLimited].
func (s *Slack) history(
	ctx context.Context, client *slack.Client, account credential.AccountID, params *slack.GetConversationHistoryParameters,
) (*slack.GetConversationHistoryResponse, error) {
	if err := s.Reading.turn(ctx, account, aside); err != nil {
		return nil, err
	}
	page, err := client.GetConversationHistoryContext(ctx, params)
	if err != nil {
		if sorted := slackError("reading channel "+params.ChannelID, err); errorType(sorted) == ErrTypeRateLimited {
			err = s.Reading.heard(account, aside, sorted)
		}
		return nil, err
	}
	return page, s.Reading.heard(account, aside, nil)
}

// replies returns a page of a thread, oldest messages first and the report itself before them, and the cursor of the next
// page, "" after the last.
// Errors: those of Slack, not sorted, so that callers see which it was; [ErrTypeOutOfTurn], [ErrTypeRateLimited].
func (s *Slack) replies(
	ctx context.Context, client *slack.Client, account credential.AccountID, thread triage.Key, cursor string,
) (page []slack.Message, next string, err error) {
	if err := s.Reading.turn(ctx, account, threads); err != nil {
		return nil, "", err
	}
	page, more, next, err := client.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
		ChannelID: thread.Channel, Timestamp: thread.TS, Cursor: cursor, Limit: pageSize, IncludeAllMetadata: true,
	})
	if err != nil {
		if sorted := slackError("reading the thread of "+thread.String(), err); errorType(sorted) == ErrTypeRateLimited {
			err = s.Reading.heard(account, threads, sorted)
		}
		return nil, "", err
	}
	if !more {
		next = ""
	}
	return page, next, s.Reading.heard(account, threads, nil)
}

// findReply returns our reply in a thread, and reports whether there is one. Messages of other apps do not count, even with
// the same metadata. There may be several replies where one could not be edited: then it is the one that links the issue,
// else the last. It begins at the page that reached leads to.
func (s *Slack) findReply(
	ctx context.Context, client *slack.Client, in ReplyInput, who identity, reached *halfway[string],
) (reply slack.Message, found bool, err error) {
	for cursor, _ := reached.get(); ; {
		page, next, err := s.replies(ctx, client, in.Account, in.Report, cursor)
		if slackCode(err) == "invalid_cursor" && cursor != "" {
			reached.done()
			cursor = ""
			continue
		}
		if err != nil {
			return slack.Message{}, false, err
		}
		for _, m := range page {
			if who.wrote(m) && m.Metadata.EventType == in.mark() && said(m, "report") == in.Report.String() {
				reply, found = m, true
				if in.links(m) {
					break
				}
			}
		}
		if next == "" || found && in.links(reply) {
			reached.done() // the next attempt has to read the thread as it is then, from the beginning
			return reply, found, nil
		}
		if cursor = next; !found {
			reached.set(next)
		}
	}
}
