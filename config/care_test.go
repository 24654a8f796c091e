package config

import "testing"

// The connector says it first, then its provider, then everybody's default.
func TestHowTheTokenEndpointIsTreated(t *testing.T) {
	for name, c := range map[string]struct {
		old, text   string
		rate        float64
		concurrency int
	}{
		"by the connector": {"    timeout: 10s\n", "    token_rate: 0.5\n    token_concurrency: 2\n", 0.5, 2},
		"by default":       {"    timeout: 10s\n", "    token_rate:\n", 20, 16},
		"by the provider":  {"provider: slack", "provider: my-slack", 3.5, 4},
	} {
		text := edit(t, good, c.old, c.text)
		if name == "by the provider" {
			text += `providers:
  - id: my-slack
    name: My Slack
    endpoints: {authorize: https://slack.example.com/a, token: https://slack.example.com/t, identity: https://slack.example.com/i, api: https://slack.example.com/}
    client_authentication: client_secret_post
    identity: {subject: "{id}"}
    token: {rate: 3.5, concurrency: 4}
`
		}
		if got := mustLoad(t, text).Connectors["slack"]; got.TokenRate != c.rate || got.TokenConcurrency != c.concurrency {
			t.Errorf("%s: rate %v, concurrency %d", name, got.TokenRate, got.TokenConcurrency)
		}
	}
}
