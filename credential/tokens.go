package credential

import (
	"slices"
	"time"
)

// Generation counts the sets of tokens a grant has had. 0 means none yet.
type Generation int64

// Subject is the provider's own name for who granted, for example a Slack team and bot, or a GitHub user id.
type Subject string

// Tokens is one set of tokens as a token endpoint answered it (RFC 6749 §5.1).
type Tokens struct {
	Access  Secret
	Refresh Secret // zero where the provider issued none
	// Type is the token_type, "Bearer" where the answer has none that HTTP knows.
	Type   string
	Scopes []string // as granted; nil where the answer does not say
	// IssuedAt is when the answer arrived by our clock.
	IssuedAt time.Time
	// ExpiresAt is the end of the access token; zero when it does not expire.
	ExpiresAt time.Time
	// RefreshExpiresAt is the end of the refresh token, used or not; zero when none is known.
	RefreshExpiresAt time.Time
}

// Refreshable reports whether a refresh token is there to present.
func (t Tokens) Refreshable() bool { return !t.Refresh.IsZero() }

// ValidAt reports whether the access token is good at now, by the clock alone.
func (t Tokens) ValidAt(now time.Time) bool {
	return !t.Access.IsZero() && (t.ExpiresAt.IsZero() || now.Before(t.ExpiresAt))
}

// After returns what an answer to a refresh brings, completed by what it leaves out and was there before: the refresh token and the end
// of it, the scopes, the type (RFC 6749 §6).
func (t Tokens) After(before Tokens) Tokens {
	if t.Refresh.IsZero() {
		t.Refresh = before.Refresh
	}
	if t.RefreshExpiresAt.IsZero() && t.Refresh.Equal(before.Refresh) {
		t.RefreshExpiresAt = before.RefreshExpiresAt
	}
	if t.Scopes == nil {
		t.Scopes = before.Scopes
	}
	if t.Type == "" {
		t.Type = before.Type
	}
	return t
}

// missingScopes returns those of want that have does not contain, in the order of want.
func missingScopes(want, have []string) []string {
	var missing []string
	for _, scope := range want {
		if !slices.Contains(have, scope) {
			missing = append(missing, scope)
		}
	}
	return missing
}
