package sandbox_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-github/v62/github"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/slackevents"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
)

const subscriptionSecret = "secret-of-the-subscription"

// subscriber takes events as the libraries of the providers do, and says what they are.
func subscriber(t *testing.T) (url string, heard <-chan any) {
	t.Helper()
	events := make(chan any, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-GitHub-Event") != "" {
			payload, err := github.ValidatePayload(r, []byte(subscriptionSecret))
			if err != nil {
				http.Error(w, err.Error(), http.StatusUnauthorized)
				return
			}
			event, err := github.ParseWebHook(github.WebHookType(r), payload)
			assert.NoError(t, err)
			events <- event
			return
		}
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		verifier, err := slack.NewSecretsVerifier(r.Header, subscriptionSecret)
		assert.NoError(t, err)
		_, _ = verifier.Write(body)
		if verifier.Ensure() != nil {
			http.Error(w, "forged", http.StatusUnauthorized)
			return
		}
		event, err := slackevents.ParseEvent(json.RawMessage(body), slackevents.OptionNoVerifyToken())
		assert.NoError(t, err)
		events <- event.InnerEvent.Data
	}))
	t.Cleanup(server.Close)
	return server.URL, events
}

func next(t *testing.T, heard <-chan any) any {
	t.Helper()
	select {
	case event := <-heard:
		return event
	case <-time.After(10 * time.Second):
		t.Fatal("no event came")
		return nil
	}
}

func TestGrantsThatEndAreToldOf(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	url, heard := subscriber(t)
	w.connect(sandbox.Slack)
	w.connect(sandbox.GitHub)
	for _, app := range []sandbox.App{sandbox.Slack, sandbox.GitHub} {
		require.NoError(t, w.Subscribe(sandbox.Subscription{App: app, URL: url, Secret: subscriptionSecret}))
		require.Equal(t, 1, w.Revoke(app))
	}
	var revoked *slackevents.TokensRevokedEvent
	var uninstalled bool
	var user *github.GitHubAppAuthorizationEvent
	for range 3 {
		switch event := next(t, heard).(type) {
		case *slackevents.TokensRevokedEvent:
			revoked = event
		case *slackevents.AppUninstalledEvent:
			uninstalled = true
		case *github.GitHubAppAuthorizationEvent:
			user = event
		default:
			t.Fatalf("%T", event)
		}
	}
	require.NotNil(t, revoked)
	assert.NotEmpty(t, revoked.Tokens.Bot)
	assert.True(t, uninstalled)
	assert.Equal(t, "revoked", user.GetAction())
	assert.NotZero(t, user.GetSender().GetID())
}

func TestWhoIsInTheChannelHearsWhatIsWritten(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	url, heard := subscriber(t)
	require.NoError(t, w.Subscribe(sandbox.Subscription{App: sandbox.Slack, URL: url, Secret: subscriptionSecret}))
	w.Post("C0RANDOM", sandbox.Message{User: "ada", Text: "the app is not in here"})
	ts := w.Post(bugs, sandbox.Message{User: "ada", Text: "it crashes"})
	message, ok := next(t, heard).(*slackevents.MessageEvent)
	require.True(t, ok)
	assert.Equal(t, ts, message.TimeStamp)
	assert.Equal(t, bugs, message.Channel)
	assert.Empty(t, message.BotID)
	w.Post(bugs, sandbox.Message{Bot: "Deploys", Text: "deployed"})
	message, ok = next(t, heard).(*slackevents.MessageEvent)
	require.True(t, ok)
	assert.NotEmpty(t, message.BotID)

	_, _, err := w.connectedSlack().PostMessageContext(t.Context(), bugs, slack.MsgOptionText("Filed", false), slack.MsgOptionTS(ts))
	require.NoError(t, err)
	message, ok = next(t, heard).(*slackevents.MessageEvent)
	require.True(t, ok)
	assert.Equal(t, ts, message.ThreadTimeStamp)
	assert.NotEmpty(t, message.BotID, "an app hears itself")

	require.NoError(t, w.Subscribe(sandbox.Subscription{App: sandbox.Slack}))
	w.Post(bugs, sandbox.Message{User: "ada", Text: "nobody listens"})
	require.NoError(t, w.Subscribe(sandbox.Subscription{App: sandbox.Slack, URL: url, Secret: subscriptionSecret}))
	w.Post(bugs, sandbox.Message{User: "ada", Text: "somebody does"})
	message, ok = next(t, heard).(*slackevents.MessageEvent)
	require.True(t, ok)
	assert.Equal(t, "somebody does", message.Text)
}

func TestAnotherSecretForgesAnEvent(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	url, _ := subscriber(t)
	for _, app := range []sandbox.App{sandbox.Slack, sandbox.GitHub} {
		for secret, want := range map[string]int{subscriptionSecret: http.StatusOK, "guessed": http.StatusUnauthorized} {
			status, err := w.Send(t.Context(), sandbox.Subscription{App: app, URL: url, Secret: secret}, sandbox.Event{
				Name: map[sandbox.App]string{sandbox.Slack: "app_uninstalled", sandbox.GitHub: "ping"}[app],
			})
			require.NoError(t, err)
			assert.Equal(t, want, status, app)
		}
	}
	require.Error(t, w.Subscribe(sandbox.Subscription{App: sandbox.Google, URL: url}))
}

func TestEditsAndTheEndsOfIssuesAreTold(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	client := w.connectedGitHub()
	heard := make(chan string, 10)
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what is missing fails below
		heard <- r.Header.Get("X-Github-Event") + " " + string(body)
	}))
	t.Cleanup(receiver.Close)
	for _, app := range []sandbox.App{sandbox.Slack, sandbox.GitHub} {
		require.NoError(t, w.Subscribe(sandbox.Subscription{App: app, URL: receiver.URL, Secret: "secret"}))
	}
	ts := w.Post(bugs, sandbox.Message{User: "ada", Text: "It crashes"})
	assert.Contains(t, <-heard, "It crashes")
	require.NoError(t, w.Edit(bugs, ts, "It hangs"))
	edit := <-heard
	for _, part := range []string{`"subtype":"message_changed"`, `"hidden":true`, "It hangs", `"edited":{`, `"ts":"` + ts + `"`} {
		assert.Contains(t, edit, part)
	}
	_, err := w.createIssue(client, "Crash", "It <i>crashes</i>.")
	require.NoError(t, err)
	for _, c := range []struct{ state, action string }{{"closed", `"action":"closed"`}, {"open", `"action":"reopened"`}} {
		require.NoError(t, w.ChangeIssue(sandbox.IssueChange{Repository: "acme/app", Number: 2, State: c.state}))
		told := <-heard
		assert.Contains(t, told, "issues ")
		assert.Contains(t, told, c.action)
	}
}
