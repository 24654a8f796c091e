package credential

import (
	"crypto"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// minKeyBits is what RFC 7518 §3.3 asks of a key for RS256.
const minKeyBits = 2048

// SigningKey is an RSA private key in memory that signs assertions (RS256). Like a [Secret] it prints a fixed word and
// refuses to be encoded.
type SigningKey struct {
	key *rsa.PrivateKey
}

var (
	_ fmt.Formatter  = SigningKey{}
	_ slog.LogValuer = SigningKey{}
)

// ParseSigningKey reads an RSA private key in PEM, PKCS #1 (as GitHub hands it out) or PKCS #8 (as Google does). The
// error shows nothing of the text.
func ParseSigningKey(text Secret) (SigningKey, error) {
	block, _ := pem.Decode([]byte(text.Reveal()))
	if block == nil {
		return SigningKey{}, errors.New("no PEM: want a text that begins with -----BEGIN")
	}
	key, err := parseRSA(block)
	if err != nil {
		return SigningKey{}, err
	}
	if bits := key.N.BitLen(); bits < minKeyBits {
		return SigningKey{}, fmt.Errorf("an RSA key of %d bits: want %d or more", bits, minKeyBits)
	}
	return SigningKey{key: key}, nil
}

// parseRSA leaves out what x509 says, because its errors quote values of the key's structure.
func parseRSA(block *pem.Block) (*rsa.PrivateKey, error) {
	switch block.Type {
	case "RSA PRIVATE KEY":
		if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
			return key, nil
		}
		return nil, errors.New("a damaged or encrypted RSA key: want it whole and without a passphrase")
	case "PRIVATE KEY":
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			return nil, errors.New("a damaged private key: want it whole")
		}
		if key, ok := parsed.(*rsa.PrivateKey); ok {
			return key, nil
		}
		return nil, errors.New("a key of another kind: want an RSA private key")
	case "ENCRYPTED PRIVATE KEY":
		return nil, errors.New("an encrypted private key: want it without a passphrase")
	}
	return nil, errors.New("PEM of another kind: want a private key")
}

// IsZero reports whether there is no key.
func (k SigningKey) IsZero() bool { return k.key == nil }

// Signer returns the key for the one place that signs; nil for the zero SigningKey.
func (k SigningKey) Signer() crypto.Signer {
	if k.key == nil {
		return nil
	}
	return k.key
}

// Format prints a fixed word for every verb.
func (k SigningKey) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// LogValue prints a fixed word in structured logs.
func (k SigningKey) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalJSON returns [ErrSecretEncoding].
func (k SigningKey) MarshalJSON() ([]byte, error) { return nil, ErrSecretEncoding }

// MarshalText returns [ErrSecretEncoding].
func (k SigningKey) MarshalText() ([]byte, error) { return nil, ErrSecretEncoding }

// MarshalBinary returns [ErrSecretEncoding].
func (k SigningKey) MarshalBinary() ([]byte, error) { return nil, ErrSecretEncoding }
