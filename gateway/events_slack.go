package gateway

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// slackKeep is above the hour over which Slack tries to deliver an event. What is older than five minutes has to be signed
// anew, and nobody else can.
const slackKeep = 24 * time.Hour

func slackDialect() dialect {
	return dialect{source: SlackEvents, signature: "X-Slack-Signature", read: readSlackEvent}
}

// slackEvent is what is of interest in Slack's envelope (docs.slack.dev/apis/events-api). The library's parser refuses every
// kind of event that it does not know.
type slackEvent struct {
	Type      string `json:"type"`
	Challenge string `json:"challenge"`
	EventID   string `json:"event_id"`
	// TeamID is the workspace that owns the channel: in one that several share it may not be that of the app. See [slackEvent.team].
	TeamID        string `json:"team_id"`
	ContextTeamID string `json:"context_team_id"`
	Event         struct {
		Type   string `json:"type"`
		Tokens struct {
			OAuth []string `json:"oauth"` // ids of users whose own tokens were revoked
			Bot   []string `json:"bot"`   // ids of users, for tokens of bots
		} `json:"tokens"`
		slackMessage

		User string `json:"user"` // who reacted
		Item struct {
			Channel string `json:"channel"`
		} `json:"item"` // what somebody reacted to
	} `json:"event"`
	Authorizations []struct {
		TeamID string `json:"team_id"`
		UserID string `json:"user_id"`
	} `json:"authorizations"` // the app's own user
}

// slackMessage is what tells a message that somebody wrote into a channel from the others: Slack's list of subtypes is long,
// and the poll that follows looks closely.
type slackMessage struct {
	Channel  string `json:"channel"`
	TS       string `json:"ts"`
	ThreadTS string `json:"thread_ts"`
	Subtype  string `json:"subtype"`
	BotID    string `json:"bot_id"` // ours among them
	Hidden   bool   `json:"hidden"` // message_changed, message_deleted
	// Changed is the message as it is now, of a message_changed.
	Changed struct {
		TS       string    `json:"ts"`
		ThreadTS string    `json:"thread_ts"`
		BotID    string    `json:"bot_id"`
		Edited   *struct{} `json:"edited"` // there if somebody edited it, and not an app that unfurled a link
	} `json:"message"`
}

// byPerson reports whether a poll of the channel would find the message, and a person wrote it.
func (m slackMessage) byPerson() bool {
	top := m.ThreadTS == "" || m.ThreadTS == m.TS || m.Subtype == "thread_broadcast"
	return top && !m.Hidden && m.BotID == ""
}

// thread returns the ts of the message in whose thread a person wrote, or that its author edited; "" for none.
func (m slackMessage) thread() string {
	switch {
	case m.Subtype == "message_changed":
		if top := m.Changed.ThreadTS == "" || m.Changed.ThreadTS == m.Changed.TS; top && m.Changed.Edited != nil && m.Changed.BotID == "" {
			return m.Changed.TS
		}
	case !m.Hidden && m.BotID == "" && m.ThreadTS != m.TS:
		return m.ThreadTS
	}
	return ""
}

func readSlackEvent(header http.Header, body []byte, secret credential.Secret) (news, error) {
	verifier, err := slack.NewSecretsVerifier(header, secret.Reveal())
	if err != nil {
		return news{}, errSignature
	}
	if _, err := verifier.Write(body); err != nil || verifier.Ensure() != nil {
		return news{}, errSignature
	}
	var e slackEvent
	if json.Unmarshal(body, &e) != nil {
		return news{}, errors.New("it is not Slack's JSON")
	}
	switch e.Type {
	case "url_verification":
		return news{name: e.Type, challenge: e.Challenge}, nil
	case "event_callback":
		return e.news(), nil
	default:
		return news{name: e.Type}, nil
	}
}

func (e slackEvent) news() news {
	n := news{name: e.Event.Type, key: e.EventID, keep: slackKeep}
	if e.EventID == "" {
		return n
	}
	switch e.Event.Type {
	case "message":
		if e.Event.byPerson() {
			n.active = e.Event.Channel
		}
		if key := (triage.Key{Team: e.team(), Channel: e.Event.Channel, TS: e.Event.thread()}); key.Validate() == nil {
			n.turned = key
		}
	case "reaction_added":
		n.active = e.reactedIn()
	case "app_uninstalled":
		n.ended = e.ofTeam
	case "tokens_revoked":
		if len(e.Event.Tokens.Bot) > 0 {
			n.ended = e.ofTeam // whether it names the bot or who installed it, no page of Slack says
		} else {
			n.ended = e.ofUser
		}
	}
	return n
}

// reactedIn returns the channel in which a person reacted to a message, "" for none: reactions of ours make no report.
func (e slackEvent) reactedIn() string {
	if len(e.Authorizations) > 0 && e.Authorizations[0].UserID == e.Event.User {
		return ""
	}
	return e.Event.Item.Channel
}

// team returns the workspace as whose app we are told (github.com/slackapi/java-slack-sdk/issues/629).
func (e slackEvent) team() string {
	var authorized string
	if len(e.Authorizations) > 0 {
		authorized = e.Authorizations[0].TeamID
	}
	return cmp.Or(authorized, e.ContextTeamID, e.TeamID)
}

// ofTeam reports whether a subject, "team/user", is of the event's workspace. An app that an organization installed for all
// of its workspaces has events without one.
func (e slackEvent) ofTeam(subject credential.Subject) bool {
	team, _, _ := strings.Cut(string(subject), "/")
	return e.TeamID == "" || team == e.TeamID
}

func (e slackEvent) ofUser(subject credential.Subject) bool {
	_, user, _ := strings.Cut(string(subject), "/")
	return e.ofTeam(subject) && slices.Contains(e.Event.Tokens.OAuth, user)
}
