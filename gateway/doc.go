// Package gateway is where a person's browser meets tokenkeeper: it asks for consent at a provider and brings the tokens
// home.
//
// The hard part is that the callback of an authorization-code flow is a URL that anybody can make a browser open. Two
// things that are only on this side decide whether it is believed: the state, kept as a hash and good once, says which
// account a consent was asked for; a cookie, named after the state, says that this browser asked. Neither the state's
// value, nor the PKCE verifier, nor a token is ever in a page, a log line or a URL of ours.
//
//	GET  /                      for viewers: every account and every triage; strangers are led to /login, or told what this is
//	GET  /login                 offers the ways to sign in; POST takes a token and seals a session into a cookie
//	POST /login/openid          sends the browser to the organization's OpenID provider, which sends it back to
//	GET  /login/callback        where the session of the person begins, if the configuration admits them
//	POST /logout                has the browser forget the session, and every gateway refuse its copies
//	POST /accounts/{account}/…  for operators: connect and reauthorize lead to a new link; refresh and disconnect lead back to
//	                            the status page, which says how it went; disconnect has a page before it that asks, and
//	                            offers to destroy the tokens without a provider that does not answer
//	GET  /c/{link}              the same as the next, for whom the link was made, and a cookie; looking does not use it up
//	POST /c/{link}              binds the link to this browser, then as below; a consent that it brings uses it up. Both have
//	                            the person sign in first where that is required, and bind the link to that person as well
//	GET  /connect/{account}     on loopback without tokens only: names account, provider, scopes and state; has one button
//	       │ button
//	POST /connect/{account}     from our own page only: makes state, verifier and cookie, keeps the login for 10 minutes
//	       │ 303 to the provider, which asks the person
//	GET  /oauth/callback/{connector}
//	       │ takes the login (once), checks browser, connector and issuer, and then
//	       │
//	       ├─ error from the provider ──▶ a page that says what to do
//	       └─ code ─▶ exchange ─▶ seal as pending authorization ─▶ whose is it? ─▶ Update reauthorized
//	                                                                                  │
//	             adopted: "account … is active" ◀─────────────────────────────────────┤
//	             another subject, fewer scopes: says why, tokens in quarantine ◀──────┤
//	             no verdict: the consent is kept for a day; workers hand it over ◀────┘
//	POST /events/{slack,github}/{connector}
//	     │ signed? An event is a hint and changes nothing by itself
//	     ├─ a grant ended, for the first time (the vault remembers) ─▶ its accounts are asked to look at their tokens
//	     └─ somebody wrote in a channel ─▶ its poll is now, and not at the end of the interval
//	GET  /healthz               200 or 503, and which dependency is down
//	GET  /metrics               for viewers: what the status page shows, in numbers for Prometheus
//	GET  /live                  server-sent events for the status page: something changed; it then fetches /live/board
//	GET  /static/…              stylesheet and script
//
// A code is good once and a refresh token may be, so from the callback on the work no longer depends on the browser
// staying: it goes on with the tab closed.
//
// Whoever has a token, or is vouched for by the OpenID provider, is an operator or a viewer; a cookie that every gateway of the
// same vault can open says so. Where neither tokens nor a provider are configured nobody is asked who they are: on loopback
// everybody is an operator, anywhere else a stranger, who sees no account. What people do with buttons and links, and how each
// consent ends, is in the audit log of the vault. Requests whose Host is neither the public one nor a loopback name of this machine
// are refused, or a web site could reach the pages by pointing its own name here.
package gateway
