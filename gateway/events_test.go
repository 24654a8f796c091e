package gateway_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/internal/bubbletest"
	"tokenkeeper/triage"
	"tokenkeeper/vault"
)

const eventSecret = "event-secret-of-the-provider"

// fakeHints plays the accounts: they have these subjects, and it notes which were told.
type fakeHints struct {
	secrets  map[string]credential.Secret // :: connector → secret; its name says who signs
	accounts map[credential.AccountID]credential.Subject

	mu     sync.Mutex
	told   []string // accounts
	busy   []string // channels
	turned []string // messages
	err    error
}

func (h *fakeHints) ChannelActive(_, channel string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.busy = append(h.busy, channel)
}

func (h *fakeHints) ThreadActive(_ string, message triage.Key) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turned = append(h.turned, message.String())
}

func (h *fakeHints) EventSecret(connector string) (gateway.EventSource, credential.Secret) {
	return gateway.EventSource(connector), h.secrets[connector]
}

func (h *fakeHints) GrantEnded(_ context.Context, connector string, ended func(credential.Subject) bool) ([]credential.AccountID, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.err != nil {
		return nil, h.err
	}
	var told []credential.AccountID
	for account, subject := range h.accounts {
		if account.Connector == connector && ended(subject) {
			told = append(told, account)
			h.told = append(h.told, account.User)
		}
	}
	return told, nil
}

func (h *fakeHints) fail(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.err = err
}

func newEvents(t *testing.T) (*fixture, *fakeHints) {
	t.Helper()
	f := newFixture(t)
	of := func(connector, user string) credential.AccountID {
		return credential.AccountID{Organization: "acme", User: user, Connector: connector}
	}
	secret := credential.NewSecret(eventSecret)
	h := &fakeHints{
		secrets: map[string]credential.Secret{"slack": secret, "github": secret, "empty": {}},
		accounts: map[credential.AccountID]credential.Subject{
			of("slack", "bot"): "T1/UBOT", of("slack", "ada"): "T1/UADA", of("slack", "elsewhere"): "T2/UBOT",
			of("github", "octocat"): "583231", of("github", "installed"): "installation/51000001",
		},
	}
	f.server.Hints = h
	return f, h
}

// signed is a request of a provider, with what is wrong with it.
type signed struct {
	path   string
	body   string
	secret string        // [eventSecret] when empty
	age    time.Duration // of the time that Slack signs
	header http.Header   // replaces what a good one has; a nil value takes it away
}

func mac(how func() hash.Hash, secret, text string) string {
	h := hmac.New(how, []byte(secret))
	_, _ = io.WriteString(h, text) // a hash never fails
	return hex.EncodeToString(h.Sum(nil))
}

// headers are those of a good request, signed as the documents of Slack and GitHub say.
func (s signed) headers() http.Header {
	secret := eventSecret
	if s.secret != "" {
		secret = s.secret
	}
	at := strconv.FormatInt(time.Now().Add(-s.age).Unix(), 10)
	h := http.Header{
		"Content-Type": {"application/json"}, "X-Github-Event": {"ping"},
		"X-Hub-Signature-256":       {"sha256=" + mac(sha256.New, secret, s.body)},
		"X-Slack-Request-Timestamp": {at},
		"X-Slack-Signature":         {"v0=" + mac(sha256.New, secret, "v0:"+at+":"+s.body)},
	}
	maps.Copy(h, s.header)
	return h
}

func (f *fixture) send(s signed) (status int, body string) {
	f.t.Helper()
	request, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, f.url+s.path, strings.NewReader(s.body))
	require.NoError(f.t, err)
	request.Header = s.headers()
	answer, err := http.DefaultClient.Do(request)
	require.NoError(f.t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(f.t, err)
	return answer.StatusCode, string(text)
}

func slackCallback(id, inner string) signed {
	return signed{path: "/events/slack/slack", body: fmt.Sprintf(
		`{"token":"legacy","team_id":"T1","api_app_id":"A1","type":"event_callback","event_id":%q,"event_time":1,"event":%s,"authorizations":[{"team_id":"T1","user_id":"UBOT","is_bot":true}]}`, id, inner)}
}

