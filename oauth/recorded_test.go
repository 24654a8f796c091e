package oauth_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/provider"
)

// recording is one answer of a token endpoint, as a provider's documents or users report it.
type recording struct {
	Title     string            `json:"title"`
	Source    string            `json:"source"`
	Provider  string            `json:"provider"`
	Errors    json.RawMessage   `json:"errors"` // in place of the provider's own, for dialects outside the catalogue
	Operation string            `json:"operation"`
	Status    int               `json:"status"`
	Headers   map[string]string `json:"headers"`
	Body      json.RawMessage   `json:"body"` // a string is the raw body, anything else is sent as JSON
	Want      struct {
		Kind       credential.FailureKind `json:"kind"`
		Code       string                 `json:"code"`
		RetryAfter string                 `json:"retry_after"`
		Tokens     *recordedTokens        `json:"tokens"`
	} `json:"want"`
}

type recordedTokens struct {
	Access           string   `json:"access"`
	Refresh          string   `json:"refresh"` // "presented" is the token of the request
	Type             string   `json:"type"`
	Scopes           []string `json:"scopes"`
	ExpiresIn        string   `json:"expires_in"`
	RefreshExpiresIn string   `json:"refresh_expires_in"`
}

func recordings(t *testing.T) map[string]recording {
	t.Helper()
	files, err := filepath.Glob("../testdata/token_responses/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	all := make(map[string]recording, len(files))
	for _, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		var r recording
		decoder := json.NewDecoder(strings.NewReader(string(data)))
		decoder.DisallowUnknownFields()
		require.NoError(t, decoder.Decode(&r), file)
		all[strings.TrimSuffix(filepath.Base(file), ".json")] = r
	}
	return all
}

// dialects are the ways in which a refresh is known to fail, each with an answer that shows it. Those without an answer, a
// request that was not sent and one that was and is not answered, are in send_test.go.
var dialects = map[string][]string{
	"server fault":                       {"any_500_empty", "any_502_html", "any_503_html", "any_503_without_retry_after", "any_504_html", "slack_5xx_html", "any_invalid_grant_with_500"},
	"rate limit":                         {"any_429_without_code", "any_slow_down", "any_rate_limit_exceeded", "slack_ratelimited"},
	"server busy":                        {"any_temporarily_unavailable", "any_server_error", "google_internal_failure"},
	"code in prose (Twitch)":             {"any_twitch_invalid_refresh_token"},
	"success without a token":            {"any_200_empty", "any_200_no_token", "any_200_html"},
	"dead grant":                         {"google_invalid_grant", "zendesk_invalid_grant"},
	"reuse that revokes the family":      {"any_reused_refresh_token"},
	"old access token dies of a refresh": {"zendesk_refresh", "github_app_refresh"},
	"dead grant at Slack":                {"slack_invalid_refresh_token"},
	"dead grant at GitHub, in HTTP 200":  {"github_bad_refresh_token"},
	"dead grant at HubSpot":              {"hubspot_bad_refresh_token", "hubspot_invalid_grant"},
	"dead grant at Zoho":                 {"zoho_invalid_code"},
	"account gone":                       {"slack_token_revoked", "slack_account_inactive", "salesforce_inactive_user", "salesforce_inactive_org"},
	"access_denied":                      {"any_access_denied", "slack_access_denied", "atlassian_access_denied"},
	"dead grant with 403 (Atlassian)":    {"atlassian_invalid_grant_with_403"},
	"unauthorized_client of a grant":     {"atlassian_unauthorized_client"},
	"refused app":                        {"google_invalid_client", "zendesk_invalid_client", "slack_bad_client_secret", "slack_invalid_client_id", "github_incorrect_client_credentials"},
	"removed app":                        {"google_deleted_client", "google_disabled_client"},
	"unauthorized_client":                {"github_unauthorized_client"},
	"malformed request":                  {"google_unsupported_grant_type", "any_invalid_request", "any_x_invalid_request"},
	"invalid_scope":                      {"any_invalid_scope"},
	"person has to act":                  {"any_interaction_required", "any_consent_required", "any_login_required"},
	"invalid_resource":                   {"microsoft_invalid_resource"},
	"policy of the customer":             {"google_admin_policy_enforced", "google_org_internal", "slack_ekm_access_denied"},
	"too many refresh tokens":            {"google_invalid_grant_rate_limit"},
	"numbers in a description":           {"microsoft_number_in_text"},
}

