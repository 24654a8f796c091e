package vault

import (
	"github.com/tink-crypto/tink-go/v2/tink"

	"tokenkeeper/credential"
)

// sealedPair is a set of tokens in two pieces, so that whoever only calls an API never has the refresh token in memory. The
// second piece is there even without a refresh token, so that its removal shows.
type sealedPair struct {
	key     []byte // of the two, see [tokenSealer]
	access  []byte
	refresh []byte
}

// sealPair seals a pair with a new data key. Each generation has its own, so that whoever could open an older generation
// opens none that came after the keyset was rotated.
func (s sealer) sealPair(account credential.AccountID, g credential.Generation, t credential.Tokens) (sealedPair, tink.AEAD, error) {
	access, refresh := t, credential.Tokens{Refresh: t.Refresh}
	access.Refresh = credential.Secret{}
	var pair sealedPair
	seals, key, err := s.withNewKey(binding{account: account, generation: g})
	if err != nil {
		return sealedPair{}, nil, err
	}
	pair.key = key
	if pair.access, err = seals.sealTokens(binding{account: account, generation: g, field: fieldAccess}, access); err != nil {
		return sealedPair{}, nil, err
	}
	pair.refresh, err = seals.sealTokens(binding{account: account, generation: g, field: fieldRefresh}, refresh)
	return pair, seals.key, err
}

// openPair refuses a pair when either piece does not open. It returns the key of the two as well.
func (s sealer) openPair(account credential.AccountID, g credential.Generation, pair sealedPair) (credential.Tokens, tink.AEAD, error) {
	seals, err := s.withKey(binding{account: account, generation: g}, pair.key, pair.access, pair.refresh)
	if err != nil {
		return credential.Tokens{}, nil, err
	}
	tokens, err := seals.openTokens(binding{account: account, generation: g, field: fieldAccess}, pair.access)
	if err != nil {
		return credential.Tokens{}, nil, err
	}
	refresh, err := seals.openTokens(binding{account: account, generation: g, field: fieldRefresh}, pair.refresh)
	if err != nil {
		return credential.Tokens{}, nil, err
	}
	tokens.Refresh = refresh.Refresh
	return tokens, seals.key, nil
}
