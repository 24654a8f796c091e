package oauth

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
)

// Identity says whose a token is.
type Identity struct {
	Subject credential.Subject
	// Display is for people; the subject where the provider gives nothing better.
	Display string
	// Scopes of the token; nil where the provider does not say.
	Scopes []string
}

// Identify asks the provider whose access token this is. It consumes nothing and may be repeated, so no failure is
// ambiguous. A dead grant means here that the access token is dead; whether the grant is too, only a refresh can tell.
// The subject is empty where the provider's entry names no field for it.
func (c *Client) Identify(ctx context.Context, access credential.Secret) (Identity, error) {
	if access.IsZero() {
		return Identity{}, c.misuse(opIdentify, "there is no access token; reauthorize the account")
	}
	method := cmp.Or(c.provider.Identity.Method, http.MethodGet)
	request, failure := c.call(ctx, opIdentify, method, c.provider.Endpoints.Identity, access)
	if failure != nil {
		return Identity{}, failure
	}
	r, failure := c.send(ctx, opIdentify, request)
	if failure != nil {
		return Identity{}, failure.repeatable()
	}
	identity, failure := c.identity(r, access)
	if failure != nil {
		return Identity{}, failure.repeatable()
	}
	return identity, nil
}

// call builds a request that carries a bearer token.
func (c *Client) call(ctx context.Context, op, method, endpoint string, token credential.Secret) (*http.Request, *Error) {
	request, err := http.NewRequestWithContext(ctx, method, endpoint, http.NoBody)
	if err != nil {
		return nil, c.misuse(op, "the endpoint is no URL; check the endpoints of the connector")
	}
	request.Header.Set("Authorization", "Bearer "+token.Reveal())
	return request, nil
}

func (c *Client) identity(r reply, access credential.Secret) (Identity, *Error) {
	a := parseAnswer(r.header, r.body)
	if !r.succeeded() || (c.provider.Errors.Style == provider.ErrorOKFalse && a.isFalse("ok")) {
		return Identity{}, c.unidentified(r, a.code(c.provider.Errors.Fields()), access)
	}
	if c.provider.Identity.Subject == "" { // it only matters that the provider accepts the token
		return Identity{Scopes: c.headerScopes(r.header)}, nil
	}
	subject, ok := c.provider.Identity.ExpandSubject(a.text)
	if !ok || !printable(subject) {
		return Identity{}, &Error{
			Kind: credential.Malformed, Provider: c.provider.ID, Operation: opIdentify, Status: r.status, Sent: true,
			reason: "the answer does not name the subject; check the identity endpoint of the connector",
		}
	}
	display, ok := c.provider.Identity.ExpandDisplay(a.text)
	if !ok || !printable(display) {
		display = subject
	}
	return Identity{Subject: credential.Subject(subject), Display: display, Scopes: c.headerScopes(r.header)}, nil
}

// unidentified classifies a refusal. Its code is only used where errors are in Slack's style: Google answers
// invalid_request for a token it no longer knows, and GitHub has no codes.
func (c *Client) unidentified(r reply, code string, access credential.Secret) *Error {
	failure := c.failure(opIdentify, r, code, access)
	if c.provider.API.DeadToken.Matches(r.status, code) {
		failure.Kind = credential.DeadGrant
		failure.reason = "the provider no longer accepts this access token"
		return failure
	}
	if c.provider.Errors.Style == provider.ErrorOKFalse && code != "" {
		return failure
	}
	failure.Kind = c.statusKind(r, failure)
	return failure
}

// statusKind classifies an HTTP status of the provider's API. GitHub sends both of its rate limits as 403 or as 429.
func (c *Client) statusKind(r reply, failure *Error) credential.FailureKind {
	exhausted := r.header.Get("X-RateLimit-Remaining") == "0"
	if exhausted && failure.RetryAfter == 0 {
		failure.RetryAfter = untilReset(r.header, c.now())
	}
	switch {
	case r.status == http.StatusTooManyRequests,
		r.status == http.StatusForbidden && (exhausted || failure.RetryAfter > 0):
		return credential.Throttled
	case r.status >= 500:
		return credential.Transient
	case r.status >= 300:
		return credential.Misconfigured // a wrong URL, a missing scope, a policy: the grant lives
	}
	return credential.Malformed
}

// untilReset reads GitHub's X-RateLimit-Reset, in seconds since 1970.
func untilReset(header http.Header, now time.Time) time.Duration {
	reset, err := strconv.ParseInt(header.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil {
		return 0
	}
	return min(max(time.Unix(reset, 0).Sub(now), 0), maxWait)
}

// headerScopes returns nil where there is no such header, and an empty list where it is empty: the token has no scopes.
func (c *Client) headerScopes(header http.Header) []string {
	name := c.provider.Identity.ScopesHeader
	if name == "" || len(header.Values(name)) == 0 {
		return nil
	}
	separators := func(r rune) bool { return r == ',' || unicode.IsSpace(r) }
	return append([]string{}, strings.FieldsFunc(strings.Join(header.Values(name), ","), separators)...)
}

// printable reports whether a provider's text can stand in a log line, a page and a search attribute.
func printable(s string) bool {
	return len(s) <= 255 && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
