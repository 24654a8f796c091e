package openid

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"

	"tokenkeeper/credential"
	"tokenkeeper/oauth"
)

// Kind is who has to act after a failure.
type Kind string

// The kinds of failures.
const (
	Away          Kind = "away"          // the provider does not answer: try again later
	Declined      Kind = "declined"      // the provider signed nobody in: the person did not go on, or may not
	Stale         Kind = "stale"         // the code was used or is too old: begin again
	Refused       Kind = "refused"       // the answer is not believed
	Misconfigured Kind = "misconfigured" // the provider refuses our client: an operator has to correct it
)

// Error is every failure of a [Provider]. It holds no token, code or secret.
type Error struct {
	Kind Kind
	// Code is the provider's word for the failure; empty where there is none or where it does not look like a code.
	Code string

	reason string
}

func (e *Error) Error() string {
	text := "signing in: " + string(e.Kind)
	if e.Code != "" {
		text += " (code " + e.Code + ")"
	}
	return text + ": " + e.reason
}

func refused(format string, values ...any) *Error {
	return &Error{Kind: Refused, reason: fmt.Sprintf(format, values...)}
}

// codeShape is what an error code looks like. Everything else is prose of somebody else.
var codeShape = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// declined is an error that the provider had the browser carry back (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
func declined(code string) *Error {
	if !codeShape.MatchString(code) {
		code = ""
	}
	e := &Error{Kind: Declined, Code: code, reason: "the provider signed nobody in"}
	switch code {
	case "server_error", "temporarily_unavailable":
		e.Kind, e.reason = Away, "the provider has trouble of its own"
	case "invalid_request", "invalid_scope", "unauthorized_client", "unsupported_response_type":
		e.Kind, e.reason = Misconfigured, "the provider does not accept the request"
	}
	return e
}

// undiscovered is a discovery that brought nothing usable.
func undiscovered(err error) *Error {
	if mismatch, ok := errors.AsType[*oidc.IssuerMismatchError](err); ok {
		return &Error{Kind: Misconfigured, reason: fmt.Sprintf("the provider calls itself %q, and not %q", brief(mismatch.Discovered), mismatch.Provided)}
	}
	return &Error{Kind: Away, reason: "asking for its endpoints: " + brief(err.Error())}
}

// unexchanged is a code that brought no tokens. The oauth package's own words speak of accounts and connectors.
func unexchanged(err error) *Error {
	failure, ok := errors.AsType[*oauth.Error](err)
	if !ok {
		return &Error{Kind: Away, reason: "exchanging the code: " + brief(err.Error())}
	}
	e := &Error{Code: failure.Code, reason: "exchanging the code: " + strings.ReplaceAll(string(failure.Kind), "_", " ")}
	if failure.Status != 0 {
		e.reason += fmt.Sprintf(" (HTTP %d)", failure.Status)
	}
	switch failure.Kind {
	case credential.DeadGrant:
		e.Kind = Stale
	case credential.DeadClient, credential.Misconfigured:
		e.Kind = Misconfigured
	case credential.Malformed:
		e.Kind = Refused
	case credential.Throttled, credential.Transient, credential.Ambiguous:
		e.Kind = Away
	default:
		e.Kind = Away
	}
	return e
}

// brief keeps what a server wrote from filling a log.
func brief(text string) string {
	const most = 300
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
