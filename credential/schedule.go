package credential

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// Jitter returns a share in [0, 1) that is always the same for the same account. SHA-256 because FNV-64a does not
// spread ids that differ in their last characters only.
func (a AccountID) Jitter() float64 {
	sum := sha256.Sum256([]byte(a.String()))
	return float64(binary.BigEndian.Uint64(sum[:8])>>11) / (1 << 53)
}

// RefreshAt returns when tokens that live from issued to expires are due: at 0.8 of their lifetime, less up to a tenth of
// it by the account's jitter, so that accounts connected at one moment do not come due at one moment. It scales with the
// lifetime instead of keeping a fixed margin, so tokens of 20 seconds and of 60 days both leave room for retries. For
// tokens that do not expire it returns the zero time.
func RefreshAt(account AccountID, issued, expires time.Time) time.Time {
	if expires.IsZero() {
		return time.Time{}
	}
	lifetime := expires.Sub(issued)
	if lifetime <= 0 {
		return issued
	}
	return issued.Add(time.Duration((0.8 - 0.1*account.Jitter()) * float64(lifetime)))
}

// Every returns the interval of something that recurs, longer or shorter by up to a tenth, always the same for the same
// account: accounts that began together drift apart.
func (a AccountID) Every(interval time.Duration) time.Duration {
	return time.Duration((0.9 + 0.2*a.Jitter()) * float64(interval))
}

// Lifetimes is how long one generation of a grant can go on. A zero time or duration means that there is no such limit.
type Lifetimes struct {
	// Issued is when this generation was, which is also when the refresh token before it was used.
	Issued time.Time
	// Expires is the end of the access token.
	Expires time.Time
	// RefreshExpires is the end of the refresh token, used or not.
	RefreshExpires time.Time
	// RefreshIdle is how long the refresh token lives without being used.
	RefreshIdle time.Duration
	// Fixed: a refresh does not move RefreshExpires on.
	Fixed bool
	// Refreshable: there is a refresh token.
	Refreshable bool
	// Minted: new tokens need neither a refresh token nor a person.
	Minted bool
}

// RefreshEnds returns the end of the refresh token if it is not used: the nearer of its limits.
func (l Lifetimes) RefreshEnds() time.Time {
	if !l.Refreshable {
		return time.Time{}
	}
	return earlier(l.RefreshExpires, l.idleEnds())
}

func (l Lifetimes) idleEnds() time.Time {
	if l.RefreshIdle <= 0 {
		return time.Time{}
	}
	return l.Issued.Add(l.RefreshIdle)
}

// DueAt returns when the tokens should be replaced: by the lifetime of the access token, or earlier where the refresh
// token ends before that and using it extends its life. Tokens that cannot be replaced are due when they end. For tokens
// that are never due it returns the zero time.
func (l Lifetimes) DueAt(account AccountID) time.Time {
	if !l.Refreshable && !l.Minted {
		return l.Expires
	}
	due := RefreshAt(account, l.Issued, l.Expires)
	if l.Minted {
		return due
	}
	due = earlier(due, RefreshAt(account, l.Issued, l.idleEnds()))
	if !l.Fixed {
		due = earlier(due, RefreshAt(account, l.Issued, l.RefreshExpires))
	}
	return due
}

// ConsentBy returns by when a person has to consent again, whatever is done until then; zero where none has to.
func (l Lifetimes) ConsentBy() time.Time {
	switch {
	case l.Minted:
		return time.Time{}
	case !l.Refreshable:
		return l.Expires
	case l.Fixed:
		return l.RefreshExpires
	}
	return time.Time{}
}

// Extends reports whether the refresh that made next of l gave the refresh token a longer life: its end moved on by at
// least half the time that passed. Servers that limit a grant as a whole answer what is left of it, give or take the
// seconds that an answer takes.
func (l Lifetimes) Extends(next Lifetimes) bool {
	if l.RefreshExpires.IsZero() || next.RefreshExpires.IsZero() {
		return true
	}
	return next.RefreshExpires.Sub(l.RefreshExpires) >= next.Issued.Sub(l.Issued)/2
}

// FirstWarning is how long before a deadline people are told of it first, where it is known so early.
const FirstWarning = 14 * 24 * time.Hour

// warnings are how long before a deadline people are told of it.
func warnings() []time.Duration {
	const day = 24 * time.Hour
	return []time.Duration{FirstWarning, 7 * day, 3 * day, day}
}

// warningsFor leaves out warnings that were due before the deadline became known. Where that leaves none, one is left, at
// 0.8 of the notice there is.
func warningsFor(notice time.Duration) []time.Duration {
	var fit []time.Duration
	for _, before := range warnings() {
		if before < notice {
			fit = append(fit, before)
		}
	}
	if len(fit) == 0 {
		fit = append(fit, notice/5)
	}
	return fit
}

// NextWarning returns when people have to be warned of a deadline that only they can move, and how long before the
// deadline that is. known is when the deadline became known; told is how long before it the last warning was due, 0 for
// none yet. Of missed warnings only the last is made up for. When all were given it returns the zero time.
func NextWarning(known, deadline, now time.Time, told time.Duration) (at time.Time, before time.Duration) {
	if deadline.IsZero() || !known.Before(deadline) {
		return time.Time{}, 0
	}
	for _, candidate := range warningsFor(deadline.Sub(known)) {
		if told != 0 && candidate >= told {
			continue
		}
		due := deadline.Add(-candidate)
		if !at.IsZero() && now.Before(due) {
			break
		}
		at, before = due, candidate
	}
	return at, before
}

// earlier returns the earlier of two times of which zero is never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