func gitHubHook(event, body string) signed {
	return signed{path: "/events/github/github", body: body, header: http.Header{"X-Github-Event": {event}}}
}

const botRevoked = `{"type":"tokens_revoked","tokens":{"bot":["UBOT"]},"event_ts":"1.0"}`

func TestEventsThatTellOfAnEnd(t *testing.T) {
	for name, tc := range map[string]struct {
		event signed
		told  []string
	}{
		"bot token":    {slackCallback("Ev1", botRevoked), []string{"bot", "ada"}},
		"user token":   {slackCallback("Ev1", `{"type":"tokens_revoked","tokens":{"oauth":["UADA","UBJORN"]}}`), []string{"ada"}},
		"uninstalled":  {slackCallback("Ev1", `{"type":"app_uninstalled"}`), []string{"bot", "ada"}},
		"user":         {gitHubHook("github_app_authorization", `{"action":"revoked","sender":{"login":"octocat","id":583231}}`), []string{"octocat"}},
		"deleted":      {gitHubHook("installation", `{"action":"deleted","installation":{"id":51000001},"sender":{"id":583231}}`), []string{"installed"}},
		"suspended":    {gitHubHook("installation", `{"action":"suspend","installation":{"id":51000001}}`), []string{"installed"}},
		"somebody":     {gitHubHook("github_app_authorization", `{"action":"revoked","sender":{"id":1}}`), nil},
		"no sender":    {gitHubHook("github_app_authorization", `{"action":"revoked"}`), nil},
		"installed":    {gitHubHook("installation", `{"action":"created","installation":{"id":51000001}}`), nil},
		"push":         {gitHubHook("push", `{"ref":"refs/heads/main"}`), nil},
		"unknown kind": {slackCallback("Ev1", `{"type":"emoji_changed"}`), nil},
		"no event":     {slackCallback("Ev1", `null`), nil},
		"no id":        {slackCallback("", `{"type":"app_uninstalled"}`), nil},
		"rate limited": {signed{path: "/events/slack/slack", body: `{"type":"app_rate_limited","team_id":"T1"}`}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			f, h := newEvents(t)
			status, body := f.send(tc.event)
			assert.Equal(t, http.StatusOK, status, body)
			assert.ElementsMatch(t, tc.told, h.told)
			trail, err := f.vault.AuditTrail(t.Context(), vault.AuditFilter{}, 10)
			require.NoError(t, err)
			require.Len(t, trail, len(tc.told))
			for _, e := range trail {
				assert.Equal(t, vault.GrantEnded, e.Action)
				assert.Contains(t, e.Remote, "127.0.0.1")
			}
		})
	}
}

func TestMessagesThatAPollWouldFind(t *testing.T) {
	f, h := newEvents(t)
	for i, tc := range []struct {
		message string
		active  bool
	}{
		{`{"type":"message","channel":"C1","user":"UADA","ts":"1.1","text":"It crashes"}`, true},
		{`{"type":"message","channel":"C1","subtype":"file_share","user":"UADA","ts":"1.1"}`, true},
		{`{"type":"message","channel":"C1","user":"UADA","ts":"1.1","thread_ts":"1.1"}`, true},
		{`{"type":"message","channel":"C1","subtype":"thread_broadcast","user":"UADA","ts":"1.2","thread_ts":"1.1"}`, true},
		{`{"type":"message","channel":"C1","user":"UADA","ts":"1.2","thread_ts":"1.1"}`, false},
		{`{"type":"message","channel":"C1","bot_id":"B1","ts":"1.2"}`, false},
		{`{"type":"message","channel":"C1","subtype":"message_changed","hidden":true,"ts":"1.2"}`, false},
		{`{"type":"message","ts":"1.2"}`, false},
		{`{"type":"reaction_added","user":"UADA","reaction":"beetle","item":{"type":"message","channel":"C1","ts":"1.1"}}`, true},
		{`{"type":"reaction_added","user":"UBOT","reaction":"eyes","item":{"type":"message","channel":"C1","ts":"1.1"}}`, false},
		{`{"type":"reaction_added","user":"UADA","reaction":"beetle","item":{"type":"file"}}`, false},
	} {
		before := len(h.busy)
		status, body := f.send(slackCallback(fmt.Sprintf("Ev%d", i), tc.message))
		assert.Equal(t, http.StatusOK, status, body)
		assert.Equal(t, tc.active, len(h.busy) > before, tc.message)
	}
	assert.NotContains(t, f.log.String(), "crashes")
	forged := slackCallback("Ev9", `{"type":"message","channel":"C1","user":"UADA","ts":"1.1"}`)
	forged.secret = "another secret of somebody"
	status, _ := f.send(forged)
	assert.Equal(t, http.StatusUnauthorized, status)
	assert.Len(t, h.busy, 5)
}

