// Package connector makes API calls with the credential of one connected account.
//
// [Transport] is an [net/http.RoundTripper]: any client library that takes an *http.Client works through it unmodified,
// never sees a token, and never handles its death. A token is fetched for each request and injected into it; nothing
// holds it afterwards. Only hosts that the provider or the connector names ever receive one.
//
//	request ──▶ token of generation g from the cache ──▶ send ──▶ answer says the token is dead?
//	                                                                │ no ──▶ caller
//	                                                                ▼ yes
//	                                     the vault again: newer than g? ── yes ──▶ replay ── dead as well ─┐
//	                                                                │ no                                  │
//	                                                                ▼ ◀───────────────────────────────────┘
//	                              one flight per process and generation ──▶ owner: "generation g died"
//	                                                                │
//	                                     the vault again: newer than g? ── yes ──▶ replay once
//	                                                                │ no
//	                                                                ▼
//	                                                  *UnavailableError: what the account is, and why
//
// The hard idea is the generation. N requests that fail with generation g are one piece of news, not N: whoever comes
// first has it refreshed, all others find generation g+1. And some providers end the old access token the moment they
// issue a new one (GitHub Apps, GitLab, Zendesk), so a dead token often means that somebody refreshed a moment ago:
// looking into the vault comes before asking for anything.
//
// A token that was found in the vault may be dead too: a grant that was revoked takes every generation along. So it is
// reported like the first. A token that the owner got for this very request is not: that it is refused goes to the caller
// as it is, because no fresher one would cure it, and a loop of refreshes would only burn the grant.
package connector
