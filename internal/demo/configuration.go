package demo

import (
	"fmt"
	"strings"
)

// configuration is a tokenkeeper.yaml that leads to the sandbox. Slack's entry of the catalogue is replaced by a stricter
// one: here a spent refresh token, presented again, ends the whole grant.
func (w *world) configuration() string {
	return strings.NewReplacer(
		"SANDBOX", w.sandboxURL(), "GATEWAY", at(w.ports.Gateway), "SLACK_ID", slackClientID, "GITHUB_ID", githubClientID, "TRIAGE", triageName,
		"SLACK_ACCOUNT", slackAccount.String(), "GITHUB_ACCOUNT", githubAccount.String(),
		"CHANNELS", w.routes(),
	).Replace(template)
}

const template = `vault: {path: vault.db, keyset: vault.key}
gateway: {listen: "GATEWAY"}
providers:
  - id: slack-strict
    name: Slack
    endpoints:
      authorize: SANDBOX/slack/oauth/v2/authorize
      token: SANDBOX/slack/api/oauth.v2.access
      revoke: SANDBOX/slack/api/auth.revoke
      identity: SANDBOX/slack/api/auth.test
      api: SANDBOX/slack/api/
    client_authentication: client_secret_basic
    authorization: {scope_separator: ","}
    token: {rotation: single_use, reuse_revokes_grant: true}
    errors:
      style: ok_false
      dead_grant: [invalid_refresh_token, token_revoked, account_inactive, invalid_code]
      dead_client: [bad_client_secret, invalid_client_id]
      throttled: [ratelimited, rate_limited]
      transient: [service_unavailable, request_timeout]
      ambiguous: [internal_error, fatal_error]
    identity: {method: POST, subject: "{team_id}/{user_id}", display: "{user} in {team}"}
    revocation: {style: slack}
    api:
      dead_token: {statuses: [401], codes: [token_expired, invalid_auth, token_revoked, account_inactive], unsure: [invalid_auth]}
connectors:
  slack:
    provider: slack-strict
    client_id: "SLACK_ID"
    client_secret_env: SLACK_CLIENT_SECRET
    scopes: [channels:history, channels:read, chat:write, reactions:write, users:read]
    timeout: 3s
  github:
    provider: github-app
    client_id: GITHUB_ID
    client_secret_env: GITHUB_CLIENT_SECRET
    creates_per_hour: 5000 # workers that were just started would create one in twelve seconds, and the story takes two minutes
    endpoints:
      authorize: SANDBOX/github/login/oauth/authorize
      token: SANDBOX/github/login/oauth/access_token
      api: SANDBOX/github/api/v3/
    timeout: 3s
triages:
  TRIAGE:
    slack: SLACK_ACCOUNT
    github: GITHUB_ACCOUNT
    poll_interval: 1s
    routes:
CHANNELS`

// routes gives each of the two channels a line. They feed one repository.
func (w *world) routes() string {
	var lines strings.Builder
	for _, channel := range channels() {
		fmt.Fprintf(&lines, "      - {channel: %s, repository: acme/app, labels: [bug]}\n", channel)
	}
	return lines.String()
}

// channels are those of the sandbox's default workspace that the app is in.
func channels() [2]string { return [2]string{"C0BUGREPORTS", "C0SUPPORT"} }