// from is an event whose channel another workspace owns.
func from(s signed, owner string) signed {
	s.body = strings.Replace(s.body, `"team_id":"T1"`, owner, 1)
	return s
}

// cutOff is an event that names nobody it is for.
func cutOff(s signed) signed {
	s.body = s.body[:strings.LastIndex(s.body, `"authorizations"`)] + `"authorizations":[]}`
	return s
}

func TestEventsOfThreadsAndTheirIssues(t *testing.T) {
	const marked = `{"number":7,"body":"It crashes\n\n<!-- tokenkeeper: T1/C1/1700000000.000100 -->"}`
	message := func(fields string) signed {
		return slackCallback("Ev1", `{"type":"message","channel":"C1",`+fields+`}`)
	}
	for name, tc := range map[string]struct {
		event  signed
		turned bool
	}{
		"reply":            {message(`"user":"UADA","ts":"1700000001.000100","thread_ts":"1700000000.000100"`), true},
		"broadcast":        {message(`"subtype":"thread_broadcast","user":"UADA","ts":"1700000001.000100","thread_ts":"1700000000.000100"`), true},
		"edit":             {message(`"subtype":"message_changed","hidden":true,"ts":"1700000002.000100","message":{"ts":"1700000000.000100","edited":{"user":"UADA"}}`), true},
		"edit of a reply":  {message(`"subtype":"message_changed","hidden":true,"ts":"1700000002.000100","message":{"ts":"1700000001.000100","thread_ts":"1700000000.000100","edited":{}}`), false},
		"edit of an app":   {message(`"subtype":"message_changed","hidden":true,"ts":"1700000002.000100","message":{"ts":"1700000000.000100","bot_id":"B1","edited":{}}`), false},
		"unfurled link":    {message(`"subtype":"message_changed","hidden":true,"ts":"1700000002.000100","message":{"ts":"1700000000.000100"}`), false},
		"reply of an app":  {message(`"bot_id":"B1","ts":"1700000001.000100","thread_ts":"1700000000.000100"`), false},
		"deleted reply":    {message(`"subtype":"message_deleted","hidden":true,"ts":"1700000001.000100","thread_ts":"1700000000.000100"`), false},
		"message":          {message(`"user":"UADA","ts":"1700000000.000100"`), false},
		"thread itself":    {message(`"user":"UADA","ts":"1700000000.000100","thread_ts":"1700000000.000100"`), false},
		"shared channel":   {from(message(`"user":"UADA","ts":"1700000001.000100","thread_ts":"1700000000.000100"`), `"team_id":"T2"`), true},
		"no authorization": {from(cutOff(message(`"user":"UADA","ts":"1700000001.000100","thread_ts":"1700000000.000100"`)), `"team_id":"T2","context_team_id":"T1"`), true},
		"neither":          {cutOff(message(`"user":"UADA","ts":"1700000001.000100","thread_ts":"1700000000.000100"`)), true},
		"no ts":            {message(`"user":"UADA","ts":"1.1","thread_ts":"../secret"`), false},
		"closed":           {gitHubHook("issues", `{"action":"closed","issue":`+marked+`}`), true},
		"reopened":         {gitHubHook("issues", `{"action":"reopened","issue":`+marked+`}`), true},
		"added to":         {gitHubHook("issues", `{"action":"closed","issue":{"body":"It crashes\n\n<!-- tokenkeeper: T1/C1/1700000000.000100 -->\n\nSee also #3"}}`), true},
		"labeled":          {gitHubHook("issues", `{"action":"labeled","issue":`+marked+`}`), false},
		"not ours":         {gitHubHook("issues", `{"action":"closed","issue":{"number":8,"body":"It crashes"}}`), false},
		"no issue":         {gitHubHook("issues", `{"action":"closed"}`), false},
		"a comment":        {gitHubHook("issue_comment", `{"action":"closed","issue":`+marked+`}`), false},
	} {
		t.Run(name, func(t *testing.T) {
			f, h := newEvents(t)
			status, body := f.send(tc.event)
			assert.Equal(t, http.StatusOK, status, body)
			var want []string
			if tc.turned {
				want = []string{"T1/C1/1700000000.000100"}
			}
			assert.Equal(t, want, h.turned)
			assert.Empty(t, h.told)
			assert.NotContains(t, f.log.String(), "crashes")
			tc.event.secret = "another secret of somebody"
			status, _ = f.send(tc.event)
			assert.Equal(t, http.StatusUnauthorized, status)
			assert.Equal(t, want, h.turned, "a forged one has nobody look")
		})
	}
}

