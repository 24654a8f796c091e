package sandbox_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
)

func TestSlackCodeFlowWithPKCE(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	verifier, err := slack.GenerateCodeVerifier()
	require.NoError(t, err)
	code := w.consent(sandbox.Slack, "", map[string]string{
		"code_challenge": slack.GenerateCodeChallenge(verifier), "code_challenge_method": "S256",
	})
	app := w.App(sandbox.Slack)
	answer, err := slack.GetOAuthV2ResponseContext(t.Context(), w.http, app.ClientID, app.ClientSecret, code, callback,
		slack.OAuthOptionAPIURL(w.url+"/slack/api/"), slack.OAuthOptionCodeVerifier(verifier))
	require.NoError(t, err)
	assert.Regexp(t, `^xoxe\.xoxb-1-[A-Z0-9]{40,}$`, answer.AccessToken)
	assert.Regexp(t, `^xoxe-1-[A-Z0-9]{40,}$`, answer.RefreshToken)
	assert.Equal(t, 43200, answer.ExpiresIn)
	assert.Equal(t, "bot", answer.TokenType)
	assert.Equal(t, "T0SANDBOX", answer.Team.ID)
	assert.Equal(t, "channels:history,channels:read,chat:write,reactions:read,reactions:write,users:read", answer.Scope)

	refreshed, err := slack.RefreshOAuthV2TokenContext(t.Context(), w.http, app.ClientID, app.ClientSecret, answer.RefreshToken,
		slack.OAuthOptionAPIURL(w.url+"/slack/api/"))
	require.NoError(t, err)
	assert.NotEqual(t, answer.AccessToken, refreshed.AccessToken)
	assert.NotEqual(t, answer.RefreshToken, refreshed.RefreshToken)
	assert.Equal(t, []string{answer.AccessToken, answer.RefreshToken, refreshed.AccessToken, refreshed.RefreshToken}, w.IssuedTokens())
}

func TestGitHubCodeFlow(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	answer := w.connect(sandbox.GitHub)
	assert.Regexp(t, `^ghu_[A-Z0-9]{40,}$`, answer.Access)
	assert.Regexp(t, `^ghr_[A-Z0-9]{40,}$`, answer.Refresh)
	assert.Equal(t, 28800, answer.ExpiresIn)
	assert.Equal(t, 15811200, answer.RefreshExpiresIn)
	assert.Equal(t, "bearer", answer.Type)
	assert.Empty(t, answer.Scope)
}

func TestGitHubAnswersAFormUnlessJSONIsAskedFor(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	app := w.App(sandbox.GitHub)
	form := url.Values{
		"client_id": {app.ClientID}, "client_secret": {app.ClientSecret}, "code": {w.consent(sandbox.GitHub, "", nil)},
	}
	response, err := w.http.PostForm(w.url+w.tokenPath(sandbox.GitHub), form)
	require.NoError(t, err)
	defer response.Body.Close()
	assert.Equal(t, "application/x-www-form-urlencoded; charset=utf-8", response.Header.Get("Content-Type"))
	body := make([]byte, 4096)
	n, _ := response.Body.Read(body)
	parsed, err := url.ParseQuery(string(body[:n]))
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(parsed.Get("access_token"), "ghu_"))
	assert.Equal(t, "28800", parsed.Get("expires_in"))
}

func TestConsentPageNamesAppWorkspaceAndScopes(t *testing.T) {
	w := newWorld(t, sandbox.Options{TeamName: "Initech & Sons"})
	_, page := w.get(strings.TrimPrefix(w.authorizeURL(sandbox.Slack, nil), w.url))
	for _, want := range []string{"Triage Agent", "Initech &amp; Sons", "channels:history", "chat:write", ">Allow<", ">Deny<"} {
		assert.Contains(t, string(page), want)
	}
}

func TestDenyingSendsTheBrowserBackWithAccessDenied(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	for app, issuer := range map[sandbox.App]string{sandbox.Slack: "", sandbox.GitHub: "&iss=" + url.QueryEscape(w.url+"/github/login/oauth")} {
		redirect, err := sandbox.Decide(t.Context(), nil, w.authorizeURL(app, nil), "", sandbox.Deny)
		require.NoError(t, err)
		assert.Equal(t, callback+"?error=access_denied"+issuer+"&state=st4te", redirect)
	}
}

