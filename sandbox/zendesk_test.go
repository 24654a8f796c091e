package sandbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
)

const question = `{"ticket":{"subject":"Export","external_id":"T1/C1/1.2","comment":{"body":"How do I export?"}}}`

// connectedZendesk returns a fresh token.
func (w *world) connectedZendesk() tokens {
	w.t.Helper()
	query := url.Values{"client_id": {w.App(sandbox.Zendesk).ClientID}, "redirect_uri": {callback}, "state": {"st4te"}, "scope": {"read write"}, "response_type": {"code"}}
	redirect, err := sandbox.Decide(w.t.Context(), w.http, w.url+"/zendesk/oauth/authorizations/new?"+query.Encode(), "", sandbox.Allow)
	require.NoError(w.t, err)
	target, err := url.Parse(redirect)
	require.NoError(w.t, err)
	return w.zendeskToken(http.StatusOK, url.Values{
		"grant_type": {"authorization_code"}, "code": {target.Query().Get("code")}, "redirect_uri": {callback},
	})
}

func (w *world) zendeskToken(status int, form url.Values) tokens {
	w.t.Helper()
	form.Set("client_id", w.App(sandbox.Zendesk).ClientID)
	form.Set("client_secret", w.App(sandbox.Zendesk).ClientSecret)
	got, body := w.post("/zendesk/oauth/tokens", form)
	require.Equal(w.t, status, got, string(body))
	var answer tokens
	require.NoError(w.t, json.Unmarshal(body, &answer), string(body))
	return answer
}

func (w *world) openTicket(token, key, body string) (*http.Response, string) {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+"/zendesk/api/v2/tickets.json", strings.NewReader(body))
	require.NoError(w.t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	request.Header.Set("Content-Type", "application/json")
	if key != "" {
		request.Header.Set("Idempotency-Key", key)
	}
	response, answer := w.do(request)
	return response, string(answer)
}

func TestZendeskRotatesItsTokens(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	first := w.connectedZendesk()
	assert.Equal(t, "read write", first.Scope)
	assert.Equal(t, 1800, first.ExpiresIn)
	refresh := func(token string) url.Values {
		return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
	}
	second := w.zendeskToken(http.StatusOK, refresh(first.Refresh))
	status, _ := w.bearer(http.MethodGet, "/zendesk/api/v2/users/me.json", first.Access)
	assert.Equal(t, http.StatusUnauthorized, status, "a refresh ends the access token before")
	status, body := w.bearer(http.MethodGet, "/zendesk/api/v2/users/me.json", second.Access)
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, fmt.Sprint(body), "email:support-agent@acme.example")
	assert.Equal(t, "invalid_grant", w.zendeskToken(http.StatusBadRequest, refresh(first.Refresh)).Error)
	assert.Equal(t, 1, w.Books().RefreshTokensPresentedTwice)
}

func TestZendeskObeysIdempotencyKeys(t *testing.T) {
	w := newWorld(t, sandbox.Options{Zendesk: sandbox.AppOptions{AccessLifetime: 24 * time.Hour}})
	token := w.connectedZendesk().Access
	first, body := w.openTicket(token, "k1", question)
	assert.Equal(t, http.StatusCreated, first.StatusCode)
	assert.Equal(t, "miss", first.Header.Get("X-Idempotency-Lookup"))
	again, same := w.openTicket(token, "k1", question)
	assert.Equal(t, "hit", again.Header.Get("X-Idempotency-Lookup"))
	assert.Equal(t, body, same)
	other, refused := w.openTicket(token, "k1", strings.Replace(question, "Export", "Import", 1))
	assert.Equal(t, http.StatusBadRequest, other.StatusCode)
	assert.Contains(t, refused, "IdempotentRequestError")
	assert.Len(t, w.State().Tickets, 1)

	w.clock.advance(2 * time.Hour)
	late, _ := w.openTicket(token, "k1", question)
	assert.Equal(t, "miss", late.Header.Get("X-Idempotency-Lookup"), "a key is forgotten after two hours")
	w.openTicket(token, "", strings.Replace(question, "T1/C1/1.2", "other", 1))
	_, list := w.bearer(http.MethodGet, "/zendesk/api/v2/tickets.json?external_id=T1%2FC1%2F1.2", token)
	assert.InDelta(t, 2, list["count"], 0)
}

func TestZendeskRefusals(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	token := w.connectedZendesk().Access
	for body, want := range map[string]int{
		`{"ticket":{"subject":"x","comment":{"body":" "}}}`: http.StatusUnprocessableEntity,
		`nonsense`: http.StatusUnprocessableEntity,
	} {
		response, _ := w.openTicket(token, "", body)
		assert.Equal(t, want, response.StatusCode, body)
	}
	response, _ := w.openTicket("wrong", "", question)
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	status, _ := w.get("/zendesk/api/v2/nothing.json")
	assert.Equal(t, http.StatusNotFound, status)
	w.SetClientSecret(sandbox.Zendesk, "another")
	form := url.Values{"grant_type": {"refresh_token"}, "client_id": {w.App(sandbox.Zendesk).ClientID}, "client_secret": {"old"}}
	status, body := w.post("/zendesk/oauth/tokens", form)
	assert.Equal(t, http.StatusUnauthorized, status)
	assert.Contains(t, string(body), "invalid_client")
}