func TestEventsThatAreRefused(t *testing.T) {
	uninstalled := slackCallback("Ev1", `{"type":"app_uninstalled"}`)
	revoked := gitHubHook("github_app_authorization", `{"action":"revoked","sender":{"id":583231}}`)
	challenge := signed{path: "/events/slack/slack", body: `{"type":"url_verification","challenge":"abc"}`}
	with := func(s signed, change func(*signed)) signed {
		change(&s)
		return s
	}
	header := func(s signed, name string, values ...string) signed {
		h := http.Header{name: values}
		for n, v := range s.header {
			if n != name {
				h[n] = v
			}
		}
		s.header = h
		return s
	}
	for name, tc := range map[string]struct {
		event  signed
		status int
	}{
		"slack, another secret":     {with(uninstalled, func(s *signed) { s.secret = "another secret of somebody" }), http.StatusUnauthorized},
		"slack, six minutes old":    {with(uninstalled, func(s *signed) { s.age = 6 * time.Minute }), http.StatusUnauthorized},
		"slack, of the future":      {with(uninstalled, func(s *signed) { s.age = -6 * time.Minute }), http.StatusUnauthorized},
		"slack, no signature":       {header(uninstalled, "X-Slack-Signature"), http.StatusUnauthorized},
		"slack, no time":            {header(uninstalled, "X-Slack-Request-Timestamp"), http.StatusUnauthorized},
		"slack, a time that is not": {header(uninstalled, "X-Slack-Request-Timestamp", strconv.FormatInt(time.Now().Unix()-100, 10)), http.StatusUnauthorized},
		"slack, version 1":          {header(uninstalled, "X-Slack-Signature", "v1=00"), http.StatusUnauthorized},
		"slack, no hex":             {header(uninstalled, "X-Slack-Signature", "v0=zz"), http.StatusUnauthorized},
		"slack, challenge unsigned": {with(challenge, func(s *signed) { s.secret = "another secret of somebody" }), http.StatusUnauthorized},
		"slack, no JSON":            {signed{path: "/events/slack/slack", body: "hello"}, http.StatusBadRequest},
		"slack, too much":           {signed{path: "/events/slack/slack", body: strings.Repeat("x", 1<<20+1)}, http.StatusRequestEntityTooLarge},
		"github, another secret":    {with(revoked, func(s *signed) { s.secret = "another secret of somebody" }), http.StatusUnauthorized},
		"github, no signature":      {header(revoked, "X-Hub-Signature-256"), http.StatusUnauthorized},
		"github, SHA-1 alone": {header(header(revoked, "X-Hub-Signature-256"),
			"X-Hub-Signature", "sha1="+mac(sha1.New, eventSecret, revoked.body)), http.StatusUnauthorized},
		"github, SHA-1 in its place": {header(revoked, "X-Hub-Signature-256", "sha1="+mac(sha1.New, eventSecret, revoked.body)), http.StatusUnauthorized},
		"github, signed by nothing":  {header(revoked, "X-Hub-Signature-256", "sha256="+mac(sha256.New, "", revoked.body)), http.StatusUnauthorized},
		"github, a form":             {header(revoked, "Content-Type", "application/x-www-form-urlencoded"), http.StatusBadRequest},
		"github, no JSON":            {gitHubHook("installation", "hello"), http.StatusBadRequest},
		"github, too much":           {gitHubHook("installation", strings.Repeat("x", 1<<20+1)), http.StatusRequestEntityTooLarge},
		"the other provider":         {with(uninstalled, func(s *signed) { s.path = "/events/github/slack" }), http.StatusNotFound},
		"no such connector":          {with(uninstalled, func(s *signed) { s.path = "/events/slack/none" }), http.StatusNotFound},
		"an empty secret":            {with(uninstalled, func(s *signed) { s.path = "/events/slack/empty"; s.secret = " " }), http.StatusNotFound},
		"no such source":             {with(uninstalled, func(s *signed) { s.path = "/events/gitlab/slack" }), http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			f, h := newEvents(t)
			status, body := f.send(tc.event)
			assert.Equal(t, tc.status, status, body)
			assert.Empty(t, h.told)
			assert.NotContains(t, body, "abc", "a challenge is answered to Slack alone")
			trail, err := f.vault.AuditTrail(t.Context(), vault.AuditFilter{}, 10)
			require.NoError(t, err)
			assert.Empty(t, trail, "strangers do not make the audit log grow")
		})
	}
}

