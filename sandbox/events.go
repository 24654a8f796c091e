package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// Subscription is where an app's events go: the request URL and signing secret of a Slack app, the URL and secret of a GitHub
// App's webhook.
type Subscription struct {
	App    App    `json:"app"`
	URL    string `json:"url"`
	Secret string `json:"secret"`
}

// Event is what an app is notified of: at Slack the inner event, its type included; at GitHub the payload of the webhook.
type Event struct {
	Name string         `json:"name"` // as X-GitHub-Event has it, or Slack's type
	Body map[string]any `json:"body,omitempty"`
}

// eventTimeout is Slack's: a receiver that takes longer has not received the event. GitHub waits for 10 s.
const eventTimeout = 3 * time.Second

// Subscribe has the sandbox send the events of an app from now on: people who post, and grants that end. It replaces an
// earlier subscription of that app; one without a URL ends it.
func (s *Sandbox) Subscribe(to Subscription) error {
	if to.App != Slack && to.App != GitHub {
		return fmt.Errorf("app %q: want slack or github", to.App)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if to.URL == "" {
		delete(s.subscriptions, to.App)
		return nil
	}
	s.subscriptions[to.App] = to
	return nil
}

// Send delivers one event and returns the status of the answer. It is signed as the provider signs, with the secret of
// to: a wrong one makes a forged event.
func (s *Sandbox) Send(ctx context.Context, to Subscription, e Event) (status int, err error) {
	body, err := json.Marshal(s.payload(to.App, e))
	if err != nil {
		return 0, fmt.Errorf("event %s: %w", e.Name, err)
	}
	return deliver(ctx, to, e.Name, body)
}

// payload is the body of an event. Slack puts an envelope around it.
func (s *Sandbox) payload(app App, e Event) map[string]any {
	if app == GitHub {
		return e.Body
	}
	inner := map[string]any{"type": e.Name}
	maps.Copy(inner, e.Body)
	return map[string]any{ //nolint:gosec // opens nothing but a sandbox
		"token": "sandbox-verification-token", "team_id": s.options.Team, "api_app_id": slackAppID, "type": "event_callback",
		"event_id": "Ev0" + rand.Text()[:8], "event_time": s.now().Unix(), "event": inner,
		"authorizations": []map[string]any{{"team_id": s.options.Team, "user_id": botUserID, "is_bot": true, "is_enterprise_install": false}},
	}
}

// deliver signs with the real time: receivers compare it with theirs.
func deliver(ctx context.Context, to Subscription, name string, body []byte) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, eventTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	if to.App == GitHub {
		request.Header.Set("User-Agent", "GitHub-Hookshot/sandbox")
		request.Header.Set("X-GitHub-Event", name)
		request.Header.Set("X-GitHub-Delivery", rand.Text())
		request.Header.Set("X-Hub-Signature-256", "sha256="+hmacHex(to.Secret, string(body)))
	} else {
		at := strconv.FormatInt(time.Now().Unix(), 10)
		request.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
		request.Header.Set("X-Slack-Request-Timestamp", at)
		request.Header.Set("X-Slack-Signature", "v0="+hmacHex(to.Secret, "v0:"+at+":"+string(body)))
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return answer.StatusCode, answer.Body.Close()
}

func hmacHex(secret, text string) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

// tellLocked sends events to the subscriber of an app, if there is one, in order and without waiting. Nothing is sent
// twice: a subscriber has to survive the loss of an event.
func (s *Sandbox) tellLocked(app App, events ...Event) {
	to, ok := s.subscriptions[app]
	if !ok {
		return
	}
	go func() {
		for _, e := range events {
			_, _ = s.Send(context.Background(), to, e) // a subscriber that is away hears nothing
		}
	}()
}

// endsLocked returns the events of an app whose grants all end.
func (s *Sandbox) endsLocked(a *app) []Event {
	if a.name == Slack {
		return []Event{
			{Name: "tokens_revoked", Body: map[string]any{"tokens": map[string]any{"oauth": []string{}, "bot": []string{botUserID}}}},
			{Name: "app_uninstalled"},
		}
	}
	var events []Event
	for _, g := range a.grants {
		switch {
		case g.revoked:
		case g.installation:
			events = append(events, Event{Name: "installation", Body: map[string]any{
				"action": "deleted", "installation": map[string]any{"id": json.Number(s.options.GitHubInstallation)},
			}})
		default:
			events = append(events, Event{Name: "github_app_authorization", Body: map[string]any{
				"action": "revoked", "sender": map[string]any{"login": g.subject, "id": loginID(g.subject), "type": "User"},
			}})
		}
	}
	return events
}

// changed is what such an app is told of an edit (docs.slack.dev/reference/events/message/message_changed).
func (m *message) changed() Event {
	now := m.event().Body
	now["type"], now["edited"] = "message", map[string]any{"user": m.editedBy, "ts": m.editedTS}
	return Event{Name: "message", Body: map[string]any{
		"subtype": "message_changed", "hidden": true, "channel": m.channel.ID, "ts": m.editedTS, "event_ts": m.editedTS, "message": now,
	}}
}

// event is what GitHub tells of an issue that was closed or reopened (docs.github.com/webhooks/webhook-events-and-payloads).
func (i *issue) event() Event {
	action := reopened
	if i.state == issueClosed {
		action = issueClosed
	}
	return Event{Name: "issues", Body: map[string]any{
		"action": action, "repository": map[string]any{"full_name": i.repository.fullName()},
		"issue": map[string]any{"number": i.number, "title": i.title, "body": i.body, "state": i.state, "state_reason": i.reason},
	}}
}

// event is what an app that is in the channel is told of a message (docs.slack.dev/reference/events/message).
func (m *message) event() Event {
	body := map[string]any{
		"channel": m.channel.ID, "channel_type": "channel", "user": m.User, "text": m.Text, "ts": m.ts, "event_ts": m.ts,
	}
	for key, value := range map[string]string{"subtype": m.Subtype, "thread_ts": m.ThreadTS} {
		if value != "" {
			body[key] = value
		}
	}
	switch {
	case m.Subtype == "tombstone":
	case m.ours: // an app is told of what it wrote itself
		body["bot_id"], body["app_id"] = botID, slackAppID
	case m.Bot != "":
		body["bot_id"] = slackID("B0", m.Bot)
	}
	return Event{Name: "message", Body: body}
}
