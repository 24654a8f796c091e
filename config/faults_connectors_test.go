package config

import "testing"

func TestFaultsOfConnectors(t *testing.T) {
	testFaults(t, []fault{
		{"connector no mapping", "  github:\n    provider: github-app\n    client_id: Iv1.abc\n    client_secret_env: GITHUB_CLIENT_SECRET\n", "  github: github-app\n", []string{
			`tokenkeeper.yaml:16:11: connectors.github: want keys with values, got text; fix: write key: value, a line for each`,
		}},
		{"connectors misspelt", "connectors:\n", "conectors:\n", []string{
			`tokenkeeper.yaml:9:1: conectors: unknown key, did you mean "connectors"?; fix: write connectors`,
		}},
		{"connector name", "  github:\n    provider", "  GitHub:\n    provider", []string{
			`tokenkeeper.yaml:16:3: connectors.GitHub: "GitHub" cannot be a connector's name: it is part of account ids; fix: use 1 to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit`,
			`tokenkeeper.yaml:23:13: triages.acme/bug-reports.github: account acme/triage/github: there is no connector "github", did you mean "GitHub"?; fix: use one of the connectors, or add it; connectors are: GitHub, slack`,
		}},
		{"provider unknown", "provider: github-app", "provider: github-ap", []string{
			`tokenkeeper.yaml:17:15: connectors.github.provider: unknown provider "github-ap", did you mean "github-app"?; fix: write one of: airtable, atlassian, github-app, github-installation, github-oauth-app, google, google-service-account, hubspot, microsoft, salesforce, slack, zendesk, zoho; or declare your own under providers:`,
		}},
		{"provider far", "provider: github-app", "provider: pipedrive", []string{
			`tokenkeeper.yaml:17:15: connectors.github.provider: unknown provider "pipedrive"; fix: write one of: airtable, atlassian, github-app, github-installation, github-oauth-app, google, google-service-account, hubspot, microsoft, salesforce, slack, zendesk, zoho; or declare your own under providers:`,
		}},
		{"provider missing", "    provider: github-app\n", "", []string{
			`tokenkeeper.yaml:16:3: connectors.github.provider: this is missing; fix: write one of: airtable, atlassian, github-app, github-installation, github-oauth-app, google, google-service-account, hubspot, microsoft, salesforce, slack, zendesk, zoho`,
		}},
		{"provider empty", "provider: github-app", "provider:", []string{
			`tokenkeeper.yaml:17:5: connectors.github.provider: this is empty; fix: write one of: airtable, atlassian, github-app, github-installation, github-oauth-app, google, google-service-account, hubspot, microsoft, salesforce, slack, zendesk, zoho`,
		}},
		{"client id missing", "    client_id: Iv1.abc\n", "", []string{
			`tokenkeeper.yaml:16:3: connectors.github.client_id: this is missing; fix: write client_id (it is no secret) or client_id_env; it is on the app's page at the provider`,
		}},
		{"client id empty", "client_id: Iv1.abc", "client_id: \"\"", []string{
			`tokenkeeper.yaml:18:16: connectors.github.client_id: this is empty; fix: write client_id (it is no secret) or client_id_env; it is on the app's page at the provider`,
		}},
		{"client id twice", "client_id: Iv1.abc", "client_id: Iv1.abc\n    client_id_env: SLACK_CLIENT_ID", []string{
			`tokenkeeper.yaml:19:20: connectors.github.client_id_env: client_id is there too, and one of them would be ignored; fix: delete one of the two`,
		}},
		{"client id not set", "client_id: Iv1.abc", "client_id_env: NO_SUCH", []string{
			`tokenkeeper.yaml:18:20: connectors.github.client_id_env: environment variable NO_SUCH is not set; fix: export NO_SUCH='…' before the start`,
		}},
		{"an app twice", "triages:\n", "  tracker:\n    provider: github-app\n    client_id: Iv1.abc\n    client_secret_env: GITHUB_CLIENT_SECRET\ntriages:\n", []string{
			`tokenkeeper.yaml:22:16: connectors.tracker.client_id: connectors github and tracker have the same app, and each consent to it would have two owners; ` +
				`fix: delete one of the two and connect its accounts through the other, as in organization/user/github, or register a second app`,
		}},
		{"secret missing", "    client_secret_env: GITHUB_CLIENT_SECRET\n", "", []string{
			`tokenkeeper.yaml:16:3: connectors.github.client_secret_env: the client secret is missing; fix: write client_secret_env: GITHUB_CLIENT_SECRET or client_secret_file: PATH; the secret is on the app's page at the provider`,
		}},
		{"secret twice", "client_secret_env: GITHUB_CLIENT_SECRET", "client_secret_env: GITHUB_CLIENT_SECRET\n    client_secret_file: x", []string{
			`tokenkeeper.yaml:20:25: connectors.github.client_secret_file: client_secret_env is there too, and one of them would be ignored; fix: delete one of the two`,
		}},
		{"secret not set", "client_secret_env: GITHUB_CLIENT_SECRET", "client_secret_env: NO_SUCH", []string{
			`tokenkeeper.yaml:19:24: connectors.github.client_secret_env: environment variable NO_SUCH is not set; fix: export NO_SUCH='…' before the start`,
		}},
		{"secret empty", "client_secret_env: GITHUB_CLIENT_SECRET", "client_secret_env: EMPTY", []string{
			`tokenkeeper.yaml:19:24: connectors.github.client_secret_env: environment variable EMPTY is empty; fix: export EMPTY='…' before the start`,
		}},
		{"secret pasted for its name", "client_secret_env: GITHUB_CLIENT_SECRET", "client_secret_env: 8f14e45fceea167a5a36dedd4bea2543", []string{
			`tokenkeeper.yaml:19:24: connectors.github.client_secret_env: this names no environment variable that is set (it is not shown here, in case it is the secret); fix: write the name of the variable, in capitals, and never the secret`,
		}},
		{"secret inline", "client_secret_env: GITHUB_CLIENT_SECRET", "client_secret: 8f14e45fceea167a5a36dedd4bea2543", []string{
			`tokenkeeper.yaml:19:5: connectors.github.client_secret: a secret must never stand in this file; fix: put it into an environment variable and write client_secret_env: NAME, or into a file of mode 600 and write client_secret_file: PATH; if this file was shared, make a new secret at the provider`,
		}},
		{"secret key misspelt", "client_secret_env: GITHUB_CLIENT_SECRET", "client_secret_evn: GITHUB_CLIENT_SECRET", []string{
			`tokenkeeper.yaml:19:5: connectors.github.client_secret_evn: unknown key, did you mean "client_secret_env"?; fix: write client_secret_env`,
		}},
		{"token inline", "    timeout: 10s\n", "    bot_token: xoxb-1\n", []string{
			`tokenkeeper.yaml:15:5: connectors.slack.bot_token: a token must never stand in this file; fix: delete it; tokens come from tokenkeeper account connect and live in the vault`,
		}},
		{"redirect url in connector", "    timeout: 10s\n", "    redirect_uri: http://localhost\n", []string{
			`tokenkeeper.yaml:15:5: connectors.slack.redirect_uri: unknown key, the redirect URL follows from gateway.public_url; fix: delete it`,
		}},
		{"negative limit", "    client_id: Iv1.abc\n", "    client_id: Iv1.abc\n    creates_per_hour: -1\n", []string{
			`tokenkeeper.yaml:19:23: connectors.github.creates_per_hour: -1 is negative; fix: write for example 500, or 0 for any number where the server has no such limit`,
		}},
		{"limit of what is not created", "    timeout: 10s\n", "    creates_per_hour: 80\n", []string{
			`tokenkeeper.yaml:15:23: connectors.slack.creates_per_hour: tokenkeeper creates nothing at provider slack; fix: delete it; it is for connectors of GitHub`,
		}},
		{"limit of reads too wide", "    timeout: 10s\n", "    history_rate: 51\n", []string{
			`tokenkeeper.yaml:15:19: connectors.slack.history_rate: 51 is outside 0 to 50; fix: write 1 for an app outside Slack's Marketplace, or 0 to have the limit found out`,
		}},
		{"limit of what is not read", "    client_id: Iv1.abc\n", "    client_id: Iv1.abc\n    history_rate: 1\n", []string{
			`tokenkeeper.yaml:19:19: connectors.github.history_rate: tokenkeeper reads no channels at provider github-app; fix: delete it; it is for connectors of Slack`,
		}},
		{"timeout zero", "timeout: 10s", "timeout: 0s", []string{
			`tokenkeeper.yaml:15:14: connectors.slack.timeout: 0s is outside 100ms to 30s; fix: write for example 10s`,
		}},
		{"timeout long", "timeout: 10s", "timeout: 5m", []string{
			`tokenkeeper.yaml:15:14: connectors.slack.timeout: 5m0s is outside 100ms to 30s; fix: write for example 10s`,
		}},
		{"rate zero", "timeout: 10s", "token_rate: 0", []string{
			`tokenkeeper.yaml:15:17: connectors.slack.token_rate: 0 is outside 0.01 to 1000 requests per second; fix: write for example 5, or delete the line to have the provider's 20`,
		}},
		{"rate with a unit", "timeout: 10s", "token_rate: 10/s", []string{
			`tokenkeeper.yaml:15:17: connectors.slack.token_rate: want a number, got text; fix: write digits, such as 5 or 0.5`,
		}},
		{"rate negative", "timeout: 10s", "token_rate: -2", []string{
			`tokenkeeper.yaml:15:17: connectors.slack.token_rate: want a number, got a number; fix: write digits, such as 5 or 0.5`,
		}},
		{"concurrency zero", "timeout: 10s", "token_concurrency: 0", []string{
			`tokenkeeper.yaml:15:24: connectors.slack.token_concurrency: 0 is outside 1 to 1000 requests at once; fix: write for example 8, or delete the line to have the provider's 16`,
		}},
		{"concurrency in parts", "timeout: 10s", "token_concurrency: 1.5", []string{
			`tokenkeeper.yaml:15:24: connectors.slack.token_concurrency: want a whole number, got a number; fix: write digits`,
		}},
		{"rate misspelt", "timeout: 10s", "token_rat: 5", []string{
			`tokenkeeper.yaml:15:5: connectors.slack.token_rat: unknown key, did you mean "token_rate"?; fix: write token_rate`,
		}},
		{"scope empty", "chat:write]", "\"\"]", []string{
			`tokenkeeper.yaml:14:32: connectors.slack.scopes[1]: this scope is empty; fix: delete it`,
		}},
		{"scopes in one", "[channels:history, chat:write]", "[\"channels:history,chat:write\"]", []string{
			`tokenkeeper.yaml:14:14: connectors.slack.scopes[0]: "channels:history,chat:write" is not one scope; fix: write one scope for each entry of the list`,
		}},
		{"scopes with space", "[channels:history, chat:write]", "[\"channels:history chat:write\"]", []string{
			`tokenkeeper.yaml:14:14: connectors.slack.scopes[0]: "channels:history chat:write" is not one scope; fix: write one scope for each entry of the list`,
		}},
		{"scope twice", "chat:write]", "channels:history]", []string{
			`tokenkeeper.yaml:14:32: connectors.slack.scopes[1]: scope "channels:history" is there already; fix: delete one of them`,
		}},
		{"endpoint relative", "    timeout: 10s\n", "    endpoints: {token: /oauth}\n", []string{
			`tokenkeeper.yaml:15:24: connectors.slack.endpoints.token: this is no absolute URL with http or https; fix: write the whole URL, for example https://github.example.com/login/oauth/authorize`,
		}},
		{"endpoint http", "    timeout: 10s\n", "    endpoints:\n      token: http://slack.example.com/oauth\n", []string{
			`tokenkeeper.yaml:16:14: connectors.slack.endpoints.token: http would send codes and secrets in clear to "slack.example.com"; fix: write https; http is for 127.0.0.1, [::1] and localhost`,
		}},
		{"endpoint key", "    timeout: 10s\n", "    endpoints:\n      tokens: https://slack.example.com/oauth\n", []string{
			`tokenkeeper.yaml:16:7: connectors.slack.endpoints.tokens: unknown key, did you mean "token"?; fix: write token`,
		}},
		{"endpoint number", "    timeout: 10s\n", "    endpoints:\n      token: 1\n", []string{
			`tokenkeeper.yaml:16:14: connectors.slack.endpoints.token: want text, got a number; fix: put it in quotes`,
		}},
		{"endpoint placeholder", "    timeout: 10s\n", "    endpoints: {token: \"https://{host}/oauth\"}\n", []string{
			`tokenkeeper.yaml:10:3: connectors.slack.variables.host: provider slack has {host} in its endpoints, and nothing to fill it with; fix: write variables: {host: …}`,
		}},
		{"endpoints no mapping", "    timeout: 10s\n", "    endpoints: https://slack.example.com\n", []string{
			`tokenkeeper.yaml:15:16: connectors.slack.endpoints: want keys with values, got text; fix: write key: value, a line for each`,
		}},
		{"variable unknown", "    timeout: 10s\n", "    variables: {subdomain: acme}\n", []string{
			`tokenkeeper.yaml:15:28: connectors.slack.variables.subdomain: no endpoint has {subdomain}; fix: delete it; known here are: none`,
		}},
		{"variable missing", "provider: github-app", "provider: zendesk", []string{
			`tokenkeeper.yaml:16:3: connectors.github.variables.subdomain: provider zendesk has {subdomain} in its endpoints, and nothing to fill it with; fix: write variables: {subdomain: …}`,
			`tokenkeeper.yaml:23:13: triages.acme/bug-reports.github: account acme/triage/github: connector github is of provider zendesk, which is not github; fix: use a connector whose provider is github, or an own one with github as a word of its id, such as acme-github`,
		}},
		{"variable misspelt", "provider: github-app", "provider: zendesk\n    variables: {subdomian: acme}", []string{
			`tokenkeeper.yaml:18:28: connectors.github.variables.subdomian: no endpoint has {subdomian}, did you mean "subdomain"?; fix: delete it; known here are: subdomain`,
			`tokenkeeper.yaml:24:13: triages.acme/bug-reports.github: account acme/triage/github: connector github is of provider zendesk, which is not github; fix: use a connector whose provider is github, or an own one with github as a word of its id, such as acme-github`,
		}},
		{"variable to another host", "provider: github-app", "provider: zendesk\n    variables: {subdomain: \"evil.example/#\"}", []string{
			`tokenkeeper.yaml:18:28: connectors.github.variables.subdomain: want letters, digits, '.', '_' and '-' only, as in a host name; fix: correct this value`,
			`tokenkeeper.yaml:24:13: triages.acme/bug-reports.github: account acme/triage/github: connector github is of provider zendesk, which is not github; fix: use a connector whose provider is github, or an own one with github as a word of its id, such as acme-github`,
		}},
	})
}