func TestSlackFindsUsByItsChallenge(t *testing.T) {
	f, _ := newEvents(t)
	status, body := f.send(signed{path: "/events/slack/slack", body: `{"token":"legacy","type":"url_verification","challenge":"3eZbrw1aB"}`})
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "3eZbrw1aB", body)
}

func TestEventsThatComeAgainDoNothing(t *testing.T) {
	f, h := newEvents(t)
	first := slackCallback("Ev1", botRevoked)
	hook := gitHubHook("installation", `{"action":"deleted","installation":{"id":51000001}}`)
	for _, s := range []signed{first, first, {path: first.path, body: first.body, age: time.Minute}, hook, hook} {
		status, body := f.send(s)
		assert.Equal(t, http.StatusOK, status, body)
	}
	assert.ElementsMatch(t, []string{"bot", "ada", "installed"}, h.told, "a retry of Slack's is signed anew, and known by its id")
	hook.header = http.Header{"X-Github-Event": {"installation"}, "X-Github-Delivery": {"72d3162e-cc78-11e3-81ab-4c9367dc0958"}}
	status, _ := f.send(hook)
	assert.Equal(t, http.StatusOK, status)
	assert.Len(t, h.told, 3, "nobody signs the id of a delivery")
	assert.NotContains(t, f.log.String(), "UBOT", "the log holds no payload")
	assert.NotContains(t, f.log.String(), eventSecret)
}

func TestAnEventThatCouldNotBeActedOnMayComeAgain(t *testing.T) {
	f, h := newEvents(t)
	h.fail(errAway)
	status, _ := f.send(slackCallback("Ev1", botRevoked))
	assert.Equal(t, http.StatusServiceUnavailable, status)
	h.fail(nil)
	status, _ = f.send(slackCallback("Ev1", botRevoked))
	assert.Equal(t, http.StatusOK, status)
	assert.Len(t, h.told, 2)
}

// mortal dies once, before it remembers an event.
type mortal struct {
	gateway.Vault

	died bool
}

func (m *mortal) KeepDelivery(ctx context.Context, d vault.Delivery) error {
	if !m.died {
		m.died = true
		return errAway
	}
	return m.Vault.KeepDelivery(ctx, d)
}

func TestACrashBeforeAnEventIsRememberedLosesNothing(t *testing.T) {
	f, h := newEvents(t)
	f.server.Vault = &mortal{Vault: f.server.Vault}
	for _, c := range []struct{ status, told int }{
		{http.StatusServiceUnavailable, 2}, // told, and not remembered
		{http.StatusOK, 4},                 // told again, and remembered
		{http.StatusOK, 4},
	} {
		status, body := f.send(slackCallback("Ev1", botRevoked))
		assert.Equal(t, c.status, status, body)
		assert.Len(t, h.told, c.told)
	}
}

