package vault

import "tokenkeeper/credential"

// sealedPair is a set of tokens in two pieces, so that who only calls an API never has the refresh token in memory. The
// second piece is there without a refresh token too: one that somebody took away is missed.
type sealedPair struct {
	access  []byte
	refresh []byte
}

func (s sealer) sealPair(account credential.AccountID, g credential.Generation, t credential.Tokens) (sealedPair, error) {
	access, refresh := t, credential.Tokens{Refresh: t.Refresh}
	access.Refresh = credential.Secret{}
	var pair sealedPair
	var err error
	if pair.access, err = s.sealTokens(binding{account: account, generation: g, field: fieldAccess}, access); err != nil {
		return sealedPair{}, err
	}
	pair.refresh, err = s.sealTokens(binding{account: account, generation: g, field: fieldRefresh}, refresh)
	return pair, err
}

// openPair refuses a pair when either piece does not open.
func (s sealer) openPair(account credential.AccountID, g credential.Generation, pair sealedPair) (credential.Tokens, error) {
	tokens, err := s.openTokens(binding{account: account, generation: g, field: fieldAccess}, pair.access)
	if err != nil {
		return credential.Tokens{}, err
	}
	refresh, err := s.openTokens(binding{account: account, generation: g, field: fieldRefresh}, pair.refresh)
	if err != nil {
		return credential.Tokens{}, err
	}
	tokens.Refresh = refresh.Refresh
	return tokens, nil
}
