package vault

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"
	"unicode"

	"tokenkeeper/vault/internal/storage"
)

const (
	// codeAlphabet is that of RFC 8628 §6.1: without vowels it spells nothing, and no two letters look alike.
	codeAlphabet = "BCDFGHJKLMNPQRSTVWXZ"
	// codeLength gives 20^8 codes. With maxCodeAttempts guesses, one of 5 billion links is opened by chance.
	codeLength      = 8
	maxCodeAttempts = 5
)

// WrongCodeError is returned for a link that is opened with another code than its own.
type WrongCodeError struct {
	Left int // attempts; with none left the link is void
}

func (e *WrongCodeError) Error() string {
	if e.Left == 0 {
		return "wrong confirmation code; the link is void now"
	}
	return fmt.Sprintf("wrong confirmation code; attempts left: %d", e.Left)
}

// newCode returns a code as people read it, for example WDJB-MJHT.
func newCode() string {
	var code strings.Builder
	for code.Len() < codeLength+1 {
		if code.Len() == codeLength/2 {
			code.WriteByte('-')
		}
		var b [1]byte
		rand.Read(b[:])
		if limit := 256 - 256%len(codeAlphabet); int(b[0]) < limit { // beyond it some letters would come more often
			code.WriteByte(codeAlphabet[int(b[0])%len(codeAlphabet)])
		}
	}
	return code.String()
}

// hashCode is keyed with the link's secret, which the vault does not know: a copy of the vault must not be enough to try
// out all codes.
func hashCode(secret, code string) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(plainCode(code)))
	return mac.Sum(nil)
}

// plainCode takes away what does not matter in a typed code: case, hyphens and blanks.
func plainCode(code string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || unicode.Is(unicode.Pd, r) {
			return -1
		}
		return r
	}, strings.ToUpper(code))
}

// countWrongCode notes an attempt, and voids the link with the last one.
func countWrongCode(ctx context.Context, tx storage.Queryer, l Link) (refused, err error) {
	left := maxCodeAttempts - l.Attempts - 1
	if left <= 0 {
		_, err = tx.ExecContext(ctx, `DELETE FROM links WHERE secret_hash = $1`, l.Hash)
		return &WrongCodeError{}, err
	}
	_, err = tx.ExecContext(ctx, `UPDATE links SET attempts = attempts + 1 WHERE secret_hash = $1`, l.Hash)
	return &WrongCodeError{Left: left}, err
}
