package sandbox

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"time"
)

// claims of a signed assertion (RFC 7519 §4.1), and Google's scope.
type claims struct {
	Issuer   string   `json:"iss"`
	Subject  string   `json:"sub"`
	Audience string   `json:"aud"`
	Issued   *float64 `json:"iat"`
	Expires  *float64 `json:"exp"`
	Scope    string   `json:"scope"`
}

var errBadJWT = errors.New("no JWT that this key signed with RS256")

// verifyJWT checks form, algorithm and signature (RFC 7515 §5.2). Nothing is shared with the library that signs.
func verifyJWT(text string, key *rsa.PublicKey) (claims, error) {
	signed, signature, _ := cutLast(text, ".")
	head, body, found := strings.Cut(signed, ".")
	if !found || key == nil {
		return claims{}, errBadJWT
	}
	var header struct {
		Algorithm string `json:"alg"`
	}
	if !decodePart(head, &header) || header.Algorithm != "RS256" {
		return claims{}, errBadJWT
	}
	proof, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil {
		return claims{}, errBadJWT
	}
	digest := sha256.Sum256([]byte(signed))
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], proof) != nil {
		return claims{}, errBadJWT
	}
	var c claims
	if !decodePart(body, &c) {
		return claims{}, errBadJWT
	}
	return c, nil
}

func cutLast(text, separator string) (before, after string, found bool) {
	at := strings.LastIndex(text, separator)
	if at < 0 {
		return text, "", false
	}
	return text[:at], text[at+len(separator):], true
}

func decodePart(part string, into any) bool {
	text, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(text, into) == nil
}

// faults of the times in claims.
var (
	errNoTimes   = errors.New("claims iat and exp are missing")
	errNotYet    = errors.New("claim iat lies in the future")
	errOver      = errors.New("claim exp lies in the past")
	errFarFuture = errors.New("claim exp lies too far in the future")
)

// checkTimes checks the times of the claims: issued in the past, expiring in the future, and no later than ahead allows.
func (c claims) checkTimes(now time.Time, ahead func(issued time.Time) time.Time) error {
	if c.Issued == nil || c.Expires == nil {
		return errNoTimes
	}
	issued, expires := at(*c.Issued), at(*c.Expires)
	switch {
	case issued.After(now):
		return errNotYet
	case !expires.After(now):
		return errOver
	case expires.After(ahead(issued)):
		return errFarFuture
	}
	return nil
}

// at reads a NumericDate.
func at(seconds float64) time.Time {
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*float64(time.Second)))
}