func TestConsentIsAnsweredOnce(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	_, page := w.get(strings.TrimPrefix(w.authorizeURL(sandbox.Slack, nil), w.url))
	_, after, found := strings.Cut(string(page), `name="request" value="`)
	require.True(t, found)
	request, _, _ := strings.Cut(after, `"`)
	form := url.Values{"request": {request}, "decision": {"deny"}}

	w.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	status, _ := w.post(w.authorizePath(sandbox.Slack), form)
	assert.Equal(t, http.StatusFound, status)
	status, _ = w.post(w.authorizePath(sandbox.Slack), form)
	assert.Equal(t, http.StatusBadRequest, status)
}

func TestAuthorizationRequestsThatShowAnErrorPage(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	for name, changes := range map[string]map[string]string{
		"unknown client":      {"client_id": "9.9"},
		"no redirect URI":     {"redirect_uri": ""},
		"foreign redirect":    {"redirect_uri": "https://evil.example/callback"},
		"not even http":       {"redirect_uri": "javascript://127.0.0.1/%0aalert(1)"},
		"no scopes":           {"scope": ""},
		"plain PKCE":          {"code_challenge": "x", "code_challenge_method": "plain"},
		"PKCE without method": {"code_challenge": "x"},
	} {
		t.Run(name, func(t *testing.T) {
			status, page := w.get(strings.TrimPrefix(w.authorizeURL(sandbox.Slack, changes), w.url))
			assert.Equal(t, http.StatusBadRequest, status)
			assert.Contains(t, string(page), "That did not work")
		})
	}
	for _, host := range []string{"http://localhost:1/x", "http://[::1]:1/x", "https://127.8.0.1/x"} {
		status, _ := w.get(strings.TrimPrefix(w.authorizeURL(sandbox.Slack, map[string]string{"redirect_uri": host}), w.url))
		assert.Equal(t, http.StatusOK, status, host)
	}
}

func TestExchangeErrors(t *testing.T) {
	sum := sha256.Sum256([]byte("the verifier"))
	pkce := map[string]string{
		"code_challenge": base64.RawURLEncoding.EncodeToString(sum[:]), "code_challenge_method": "S256",
	}
	for _, test := range []struct {
		name          string
		pkce          map[string]string
		form          url.Values
		wait          time.Duration
		slack, gitHub string
	}{
		{name: "good", form: url.Values{"redirect_uri": {callback}}},
		{name: "good with PKCE", pkce: pkce, form: url.Values{"redirect_uri": {callback}, "code_verifier": {"the verifier"}}},
		{
			name: "unknown code", form: url.Values{"code": {"guessed"}, "redirect_uri": {callback}},
			slack: "invalid_code", gitHub: "bad_verification_code",
		},
		{
			name: "code too old", form: url.Values{"redirect_uri": {callback}}, wait: 10 * time.Minute,
			slack: "invalid_code", gitHub: "bad_verification_code",
		},
		{
			name: "other redirect URI", form: url.Values{"redirect_uri": {callback + "2"}},
			slack: "bad_redirect_uri", gitHub: "redirect_uri_mismatch",
		},
		{name: "redirect URI left out", form: url.Values{}, slack: "bad_redirect_uri"},
		{
			name: "wrong verifier", pkce: pkce, form: url.Values{"redirect_uri": {callback}, "code_verifier": {"another"}},
			slack: "invalid_code_verifier", gitHub: "bad_verification_code",
		},
		{
			name: "no verifier", pkce: pkce, form: url.Values{"redirect_uri": {callback}},
			slack: "invalid_code_verifier", gitHub: "bad_verification_code",
		},
		{
			name: "unknown grant type", form: url.Values{"grant_type": {"password"}},
			slack: "invalid_grant_type", gitHub: "unsupported_grant_type",
		},
	} {
		for app, want := range map[sandbox.App]string{sandbox.Slack: test.slack, sandbox.GitHub: test.gitHub} {
			t.Run(test.name+" "+string(app), func(t *testing.T) {
				w := newWorld(t, sandbox.Options{})
				form := url.Values{"code": {w.consent(app, "", test.pkce)}}
				maps.Copy(form, test.form)
				w.clock.advance(test.wait)
				assert.Equal(t, want, w.token(app, form).Error)
			})
		}
	}
}

func TestCodesAreSingleUse(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	form := url.Values{"code": {w.consent(sandbox.Slack, "", nil)}, "redirect_uri": {callback}}
	assert.True(t, w.token(sandbox.Slack, form).OK)
	assert.Equal(t, "invalid_code", w.token(sandbox.Slack, form).Error)
}

