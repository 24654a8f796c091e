package triage

import (
	"fmt"
	"time"
)

// Since is the age, or the time, from which on messages are not taken any more, however long nobody could read them. The zero
// value takes all. As text it is a duration such as 720h or a time such as 2026-01-02T15:04:05Z (RFC 3339).
type Since struct {
	For time.Duration // before now
	At  time.Time
}

// IsZero reports whether nothing is too old.
func (s Since) IsZero() bool { return s.For == 0 && s.At.IsZero() }

// Bound returns the ts up to which messages are too old, "" for none.
func (s Since) Bound(now time.Time) string {
	switch {
	case s.For != 0:
		return TimestampOf(now.Add(-s.For))
	case s.At.After(now): // a mistake, of which what comes later must not suffer
		return TimestampOf(now)
	case !s.At.IsZero():
		return TimestampOf(s.At)
	}
	return ""
}

// String returns the text.
func (s Since) String() string {
	switch {
	case s.For != 0:
		return s.For.String()
	case !s.At.IsZero():
		return s.At.Format(time.RFC3339)
	}
	return ""
}

// MarshalText implements [encoding.TextMarshaler].
func (s Since) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *Since) UnmarshalText(text []byte) error {
	if d, err := time.ParseDuration(string(text)); err == nil {
		*s = Since{For: d}
		return nil
	}
	at, err := time.Parse(time.RFC3339, string(text))
	if err != nil {
		return fmt.Errorf("%q is neither a duration such as 720h nor a time such as 2026-01-02T15:04:05Z", text)
	}
	*s = Since{At: at.UTC()}
	return nil
}
