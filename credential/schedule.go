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

// RefreshAt returns when the tokens that live from issued to expires are due: at 0.8 of their lifetime, less up to a
// tenth of it by the account's jitter, so that accounts connected in one moment do not come due in one moment. It scales
// with the lifetime instead of keeping a fixed margin, so tokens of 20 seconds and of 60 days both leave room for
// retries. The zero time comes back for tokens that do not expire.
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