func TestClientAuthentication(t *testing.T) {
	for _, test := range []struct {
		name     string
		accepted sandbox.ClientAuthentication
		basic    bool
		id       string
		secret   string
		slack    string
		gitHub   string
	}{
		{name: "body"},
		{name: "Basic", basic: true},
		{name: "body where Basic is wanted", accepted: sandbox.ClientSecretBasic, slack: "bad_client_secret", gitHub: "incorrect_client_credentials"},
		{name: "Basic where the body is wanted", accepted: sandbox.ClientSecretPost, basic: true, slack: "bad_client_secret", gitHub: "incorrect_client_credentials"},
		{name: "wrong id", id: "7.7", slack: "invalid_client_id", gitHub: "incorrect_client_credentials"},
		{name: "wrong secret", secret: "old", slack: "bad_client_secret", gitHub: "incorrect_client_credentials"},
		{name: "wrong secret in Basic", basic: true, secret: "old", slack: "bad_client_secret", gitHub: "incorrect_client_credentials"},
	} {
		for app, want := range map[sandbox.App]string{sandbox.Slack: test.slack, sandbox.GitHub: test.gitHub} {
			t.Run(test.name+" "+string(app), func(t *testing.T) {
				o := sandbox.AppOptions{ClientAuthentication: test.accepted}
				w := newWorld(t, sandbox.Options{Slack: o, GitHub: o})
				registered := w.App(app)
				id, secret := orElse(test.id, registered.ClientID), orElse(test.secret, registered.ClientSecret)
				form := url.Values{"code": {w.consent(app, "", nil)}, "redirect_uri": {callback}}
				if !test.basic {
					form.Set("client_id", id)
					form.Set("client_secret", secret)
				}
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+w.tokenPath(app), strings.NewReader(form.Encode()))
				require.NoError(t, err)
				request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				request.Header.Set("Accept", "application/json")
				if test.basic {
					request.SetBasicAuth(url.QueryEscape(id), url.QueryEscape(secret))
				}
				_, body := w.do(request)
				var answer tokens
				require.NoError(t, json.Unmarshal(body, &answer))
				assert.Equal(t, want, answer.Error)
				assert.Equal(t, want == "", answer.Access != "")
			})
		}
	}
}

func orElse(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

func TestAChangedClientSecretRefusesTheClientAndTouchesNoGrant(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	old := w.App(sandbox.Slack)
	connected := w.connect(sandbox.Slack)
	w.SetClientSecret(sandbox.Slack, "new secret")

	_, err := slack.RefreshOAuthV2TokenContext(t.Context(), w.http, old.ClientID, old.ClientSecret, connected.Refresh,
		slack.OAuthOptionAPIURL(w.url+"/slack/api/"))
	require.ErrorContains(t, err, "bad_client_secret")
	assert.True(t, w.refresh(sandbox.Slack, connected.Refresh).OK)
	assert.Zero(t, w.Books().RefreshTokensPresentedTwice)
}

func TestConsentingAsSomebodyElse(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	stranger := w.token(sandbox.Slack, url.Values{
		"code": {w.consent(sandbox.Slack, sandbox.OtherTeam, nil)}, "redirect_uri": {callback},
	})
	assert.Equal(t, sandbox.OtherTeam, stranger.Team.ID)
	tested, err := w.slack(stranger.Access).AuthTestContext(t.Context())
	require.NoError(t, err)
	assert.Equal(t, sandbox.OtherTeam, tested.TeamID)
	_, err = w.slack(stranger.Access).GetConversationHistoryContext(t.Context(), &slack.GetConversationHistoryParameters{ChannelID: bugs})
	require.EqualError(t, err, "channel_not_found")

	other := w.token(sandbox.GitHub, url.Values{"code": {w.consent(sandbox.GitHub, sandbox.OtherLogin, nil)}})
	user, _, err := w.gitHub(other.Access).Users.Get(t.Context(), "")
	require.NoError(t, err)
	mine, _, err := w.connectedGitHub().Users.Get(t.Context(), "")
	require.NoError(t, err)
	assert.Equal(t, sandbox.OtherLogin, user.GetLogin())
	assert.Equal(t, "triage-agent", mine.GetLogin())
	assert.NotEqual(t, user.GetID(), mine.GetID())
}

// As the real ones do (RFC 9207).
func TestGitHubNamesItself(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	for app, want := range map[sandbox.App][]string{sandbox.GitHub: {w.url + "/github/login/oauth"}, sandbox.Slack: nil} {
		redirect, err := sandbox.Decide(t.Context(), nil, w.authorizeURL(app, nil), "", sandbox.Allow)
		require.NoError(t, err)
		answered, err := url.Parse(redirect)
		require.NoError(t, err)
		assert.Equal(t, want, answered.Query()["iss"])
	}
}