// cutShort tells its accounts one after the other, and its process dies after the first.
type cutShort struct{ *fakeHints }

func (c cutShort) GrantEnded(ctx context.Context, connector string, ended func(credential.Subject) bool) ([]credential.AccountID, error) {
	told, err := c.fakeHints.GrantEnded(ctx, connector, func(s credential.Subject) bool { return s == "T1/UBOT" && ended(s) })
	return told, errors.Join(err, errAway)
}

func TestAProcessThatDiesWhileItTellsAnEventLosesNobody(t *testing.T) {
	f, h := newEvents(t)
	f.server.Hints = cutShort{h}
	status, _ := f.send(slackCallback("Ev1", botRevoked))
	assert.Equal(t, http.StatusServiceUnavailable, status)
	assert.Equal(t, []string{"bot"}, h.told)

	next := newFixture(t)
	next.server.Vault, next.server.Hints = f.vault, h
	for range 2 {
		status, _ = next.send(slackCallback("Ev1", botRevoked))
		assert.Equal(t, http.StatusOK, status)
	}
	assert.Len(t, h.told, 3)
	assert.Contains(t, h.told, "ada")
}

// slowly tells an account in a second.
type slowly struct {
	*fakeHints

	begun atomic.Int32
}

func (s *slowly) GrantEnded(ctx context.Context, connector string, ended func(credential.Subject) bool) ([]credential.AccountID, error) {
	s.begun.Add(1)
	for range s.accounts {
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return s.fakeHints.GrantEnded(ctx, connector, ended)
}

// memory is a vault for events alone.
type memory struct {
	gateway.Vault

	mu    sync.Mutex
	known map[string]bool
}

func (m *memory) HasDelivery(_ context.Context, hash []byte) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.known[string(hash)], nil
}

func (m *memory) KeepDelivery(_ context.Context, d vault.Delivery) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[string(d.Hash)] = true
	return nil
}

func (*memory) Audit(context.Context, vault.Event) error { return nil }

// A provider waits for three seconds, and no attempt of its would ever get beyond the accounts that are told in those.
func TestAnEventIsToldToAllItsAccountsHoweverManyThereAre(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		h := &slowly{fakeHints: &fakeHints{
			secrets: map[string]credential.Secret{"slack": credential.NewSecret(eventSecret)}, accounts: map[credential.AccountID]credential.Subject{},
		}}
		for i := range 60 {
			account := credential.AccountID{Organization: "acme", User: fmt.Sprintf("user-%d", i), Connector: "slack"}
			h.accounts[account] = credential.Subject(fmt.Sprintf("T1/U%d", i))
		}
		server, _ := liveServer(t)
		server.Hints, server.Vault = h, &memory{known: map[string]bool{}}
		handler := server.Handler()
		send := func() int {
			s := slackCallback("Ev1", `{"type":"app_uninstalled"}`)
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:8780"+s.path, strings.NewReader(s.body))
			request.Header = s.headers()
			recorder, begun := httptest.NewRecorder(), time.Now()
			handler.ServeHTTP(recorder, request)
			assert.Less(t, time.Since(begun), 3*time.Second)
			return recorder.Code
		}
		assert.Equal(t, http.StatusServiceUnavailable, send())
		assert.Equal(t, http.StatusServiceUnavailable, send(), "it comes again, and waits for the same")
		pass(time.Minute)
		assert.Len(t, h.told, 60, "nobody asked for it again")
		assert.Equal(t, http.StatusOK, send())
		assert.EqualValues(t, 1, h.begun.Load())
		assert.Len(t, h.told, 60)
	})
}

func TestNoEventsWithoutSomebodyToTell(t *testing.T) {
	f, _ := newEvents(t)
	f.server.Hints = nil
	status, _ := f.send(slackCallback("Ev1", botRevoked))
	assert.Equal(t, http.StatusNotFound, status)
}
