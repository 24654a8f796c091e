package oauth

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"tokenkeeper/credential"
)

// The operations of a [Client], as [Error.Operation] names them.
const (
	opExchange = "exchange"
	opRefresh  = "refresh"
	opRevoke   = "revoke"
	opIdentify = "identify"
	opMint     = "mint"
)

// Error is every failure of a [Client]. It is safe to log, to show and to keep in a Workflow's history: no field holds
// anything that was sent, nor free text of the provider.
type Error struct {
	Kind      credential.FailureKind
	Provider  string // id of the provider
	Operation string // exchange, refresh, mint, revoke or identify
	// Code is the provider's error code; empty where it sent none, or something that does not look like one.
	Code string
	// Status is the HTTP status; 0 where no answer arrived.
	Status int
	// RetryAfter is how long the provider asks to wait; 0 where it does not say.
	RetryAfter time.Duration
	// Sent: the request may have reached the provider.
	Sent bool

	reason string // ours, never the provider's
	cause  error  // context.Canceled, context.DeadlineExceeded or nil: net/http's own errors hold URLs
}

// KindOf returns the kind of the [Error] in err's chain, or "" when there is none.
func KindOf(err error) credential.FailureKind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}

// Error names provider, operation and kind, and ends with what a person has to do, if anything.
func (e *Error) Error() string {
	var details []string
	if e.Code != "" {
		details = append(details, "code "+e.Code)
	}
	if e.Status != 0 {
		details = append(details, fmt.Sprintf("HTTP %d", e.Status))
	}
	if e.RetryAfter > 0 {
		details = append(details, "retry after "+e.RetryAfter.String())
	}
	text := fmt.Sprintf("%s: %s: %s", e.Provider, e.Operation, strings.ReplaceAll(string(e.Kind), "_", " "))
	if len(details) > 0 {
		text += " (" + strings.Join(details, ", ") + ")"
	}
	return text + ": " + e.explanation()
}

// Unwrap returns the context's error where the caller or the deadline ended the call.
func (e *Error) Unwrap() error { return e.cause }

func (e *Error) explanation() string {
	if e.reason != "" {
		return e.reason
	}
	switch e.Kind {
	case credential.DeadGrant:
		return "the provider no longer accepts this grant; reauthorize the account"
	case credential.DeadClient:
		return "the provider refuses the app itself; check client id and client secret of the connector"
	case credential.Throttled:
		return "the provider asks to wait"
	case credential.Transient:
		return "the provider did not handle the request"
	case credential.Ambiguous:
		return "the request was sent and its outcome is unknown"
	case credential.Malformed:
		return "the answer is not one of an OAuth server; check the endpoints of the connector"
	case credential.Misconfigured:
		return "the provider refuses such a request; check app settings, scopes and endpoints of the connector"
	}
	return "failed"
}

// codeShape is what an error code looks like. Everything else is prose, which can hold anything.
var codeShape = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// shownCode returns a code that no table knows, or "" where it does not look like one or repeats something secret that was
// sent.
func shownCode(code string, sent []credential.Secret) string {
	if !codeShape.MatchString(code) {
		return ""
	}
	for _, secret := range sent {
		if overlaps(code, secret.Reveal()) {
			return ""
		}
	}
	return code
}

// overlaps reports whether code repeats the secret or eight characters of it in a row. Codes are made of words, so that
// is no coincidence.
func overlaps(code, secret string) bool {
	const telling = 8
	if secret == "" {
		return false
	}
	if strings.Contains(code, secret) {
		return true
	}
	for i := 0; i+telling <= len(secret); i++ {
		if strings.Contains(code, secret[i:i+telling]) {
			return true
		}
	}
	return false
}
