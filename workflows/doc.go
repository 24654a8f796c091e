// Package workflows holds the decisions over time: who owns a credential, when it is refreshed, when work waits, and when
// it goes on.
//
//	      refresh{g}, validate, reauthorized, reject, disconnect   await
//	activities, people ───────────────────────────▶ ConnectedAccount ◀──────────┐
//	                                                       │ account_active     │
//	                                                       ▼                    │
//	Slack ◀─poll── Triage ──child for each message──▶ Report ──waits for an account that needs a person
//	               pause, resume                        └──▶ GitHub issue, thread reply, reaction
//	Slack, GitHub ◀─watch── Triage ──look, when something happened──▶ Thread ──▶ comments; news and questions in the thread
//
// [ConnectedAccount] is an entity: one for each account, for years. It is a single actor. Handlers note what is asked and
// wait; one loop does what is due, one thing at a time, so no two refreshes of one grant can overlap, and each kind of
// trouble is a state of it:
//
//	pending ──authorization──▶ active ──failed attempt──▶ degraded ──good attempt──▶ active
//	                             ▲                           │ dead grant, and the access token is over too
//	                             └──────authorization────────┤
//	                                                         ▼
//	                                              reauthorization_required
//	any ──refused app──▶ client_misconfigured ──good attempt──▶ active          any ──disconnect──▶ disconnected (ends)
//
// While the access token is good, trouble is a warning (degraded); a caller that reports the token of the generation at
// hand dead, or the clock, ends that. An account whose app acts for itself goes from pending to active with its first
// token, and needs no authorization.
//
// An authorization of another subject, or with fewer scopes than the account has, changes none of that. Its tokens are in
// quarantine in the vault until somebody accepts or rejects them, another authorization comes, or their time is over. Where the
// one of another subject is accepted, the grant before stays in the vault until it is revoked, beside everything else.
//
// What one account meets that the others of its connector would meet too, a refused app or a Retry-After, it tells its
// [Connector], of which there is one for each OAuth app. While an app is refused its accounts wait, one of them tries once in
// a minute, and people hear of it once; when it is taken the connector tells them to go on. An account does not depend on its
// connector: without one it backs off by itself.
//
// People hear of trouble by a [Notice], which tries each target for days. Those of the accounts of one connector pass a [Digest],
// which tells the first few at once and the others together: thousands of grants may die at once, and nobody reads thousands of
// letters.
//
// Two things are done ahead of trouble. A token is looked at from time to time, because one that never expires can be
// revoked; what is found dead takes the way of a caller's report. And where a grant will end that nothing but a person's
// consent can replace, people hear of it 14, 7, 3 and 1 days before, while the account stays active.
//
// The code here is deterministic and replayed: no clock, no network, no vault. It sees Activities by typed nil pointers,
// and everything secret by account and generation only.
package workflows
