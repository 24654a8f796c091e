package config

import "testing"

// Temporal and gateway.
func TestFaultsOfTheHouse(t *testing.T) {
	testFaults(t, []fault{
		{"task queue", "task_queue: tokenkeeper", "task_queue: token keeper", []string{
			`tokenkeeper.yaml:2:15: temporal.task_queue: "token keeper" is no name of a task queue; fix: write a name of letters, digits and . _ / -, or delete the line`,
		}},
		{"task queue empty", "task_queue: tokenkeeper", "task_queue: \"\"", []string{
			`tokenkeeper.yaml:2:15: temporal.task_queue: this is empty; fix: write a name of letters, digits and . _ / -, or delete the line`,
		}},
		{"temporal address", "task_queue: tokenkeeper", "address: localhost:7233", []string{
			`tokenkeeper.yaml:2:3: temporal.address: Temporal's own settings are not in this file; fix: delete it and set TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY or a profile: the temporal command reads the same`,
		}},
		{"web UI", "task_queue: tokenkeeper", "ui_url: 127.0.0.1:8233", []string{
			`tokenkeeper.yaml:2:11: temporal.ui_url: this is no address of a web page; fix: write what a browser opens, for example https://cloud.temporal.io, or "" for none`,
		}},
		{"listen no port", "listen: 127.0.0.1:8780", "listen: 127.0.0.1", []string{
			`tokenkeeper.yaml:7:11: gateway.listen: "127.0.0.1" is not host:port; fix: write host:port, for example 127.0.0.1:8780`,
		}},
		{"listen bad port", "listen: 127.0.0.1:8780", "listen: 127.0.0.1:99999", []string{
			`tokenkeeper.yaml:7:11: gateway.listen: "99999" is no port from 1 to 65535; fix: write a fixed one: the redirect URL registered at the providers holds it`,
		}},
		{"listen port 0", "listen: 127.0.0.1:8780", "listen: 127.0.0.1:0", []string{
			`tokenkeeper.yaml:7:11: gateway.listen: "0" is no port from 1 to 65535; fix: write a fixed one: the redirect URL registered at the providers holds it`,
		}},
		{"listen empty", "listen: 127.0.0.1:8780", "listen: \"\"", []string{
			`tokenkeeper.yaml:7:11: gateway.listen: this is empty; fix: write host:port, for example 127.0.0.1:8780`,
		}},
		{"listen as port", "listen: 127.0.0.1:8780", "port: 8780", []string{
			`tokenkeeper.yaml:7:3: gateway.port: unknown key, host and port are one value here; fix: write listen: 127.0.0.1:8780`,
		}},
		{"unknown key in gateway", "listen: 127.0.0.1:8780", "colour: blue", []string{
			`tokenkeeper.yaml:7:3: gateway.colour: unknown key; fix: delete it; known here are listen, public_url, tls, trusted_proxies, admin_token_env, admin_token_file, viewer_token_env, viewer_token_file, oidc`,
		}},
		{"redirect url in gateway", "listen: 127.0.0.1:8780", "redirect_url: http://localhost", []string{
			`tokenkeeper.yaml:7:3: gateway.redirect_url: unknown key, the redirect URL follows from public_url; fix: delete it, and register public_url + /oauth/callback/ + the connector's name`,
		}},
		{"links forever", "  listen: 127.0.0.1:8780\n", "  listen: 127.0.0.1:8780\nlinks: {lifetime: 48h}\n#", []string{
			`tokenkeeper.yaml:8:19: links.lifetime: 48h0m0s is outside 1m0s to 24h0m0s; fix: write for example 30m`,
		}},
		{"links for no time", "  listen: 127.0.0.1:8780\n", "  listen: 127.0.0.1:8780\nlinks: {lifetime: 0s}\n#", []string{
			`tokenkeeper.yaml:8:19: links.lifetime: 0s is outside 1m0s to 24h0m0s; fix: write for example 30m`,
		}},
		{"links with a code by word", "  listen: 127.0.0.1:8780\n", "  listen: 127.0.0.1:8780\nlinks: {require_code: sometimes}\n#", []string{
			`tokenkeeper.yaml:8:23: links.require_code: want true or false, got text; fix: write true or false`,
		}},
		{"links that sign in nowhere", "  listen: 127.0.0.1:8780\n", "  listen: 127.0.0.1:8780\n  admin_token_env: TOKENKEEPER_ADMIN_TOKEN\nlinks: {require_sign_in: true}\n#", []string{
			`tokenkeeper.yaml:9:26: links.require_sign_in: there is nowhere to sign in: a token does not say who somebody is; fix: write oidc: under gateway, or delete this line`,
		}},
		{"public URL relative", "public_url: http://127.0.0.1:8780", "public_url: keeper.example.com", []string{
			`tokenkeeper.yaml:8:15: gateway.public_url: this is no absolute URL with http or https; fix: write what a browser opens, for example https://tokenkeeper.example.com`,
		}},
		{"public URL scheme", "public_url: http://127.0.0.1:8780", "public_url: ftp://keeper.example.com", []string{
			`tokenkeeper.yaml:8:15: gateway.public_url: this is no absolute URL with http or https; fix: write what a browser opens, for example https://tokenkeeper.example.com`,
		}},
		{"public URL http", "public_url: http://127.0.0.1:8780", "public_url: http://keeper.example.com", []string{
			`tokenkeeper.yaml:8:15: gateway.public_url: http would send codes and secrets in clear to "keeper.example.com"; fix: write https; http is for 127.0.0.1, [::1] and localhost`,
		}},
		{"public URL fragment", "public_url: http://127.0.0.1:8780", "public_url: https://keeper.example.com/#a", []string{
			`tokenkeeper.yaml:8:15: gateway.public_url: the URL has a fragment; fix: delete everything from the '#'`,
		}},
		{"public URL query", "public_url: http://127.0.0.1:8780", "public_url: https://keeper.example.com/?a=b", []string{
			`tokenkeeper.yaml:8:15: gateway.public_url: the address of the gateway has no query; fix: delete everything from the '?'`,
		}},
		{"public URL password", "public_url: http://127.0.0.1:8780", "public_url: https://u:p@keeper.example.com/", []string{
			`tokenkeeper.yaml:8:15: gateway.public_url: a URL in this file holds no user name or password; fix: delete everything up to the '@'`,
		}},
		{"public URL is the redirect URL", "public_url: http://127.0.0.1:8780", "public_url: https://keeper.example.com/oauth/callback", []string{
			`tokenkeeper.yaml:8:15: gateway.public_url: this is a redirect URL, the address of the gateway is the part before; fix: write https://keeper.example.com`,
		}},
		{"public URL is the redirect URL of a connector", "public_url: http://127.0.0.1:8780", "public_url: https://keeper.example.com/oauth/callback/slack", []string{
			`tokenkeeper.yaml:8:15: gateway.public_url: this is a redirect URL, the address of the gateway is the part before; fix: write https://keeper.example.com`,
		}},
	})
}
