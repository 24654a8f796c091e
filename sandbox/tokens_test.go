package sandbox_test

import (
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

func (w *world) authTest(token string) string {
	w.t.Helper()
	_, err := w.slack(token).AuthTestContext(w.t.Context())
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestRotation(t *testing.T) {
	const lifetime = time.Hour
	for _, test := range []struct {
		rotation sandbox.Rotation
		// What becomes of the refresh token when it is used again: at once, and after a minute.
		atOnce, later string
		// Whether the tokens of the first refresh still work after that.
		familyLives bool
		twice       int
	}{
		{sandbox.RotationStatic, "", "", true, 0},
		{sandbox.RotationSingleUse, "invalid_refresh_token", "invalid_refresh_token", true, 2},
		{sandbox.RotationRevokeFamily, "invalid_refresh_token", "invalid_refresh_token", false, 2},
		{sandbox.RotationGrace, "", "invalid_refresh_token", true, 1},
		{sandbox.RotationGraceRevokeFamily, "", "invalid_refresh_token", false, 1},
	} {
		t.Run(string(test.rotation), func(t *testing.T) {
			w := newWorld(t, sandbox.Options{Slack: sandbox.AppOptions{
				Rotation: test.rotation, Grace: 30 * time.Second, AccessLifetime: lifetime, ActiveTokens: -1,
			}})
			first := w.connect(sandbox.Slack)
			second := w.refresh(sandbox.Slack, first.Refresh)
			require.True(t, second.OK)
			assert.Equal(t, test.rotation == sandbox.RotationStatic, second.Refresh == "", "a static refresh token is left out")

			w.clock.advance(10 * time.Second)
			assert.Equal(t, test.atOnce, w.refresh(sandbox.Slack, first.Refresh).Error)
			w.clock.advance(time.Minute)
			assert.Equal(t, test.later, w.refresh(sandbox.Slack, first.Refresh).Error)

			assert.Equal(t, test.familyLives, w.authTest(second.Access) == "")
			current := orElse(second.Refresh, first.Refresh)
			assert.Equal(t, test.familyLives, w.refresh(sandbox.Slack, current).OK)
			assert.Equal(t, test.twice, w.Books().RefreshTokensPresentedTwice)
		})
	}
}

func TestReuseRevokesTheWholeFamilyAndNoOther(t *testing.T) {
	w := newWorld(t, sandbox.Options{Slack: sandbox.AppOptions{Rotation: sandbox.RotationRevokeFamily}})
	victim, bystander := w.connect(sandbox.Slack), w.connect(sandbox.Slack)
	next := w.refresh(sandbox.Slack, victim.Refresh)
	w.refresh(sandbox.Slack, victim.Refresh)

	assert.Equal(t, "token_revoked", w.authTest(victim.Access))
	assert.Equal(t, "token_revoked", w.authTest(next.Access))
	assert.Equal(t, "invalid_refresh_token", w.refresh(sandbox.Slack, next.Refresh).Error)
	assert.Empty(t, w.authTest(bystander.Access))
	assert.True(t, w.refresh(sandbox.Slack, bystander.Refresh).OK)

	books := w.Books()
	assert.Equal(t, 1, books.RefreshTokensPresentedTwice, "the last one was revoked, not spent")
	assert.Equal(t, 2, books.RefreshesRefused)
	assert.Equal(t, 2, books.Refreshes)
}

func TestSlackTokensExpireAndGitHubTokensDieWithTheRefresh(t *testing.T) {
	short := sandbox.AppOptions{AccessLifetime: 10 * time.Second}
	w := newWorld(t, sandbox.Options{Slack: short, GitHub: short})

	first := w.connect(sandbox.Slack)
	assert.Equal(t, 10, first.ExpiresIn)
	second := w.refresh(sandbox.Slack, first.Refresh)
	assert.Empty(t, w.authTest(first.Access), "at Slack the old token lives on")
	w.clock.advance(10 * time.Second)
	assert.Equal(t, "token_expired", w.authTest(first.Access))
	assert.Equal(t, "token_expired", w.authTest(second.Access))

	old := w.connect(sandbox.GitHub)
	fresh := w.refresh(sandbox.GitHub, old.Refresh)
	_, response, err := w.gitHub(old.Access).Users.Get(t.Context(), "")
	require.ErrorContains(t, err, "Bad credentials")
	assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
	_, _, err = w.gitHub(fresh.Access).Users.Get(t.Context(), "")
	require.NoError(t, err)
	assert.Equal(t, "bad_refresh_token", w.refresh(sandbox.GitHub, old.Refresh).Error)
}

func TestSlackKeepsTwoActiveTokens(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	first := w.connect(sandbox.Slack)
	second := w.refresh(sandbox.Slack, first.Refresh)
	third := w.refresh(sandbox.Slack, second.Refresh)
	assert.Equal(t, "token_revoked", w.authTest(first.Access))
	assert.Empty(t, w.authTest(second.Access))
	assert.Empty(t, w.authTest(third.Access))
}

func TestAppsWithoutRotation(t *testing.T) {
	o := sandbox.AppOptions{Rotation: sandbox.RotationNone, AccessLifetime: sandbox.NeverExpires}
	w := newWorld(t, sandbox.Options{Slack: o, GitHub: o})
	slackTokens, gitHubTokens := w.connect(sandbox.Slack), w.connect(sandbox.GitHub)
	assert.Regexp(t, `^xoxb-`, slackTokens.Access)
	for _, answer := range []tokens{slackTokens, gitHubTokens} {
		assert.Empty(t, answer.Refresh)
		assert.Zero(t, answer.ExpiresIn)
	}
	w.clock.advance(24 * 365 * time.Hour)
	assert.Empty(t, w.authTest(slackTokens.Access))

	_, err := w.slack(slackTokens.Access).SendAuthRevokeContext(t.Context(), "")
	require.NoError(t, err)
	assert.Equal(t, "token_revoked", w.authTest(slackTokens.Access))
	assert.Zero(t, w.Revoke(sandbox.Slack), "without rotation, revoking the token removed the installation")
}

func TestRefreshTokensExpire(t *testing.T) {
	w := newWorld(t, sandbox.Options{GitHub: sandbox.AppOptions{RefreshLifetime: time.Hour}})
	answer := w.connect(sandbox.GitHub)
	assert.Equal(t, 3600, answer.RefreshExpiresIn)
	w.clock.advance(time.Hour)
	assert.Equal(t, "bad_refresh_token", w.refresh(sandbox.GitHub, answer.Refresh).Error)
	assert.Zero(t, w.Books().RefreshTokensPresentedTwice)
}

func TestAccessTokensDoNotRefreshAndRefreshTokensDoNotCall(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	answer := w.connect(sandbox.Slack)
	assert.Equal(t, "invalid_refresh_token", w.refresh(sandbox.Slack, answer.Access).Error)
	assert.Equal(t, "invalid_refresh_token", w.refresh(sandbox.Slack, "").Error)
	assert.Equal(t, "invalid_auth", w.authTest(answer.Refresh))
	assert.Equal(t, "not_authed", w.authTest(""))
}

func TestRevokeEndsEveryGrantOfTheApp(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	slackTokens, gitHubTokens := w.connect(sandbox.Slack), w.connect(sandbox.GitHub)
	assert.Equal(t, 1, w.Revoke(sandbox.Slack))
	assert.Zero(t, w.Revoke("slack"), "there is nothing left")
	assert.Zero(t, w.Revoke("zendesk"))

	assert.Equal(t, "token_revoked", w.authTest(slackTokens.Access))
	assert.Equal(t, "invalid_refresh_token", w.refresh(sandbox.Slack, slackTokens.Refresh).Error)
	_, _, err := w.gitHub(gitHubTokens.Access).Users.Get(t.Context(), "")
	require.NoError(t, err)

	assert.Empty(t, w.authTest(w.connect(sandbox.Slack).Access))
	assert.Equal(t, 1, w.Books().Reauthorizations)
}

func TestExpireAccessTokensLeavesTheGrant(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	answer := w.connect(sandbox.Slack)
	assert.Equal(t, 1, w.ExpireAccessTokens(sandbox.Slack))
	assert.Equal(t, "token_expired", w.authTest(answer.Access))
	assert.Empty(t, w.authTest(w.refresh(sandbox.Slack, answer.Refresh).Access))
}

func TestSlackRevocation(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	answer := w.connect(sandbox.Slack)
	status, body := w.post("/slack/api/auth.revoke", url.Values{"token": {answer.Access}, "test": {"1"}})
	assert.Equal(t, http.StatusOK, status)
	assert.JSONEq(t, `{"ok":true,"revoked":false}`, string(body))
	assert.Empty(t, w.authTest(answer.Access), "test=1 is a dry run")

	revoked, err := w.slack(answer.Access).SendAuthRevokeContext(t.Context(), "")
	require.NoError(t, err)
	assert.True(t, revoked.Revoked)
	assert.Equal(t, "token_revoked", w.authTest(answer.Access))
	assert.True(t, w.refresh(sandbox.Slack, answer.Refresh).OK, "with rotation, one token is revoked and the installation stays")

	for token, want := range map[string]string{"": "not_authed", "xoxb-guess": "invalid_auth", answer.Access: "token_revoked"} {
		_, body := w.post("/slack/api/auth.revoke", url.Values{"token": {token}})
		assert.JSONEq(t, `{"ok":false,"error":"`+want+`"}`, string(body))
	}
}

func TestSlackRevocationOfARefreshToken(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	answer := w.connect(sandbox.Slack)
	_, body := w.post("/slack/api/auth.revoke", url.Values{"token": {answer.Refresh}})
	assert.JSONEq(t, `{"ok":true,"revoked":true}`, string(body))
	assert.Equal(t, "invalid_refresh_token", w.refresh(sandbox.Slack, answer.Refresh).Error)
	assert.Empty(t, w.authTest(answer.Access))
}

func TestGitHubRevocation(t *testing.T) {
	for name, grant := range map[string]bool{"token": false, "grant": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			answer := w.connect(sandbox.GitHub)
			app := w.App(sandbox.GitHub)
			revoke := func(secret, token string) int { return w.gitHubRevoke(name, app.ClientID, secret, token) }

			assert.Equal(t, http.StatusUnauthorized, revoke("wrong", answer.Access))
			assert.Equal(t, http.StatusUnprocessableEntity, revoke(app.ClientSecret, ""))
			assert.Equal(t, http.StatusNotFound, revoke(app.ClientSecret, "ghu_unknown"))
			assert.Equal(t, http.StatusNoContent, revoke(app.ClientSecret, answer.Access))
			assert.Equal(t, http.StatusNotFound, revoke(app.ClientSecret, answer.Access))
			_, _, err := w.gitHub(answer.Access).Users.Get(t.Context(), "")
			require.ErrorContains(t, err, "401 Bad credentials")
			assert.Equal(t, grant, w.refresh(sandbox.GitHub, answer.Refresh).Error == "bad_refresh_token")
		})
	}
}

func (w *world) gitHubRevoke(what, clientID, secret, token string) int {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodDelete,
		w.url+"/github/api/v3/applications/"+clientID+"/"+what, strings.NewReader(`{"access_token":"`+token+`"}`))
	require.NoError(w.t, err)
	request.SetBasicAuth(clientID, secret)
	response, _ := w.do(request)
	return response.StatusCode
}

func TestOldSlackClientsSendTheTokenAsAParameter(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	token := w.connect(sandbox.Slack).Access
	_, body := w.post("/slack/api/auth.test", url.Values{"token": {token}})
	assert.Contains(t, string(body), `"ok":true`)
	tested, err := w.slack(token).AuthTestContext(t.Context())
	require.NoError(t, err)
	assert.Equal(t, slack.AuthTestResponse{
		URL: w.url + "/", Team: "Acme", User: "triage_agent", TeamID: "T0SANDBOX", UserID: "U0TRIAGEBOT", BotID: "B0TRIAGEBOT",
		Header: tested.Header,
	}, *tested)
	assert.Contains(t, tested.Header.Get("X-Oauth-Scopes"), "channels:history,channels:read,chat:write")
}
