package provider

import (
	"iter"
	"net/http"
	"slices"

	"tokenkeeper/credential"
)

// ErrorStyle is where a provider puts its errors.
type ErrorStyle string

// The styles of errors. The empty word means [ErrorRFC6749].
const (
	// ErrorRFC6749: JSON with "error" (§5.2), whatever the HTTP status.
	ErrorRFC6749 ErrorStyle = "rfc6749"
	// ErrorOKFalse: "ok": false beside "error", inside HTTP 200.
	ErrorOKFalse ErrorStyle = "ok_false"
)

// Errors is the token endpoint's dialect of failure. The codes that RFC 6749 §5.2 defines are known without being
// listed; a list decides first.
type Errors struct {
	Style ErrorStyle `yaml:"style,omitempty"`
	// CodeFields are fields of an answer that may hold the code, looked at in this order before "error". HubSpot has its
	// code in "status", Twitch in "message".
	CodeFields []string `yaml:"code_fields,omitempty"`

	DeadGrant     []string `yaml:"dead_grant,omitempty"`
	DeadClient    []string `yaml:"dead_client,omitempty"`
	Throttled     []string `yaml:"throttled,omitempty"`
	Transient     []string `yaml:"transient,omitempty"`
	Ambiguous     []string `yaml:"ambiguous,omitempty"`
	Malformed     []string `yaml:"malformed,omitempty"`
	Misconfigured []string `yaml:"misconfigured,omitempty"`
}

// Fields returns the fields of an answer that may hold the code, in order.
func (e Errors) Fields() []string {
	return append(slices.Clone(e.CodeFields), "error")
}

// Kind returns what an answer of the token endpoint without tokens means, and reports whether its code decided it.
// The code comes first because the status lies: GitHub and Slack refuse with 200, Atlassian sends invalid_grant with 403,
// Cybersource with 500. Pass an empty code where the answer has none.
func (e Errors) Kind(code string, status int) (credential.FailureKind, bool) {
	if code != "" {
		for kind, codes := range e.lists() {
			if slices.Contains(codes, code) {
				return kind, true
			}
		}
		if kind, ok := standardKind(code); ok {
			return kind, true
		}
	}
	return statusKind(status, code != ""), false
}

// standardKind knows RFC 6749 §5.2 and the words that several providers use beyond it.
func standardKind(code string) (credential.FailureKind, bool) {
	switch code {
	// OpenID Connect Core §3.1.2.6: the grant cannot go on without its person.
	case "invalid_grant", "interaction_required", "consent_required", "login_required":
		return credential.DeadGrant, true
	case "invalid_client":
		return credential.DeadClient, true
	case "slow_down", "rate_limit_exceeded", "ratelimited", "too_many_requests":
		return credential.Throttled, true
	// §4.1.2.1 defines the first two for redirects; Microsoft and Google send them from token endpoints.
	case "temporarily_unavailable", "server_error", "internal_failure":
		return credential.Transient, true
	// access_denied: Atlassian sends it for a wrong client secret and for a person who declined, so it kills no grant.
	// unauthorized_client: Microsoft means one tenant by it, so it stops no other account of the connector.
	case "invalid_request", "invalid_scope", "unsupported_grant_type", "unauthorized_client", "access_denied", "invalid_resource":
		return credential.Misconfigured, true
	}
	return "", false
}

// statusKind decides what no known code decided.
func statusKind(status int, refused bool) credential.FailureKind {
	switch {
	case status == http.StatusTooManyRequests:
		return credential.Throttled
	case status == http.StatusServiceUnavailable:
		// RFC 9110 §15.6.4: the server did not handle the request. Envoy says so too of a server that hung up on it. Where it had
		// spent the token by then, the grant is over either way; taken for ambiguous, each maintenance would end grants.
		return credential.Transient
	case status >= 500:
		return credential.Ambiguous // a gateway answers 502 and 504 for requests that went through
	case status >= 400:
		return credential.Transient // a firewall's or proxy's, or a word nobody has met: no reason to give up a grant
	case status >= 300:
		return credential.Misconfigured // a redirect is never followed: the endpoint in the configuration has moved
	case refused:
		return credential.Transient // a refusal inside HTTP 200, with a code nobody has met
	}
	return credential.Malformed
}

// lists yields the listed codes of each kind.
func (e Errors) lists() iter.Seq2[credential.FailureKind, []string] {
	return func(yield func(credential.FailureKind, []string) bool) {
		_ = yield(credential.DeadGrant, e.DeadGrant) &&
			yield(credential.DeadClient, e.DeadClient) &&
			yield(credential.Throttled, e.Throttled) &&
			yield(credential.Transient, e.Transient) &&
			yield(credential.Ambiguous, e.Ambiguous) &&
			yield(credential.Malformed, e.Malformed) &&
			yield(credential.Misconfigured, e.Misconfigured)
	}
}
