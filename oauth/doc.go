// Package oauth is the client of authorization servers: it asks people for consent, exchanges codes, refreshes, mints, revokes and
// identifies, and sorts every failure into one of seven kinds.
//
// The hard part is what a failure means for a refresh token that may be presented once. Three rules keep that decidable:
//
//   - One call is one request. The POST is made by hand on a transport of its own: nothing detects the style of client
//     authentication by trying, follows a redirect, keeps a cookie, or sends again. net/http itself repeats requests whose
//     kept-alive connection died, so no connection is kept.
//   - Every failure says whether the request was sent. Not sent: nothing was consumed. Sent and not answered: [Error.Kind] is
//     ambiguous, and [tokenkeeper/provider.Provider.RetryAfterAmbiguous] decides.
//   - The code in an answer decides its kind, by the provider's table, and the HTTP status only where there is no known code.
//
// Answers are hostile text. Bodies end at 1 MiB, tokens must be what a header can carry, and no error holds a body, a
// description, a URL or anything that was sent.
//
// What a client mints for itself (client credentials, RFC 7523 assertions, GitHub App installations) needs less care: it may
// be asked for again, so nothing about it is ambiguous, and a refusal is the operator's to mend.
//
// golang.org/x/oauth2 builds authorize URLs and PKCE challenges here, and does nothing else.
package oauth