func TestEveryDialectIsRecorded(t *testing.T) {
	recorded := recordings(t)
	for dialect, names := range dialects {
		for _, name := range names {
			assert.Contains(t, recorded, name, dialect)
		}
	}
}

func TestRecordedAnswers(t *testing.T) {
	for name, r := range recordings(t) {
		t.Run(name, func(t *testing.T) {
			s := serve(t, r.answer)
			tokens, err := r.call(t, s.URL)
			request := s.only(t)
			assert.Equal(t, http.MethodPost, request.method)
			assert.Equal(t, "/token", request.path)
			if r.Want.Tokens != nil {
				require.NoError(t, err)
				r.Want.Tokens.assert(t, tokens)
				return
			}
			assert.Zero(t, tokens)
			r.assertFailure(t, err)
		})
	}
}

func (r recording) raw() string {
	var text string
	if json.Unmarshal(r.Body, &text) == nil {
		return text
	}
	return string(r.Body)
}

func (r recording) answer(w http.ResponseWriter, _ *http.Request) {
	for name, value := range r.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(r.Status)
	_, _ = io.WriteString(w, r.raw())
}

func (r recording) call(t *testing.T, base string) (credential.Tokens, error) {
	t.Helper()
	p := catalogued(t, r.Provider, base)
	if r.Errors != nil {
		p.Errors = provider.Errors{}
		require.NoError(t, yaml.UnmarshalWithOptions(r.Errors, &p.Errors, yaml.Strict()))
		require.NoError(t, p.Validate())
	}
	c := clientOf(p, oauth.Options{})
	if r.Operation == "exchange" {
		return c.Exchange(t.Context(), codeText, credential.NewSecret(verifierText))
	}
	require.Equal(t, "refresh", r.Operation)
	return c.Refresh(t.Context(), presented())
}

func (r recording) assertFailure(t *testing.T, err error) {
	t.Helper()
	unseen := []string{"jane@example.com", "<html", "error_description", "AADSTS"}
	e := failure(t, err, unseen...)
	assert.Equal(t, r.Want.Kind, e.Kind)
	assert.Equal(t, r.Want.Kind, oauth.KindOf(err))
	assert.Equal(t, r.Want.Code, e.Code)
	assert.Equal(t, r.Status, e.Status)
	assert.Equal(t, r.Provider, e.Provider)
	assert.Equal(t, r.Operation, e.Operation)
	assert.True(t, e.Sent)
	assert.Equal(t, duration(t, r.Want.RetryAfter), e.RetryAfter)
}

func (want recordedTokens) assert(t *testing.T, got credential.Tokens) {
	t.Helper()
	if want.Refresh == "presented" {
		want.Refresh = refreshText
	}
	assert.Equal(t, want.Access, got.Access.Reveal())
	assert.Equal(t, want.Refresh, got.Refresh.Reveal(), "refresh token")
	assert.Equal(t, want.Type, got.Type)
	assert.Equal(t, want.Scopes, got.Scopes)
	assert.Equal(t, noon, got.IssuedAt)
	assert.Equal(t, end(t, want.ExpiresIn), got.ExpiresAt, "end of the access token")
	assert.Equal(t, end(t, want.RefreshExpiresIn), got.RefreshExpiresAt, "end of the refresh token")
}

func end(t *testing.T, lifetime string) time.Time {
	t.Helper()
	if lifetime == "" {
		return time.Time{}
	}
	return noon.Add(duration(t, lifetime))
}

func duration(t *testing.T, text string) time.Duration {
	t.Helper()
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	require.NoError(t, err)
	return d
}
