package vault

import (
	"encoding/json"
	"fmt"
	"time"

	"tokenkeeper/credential"
)

// payload is how tokens look inside the seal. The tokens are bytes because JSON would replace what is not UTF-8.
// Nil scopes and empty scopes say different things, so only nil is left out.
type payload struct {
	Access           []byte    `json:"access,omitempty"`
	Refresh          []byte    `json:"refresh,omitempty"`
	Type             string    `json:"type,omitempty"`
	Scopes           []string  `json:"scopes,omitzero"`
	IssuedAt         time.Time `json:"issued_at,omitzero"`
	ExpiresAt        time.Time `json:"expires_at,omitzero"`
	RefreshExpiresAt time.Time `json:"refresh_expires_at,omitzero"`
}

func encodeTokens(t credential.Tokens) ([]byte, error) {
	plain, err := json.Marshal(payload{
		Access:           []byte(t.Access.Reveal()),
		Refresh:          []byte(t.Refresh.Reveal()),
		Type:             t.Type,
		Scopes:           t.Scopes,
		IssuedAt:         t.IssuedAt.UTC(),
		ExpiresAt:        t.ExpiresAt.UTC(),
		RefreshExpiresAt: t.RefreshExpiresAt.UTC(),
	})
	if err != nil {
		return nil, fmt.Errorf("encoding tokens: %w", err)
	}
	return plain, nil
}

func decodeTokens(plain []byte) (credential.Tokens, error) {
	var p payload
	if err := json.Unmarshal(plain, &p); err != nil {
		return credential.Tokens{}, fmt.Errorf("decoding tokens: %w", err)
	}
	defer clear(p.Access)
	defer clear(p.Refresh)
	return credential.Tokens{
		Access:           credential.NewSecret(string(p.Access)),
		Refresh:          credential.NewSecret(string(p.Refresh)),
		Type:             p.Type,
		Scopes:           p.Scopes,
		IssuedAt:         p.IssuedAt,
		ExpiresAt:        p.ExpiresAt,
		RefreshExpiresAt: p.RefreshExpiresAt,
	}, nil
}

// sealTokens seals a whole set.
func (s tokenSealer) sealTokens(b binding, t credential.Tokens) ([]byte, error) {
	plain, err := encodeTokens(t)
	if err != nil {
		return nil, err
	}
	defer clear(plain)
	return s.seal(b, plain)
}

func (s tokenSealer) openTokens(b binding, sealed []byte) (credential.Tokens, error) {
	plain, err := s.open(b, sealed)
	if err != nil {
		return credential.Tokens{}, err
	}
	defer clear(plain)
	t, err := decodeTokens(plain)
	if err != nil {
		return credential.Tokens{}, s.broken(b, err)
	}
	return t, nil
}
