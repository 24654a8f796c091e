package credential

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// ErrSecretEncoding is returned by every encoder that is handed a [Secret].
var ErrSecretEncoding = errors.New("a secret does not leave the process: pass the account and its generation instead")

// Secret is a token, a client secret or a code verifier in memory.
//
// The value sits behind a pointer because fmt reaches unexported fields of a struct without calling their methods; there
// it finds an address. Formatting and logging print a fixed word, and encoding fails: a Secret that strays into a
// Workflow's input or an Activity's result makes Temporal's data converter refuse, instead of entering history.
type Secret struct {
	value *string
}

var (
	_ fmt.Formatter  = Secret{}
	_ slog.LogValuer = Secret{}
)

// NewSecret wraps s. An empty s gives the zero Secret.
func NewSecret(s string) Secret {
	if s == "" {
		return Secret{}
	}
	return Secret{value: &s}
}

// Reveal returns the secret itself, for the one place that sends or seals it.
func (s Secret) Reveal() string {
	if s.value == nil {
		return ""
	}
	return *s.value
}

// IsZero reports whether there is no secret.
func (s Secret) IsZero() bool { return s.value == nil }

// Equal reports whether both hold the same value.
func (s Secret) Equal(other Secret) bool { return s.Reveal() == other.Reveal() }

// Format prints a fixed word for every verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue prints a fixed word in structured logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns [ErrSecretEncoding].
func (s Secret) MarshalJSON() ([]byte, error) { return nil, ErrSecretEncoding }

// MarshalText returns [ErrSecretEncoding].
func (s Secret) MarshalText() ([]byte, error) { return nil, ErrSecretEncoding }

// MarshalBinary returns [ErrSecretEncoding].
func (s Secret) MarshalBinary() ([]byte, error) { return nil, ErrSecretEncoding }
