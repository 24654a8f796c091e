package activities

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"go.temporal.io/sdk/temporal"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// Slack holds the Activities that read from and write to Slack.
type Slack struct {
	APIs  APIs
	Plans Plans
	// Models says which language model reads messages; nil leaves that to the rules.
	Models Models
	// Reading has polls take turns; nil has them not.
	Reading *Reading
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	known directory
	reads sync.Map // :: [PollInput.key] → when this process last read a page, a time.Time
}

func (s *Slack) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}

// directory remembers names and identities, which change rarely, so that a report costs few calls. Safe for concurrent use.
type directory struct {
	entries sync.Map // :: account + kind + id -> remembered
}

type remembered struct {
	value any
	until time.Time
}

// directoryAge bounds how long a renamed user or channel goes by the old name.
const directoryAge = 15 * time.Minute

// recall returns what find returned for the key within directoryAge, and calls it otherwise. Errors are not remembered.
func recall[T any](d *directory, key string, find func() (T, error)) (T, error) {
	found, _ := d.entries.Load(key)
	entry, _ := found.(remembered) // nil is none
	if known, ok := entry.value.(T); ok && time.Now().Before(entry.until) {
		return known, nil
	}
	value, err := find()
	if err == nil {
		d.entries.Store(key, remembered{value: value, until: time.Now().Add(directoryAge)})
	}
	return value, err
}

func (s *Slack) client(account credential.AccountID) (*slack.Client, error) {
	api, err := s.APIs.API(account)
	if err != nil {
		return nil, notConfigured(err)
	}
	return slack.New("", slack.OptionHTTPClient(api.HTTP), slack.OptionAPIURL(api.Base.String())), nil
}

// identity is who the account is in its workspace.
type identity struct {
	Team string
	Self triage.Self
}

// wrote reports whether a message is of the account.
func (i identity) wrote(m slack.Message) bool {
	return m.User == i.Self.UserID || m.BotID != "" && m.BotID == i.Self.BotID
}

func (s *Slack) identity(ctx context.Context, client *slack.Client, account credential.AccountID) (identity, error) {
	return recall(&s.known, account.String()+"/self", func() (identity, error) {
		who, err := client.AuthTestContext(ctx)
		if err != nil {
			return identity{}, slackError("asking Slack who account "+account.String()+" is", err)
		}
		return identity{Team: who.TeamID, Self: triage.Self{UserID: who.UserID, BotID: who.BotID}}, nil
	})
}

// slackRefusals are the error codes with which the same request would fail again until a person has changed something. Any
// other code is retried, so that an unknown one delays a report and never loses it.
var slackRefusals = []string{
	"channel_not_found", "not_in_channel", "is_archived", "missing_scope", "no_permission", "not_allowed_token_type",
	"access_denied", "enterprise_is_restricted", "team_access_not_granted", "restricted_action",
	"restricted_action_read_only_channel", "restricted_action_thread_only_channel", "restricted_action_non_threadable_channel",
	"restricted_action_thread_locked",
	"message_not_found", "thread_not_found", "cannot_reply_to_message", "msg_too_long", "no_text", "metadata_too_large",
	"invalid_arguments", "invalid_arg_name", "invalid_name", "invalid_metadata_format", "too_many_reactions",
	"too_many_emoji", "not_reactable", "thread_locked",
}

// slackDeadTokens are the error codes for a token that is dead. The connector replaces the token at the first of them, so
// what arrives here was refused with the new one too.
var slackDeadTokens = []string{"invalid_auth", "token_expired", "token_revoked", "account_inactive", "not_authed"}

// slackError turns an error of slack-go into an application error; one that is one already stays as it is.
func slackError(doing string, err error) error {
	if sorted, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return sorted
	}
	if down := unavailable(err); down != nil {
		return down
	}
	if limited, ok := errors.AsType[*slack.RateLimitedError](err); ok {
		return rateLimited(doing, limited.RetryAfter)
	}
	if status, ok := errors.AsType[slack.StatusCodeError](err); ok && status.Code == http.StatusTooManyRequests {
		return rateLimited(doing, time.Minute)
	}
	code := slackCode(err)
	switch {
	case code == "ratelimited", code == "rate_limited":
		return rateLimited(doing, time.Minute)
	case slices.Contains(slackRefusals, code):
		return rejected("%s: %s%s", doing, code, slackHint(code))
	case slices.Contains(slackDeadTokens, code):
		return refusedAnew(doing, code)
	}
	return outage(doing, err)
}

// slackCode returns the error code of an ok:false answer, or "".
func slackCode(err error) string {
	if refused, ok := errors.AsType[slack.SlackErrorResponse](err); ok {
		return refused.Err
	}
	return ""
}

func slackHint(code string) string {
	switch code {
	case "not_in_channel", "channel_not_found":
		// Who archives a channel removes the bots from it (github.com/elastic/connectors/issues/1972).
		return "; invite the bot with /invite in that channel, unarchived first if it was archived, and check the channel id in tokenkeeper.yaml"
	case "missing_scope":
		return "; add the scope to the connector in tokenkeeper.yaml and reauthorize the account"
	case "is_archived":
		return "; unarchive the channel or remove its route"
	}
	return ""
}
