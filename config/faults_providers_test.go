package config

import "testing"

func TestFaultsOfProviders(t *testing.T) {
	testFaults(t, []fault{
		{"own provider unknown key", "triages:\n", "providers:\n  - id: acme-slack\n    tokn: 1\ntriages:\n", []string{
			`tokenkeeper.yaml:22:5: providers[0].tokn: unknown key, did you mean "token"?; fix: write token`,
		}},
		{"own provider without id", "triages:\n", "providers:\n  - name: Acme\ntriages:\n", []string{
			`tokenkeeper.yaml:21:5: providers[0].client_authentication: is missing; fix: write client_secret_basic, client_secret_post or none, it is never guessed`,
			`tokenkeeper.yaml:21:5: providers[0].endpoints.authorize: is missing; fix: write the URL from the provider's documentation`,
			`tokenkeeper.yaml:21:5: providers[0].endpoints.identity: is missing; fix: write the URL from the provider's documentation`,
			`tokenkeeper.yaml:21:5: providers[0].endpoints.token: is missing; fix: write the URL from the provider's documentation`,
			`tokenkeeper.yaml:21:5: providers[0].id: want 1 to 64 of a-z, 0-9, '.', '_', '-', starting with a letter or digit; fix: correct this value`,
			`tokenkeeper.yaml:21:5: providers[0].identity.subject: names no field; fix: write a template such as "{id}", it tells one grant from another`,
		}},
		{"own provider incomplete", "triages:\n", "providers:\n  - id: acme-slack\ntriages:\n", []string{
			`tokenkeeper.yaml:21:5: providers[0].client_authentication: is missing; fix: write client_secret_basic, client_secret_post or none, it is never guessed`,
			`tokenkeeper.yaml:21:5: providers[0].endpoints.authorize: is missing; fix: write the URL from the provider's documentation`,
			`tokenkeeper.yaml:21:5: providers[0].endpoints.identity: is missing; fix: write the URL from the provider's documentation`,
			`tokenkeeper.yaml:21:5: providers[0].endpoints.token: is missing; fix: write the URL from the provider's documentation`,
			`tokenkeeper.yaml:21:5: providers[0].identity.subject: names no field; fix: write a template such as "{id}", it tells one grant from another`,
			`tokenkeeper.yaml:21:5: providers[0].name: is missing; fix: write the name that people know the provider by`,
		}},
		{"own provider of a known id", "triages:\n", "providers:\n  - id: slack\n    endpoints: {token: \"https://x.example\"}\ntriages:\n", []string{
			`tokenkeeper.yaml:21:5: providers[0].client_authentication: is missing; fix: write client_secret_basic, client_secret_post or none, it is never guessed`,
			`tokenkeeper.yaml:21:5: providers[0].identity.subject: names no field; fix: write a template such as "{id}", it tells one grant from another`,
			`tokenkeeper.yaml:21:5: providers[0].name: is missing; fix: write the name that people know the provider by`,
			`tokenkeeper.yaml:22:5: providers[0].endpoints.authorize: is missing; fix: write the URL from the provider's documentation`,
			`tokenkeeper.yaml:22:5: providers[0].endpoints.identity: is missing; fix: write the URL from the provider's documentation`,
		}},
		{"own provider twice", "triages:\n", "providers:\n  - &own\n    id: own\n    name: Own\n    endpoints: {authorize: \"https://x.example/a\", token: \"https://x.example/t\", identity: \"https://x.example/i\"}\n    client_authentication: none\n    identity: {subject: \"{id}\"}\n  - *own\ntriages:\n", []string{
			`tokenkeeper.yaml:27:5: providers[1]: provider own is declared twice, first in line 21; fix: delete one of them or give it another id`,
		}},
		{"own provider with bad values", "triages:\n", "providers:\n  - id: own\n    authorization: {pkce: 1}\n    token: {lifetime: 3600}\n    api: {dead_token: {statuses: [\"401\"]}}\ntriages:\n", []string{
			`tokenkeeper.yaml:22:27: providers[0].authorization.pkce: want true or false, got a number; fix: write true or false`,
			`tokenkeeper.yaml:23:23: providers[0].token.lifetime: "3600" has no unit; fix: write 3600s, if seconds are meant; units are ms, s, m, h`,
			`tokenkeeper.yaml:24:35: providers[0].api.dead_token.statuses[0]: want a whole number, got text; fix: write digits`,
		}},
		{"own provider broken, in use", "triages:\n", "  mine:\n    provider: own-slack\n    client_id: a\n    client_secret_env: SLACK_CLIENT_SECRET\nproviders:\n  - id: own-slack\n    nam: b\ntriages:\n", []string{
			`tokenkeeper.yaml:26:5: providers[0].nam: unknown key, did you mean "name"?; fix: write name`,
		}},
	})
}
