// Package activities holds the side effects that Workflows ask for: what touches a vault, an authorization server, Slack
// or GitHub.
//
// An Activity can run twice, whatever Temporal's options say: its worker can die after the effect and before the report.
// So each one here is written to be asked again. [Account.RefreshToken] leaves a mark in the vault before it presents a
// refresh token and reads it first; [GitHub.CreateIssue] looks for its own marker in the list of issues before it tries
// a second time; [Slack.Reply] looks for its own metadata in the thread.
//
// Inputs and results enter Temporal's history in clear. They name accounts and generations; no token fits into them
// ([tokenkeeper/credential.Secret] refuses to be encoded).
//
// # The refresh protocol
//
// A refresh token can be good once, and no authorization server says afterwards whether it was spent. One Workflow owns
// the account and has at most one attempt under way; what an attempt leaves behind is in the vault, in this order:
//
//	Workflow            Activity RefreshToken(g)                    vault                       authorization server
//	timer, or
//	Update refresh{g}
//	  │ ──────────────▶ 1 read the record ─────────────────────── is it newer than g? ─▶ that is the answer
//	  │                 2 write ahead ─────────────────────────── "g presented at t, n times", if it was n-1 in step 1
//	  │                 3 POST ────────────────────────────────────────────────────────────────▶ spent, g+1 issued
//	  │                 4 the answer ◀──────────────────────────────────────────────────────────────┘
//	  │                 5 compare and swap ────────────────────── g → g+1, the mark goes with it
//	  │ ◀────────────── 6 facts of g+1, no token
//	  │                 5' the vault does not take it: 6' the pair, sealed with the vault's key, into history
//	  │ ──────────────▶ StoreTokens(g, sealed), until the vault is back
//
// Where the process, or its machine, can die, and what the next attempt makes of what it finds:
//
//	dies            left behind                      the next attempt
//	before 2        record g                         begins as if nothing had been
//	held up there   record g                         goes ahead, and step 2 refuses the one that wakes up after it
//	2 to 3          the mark; nothing was sent       cannot know that: the provider's facts decide
//	3 to 5          the mark; the token is spent     the same, and after a refusal that was not noted too
//	5 to 6          record g+1                       finds it in step 1 and sends nothing
//	after 6'        the pair in history              stores it; a second time changes nothing
//	Temporal away   what the Activity got to         the same rows: an Activity that lost its server runs on to step 5
//
// The provider's facts ([tokenkeeper/provider.Provider.RetryAfterAmbiguous]) say whether a marked token is presented again.
// Where that harms nothing it is, with the backoff of any outage, until an answer says what became of it: if no request
// arrived this saves the grant, and if one did, the answer is the invalid_grant that was due anyway. Where a second
// presentation revokes the grant (RFC 9700 §4.14.2) it is never made: the account says reauthorization_required, with code
// [CodeOutcomeUnknown]. No protocol could do better there.
//
// An answer which says that nothing was consumed (the app refused, a limit, a server that did not handle it) takes the
// mark back. Where the vault does not take that, or does not say in step 2 whether it has the mark, the next attempt is told
// which marks mean nothing ([Marks]): each presentation counts one more and has a name, so that with another number or name there
// was one that nobody answers for. A refusal of the grant is checked against the vault first: it may be late, and somebody's new
// consent there already. Where the vault is away just then, the next attempt gets the refusal and checks it, and presents nothing.
// Both ends carry their generation, so neither a late success nor a late refusal touches a newer pair.
//
// [Account.Disconnect] takes the same steps where the provider revokes a grant by a living access token only, and the one at
// hand has ended. It leaves a token alone whose marks mean something: whoever goes needs no token, and what may live on is said.
//
// Before step 2 an attempt asks [Pauses] whether the requests of its connector are paused, because another account met a
// refused app or a Retry-After, and before step 3 it looks again at what its process has met: then it sends nothing
// ([CodePaused]). How many attempts get that far in a second, and at once, is up to the task queue of the connector.
//
// Each deadline ends before the next one: the request's timeout (at most 30 s), then talkMargin to store the answer, then
// the Activity's StartToCloseTimeout. Steps 1 and 2 end while there is so much time left, or nothing is sent. An attempt that
// finds marks beyond those of the one that last reported its end does not ask which attempt it is itself, the first again after
// somebody reset the Activity: it waits for as long as their requests may be under way ([CodeInFlight]). Once step 3 began,
// cancelling the Activity stops nothing.
package activities
