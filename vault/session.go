package vault

import (
	"context"
	"fmt"
)

// SealSession seals what a browser keeps for a person who signed in. Every process with the vault's keyset opens it, and
// nothing of it is stored; [Vault.EndSession] stores that one is over. It opens for as long as its key is in the keyset, which
// is a day after a rotation at least.
func (v *Vault) SealSession(ctx context.Context, session []byte) (sealed []byte, err error) {
	v.keyset.follow(ctx, v.inForce.Load())
	err = v.keyset.withKeys(ctx, func(k *keys) (err error) {
		sealed, err = v.sealer(k).seal(binding{field: fieldSession}, session)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("sealing a session: %w", err)
	}
	return sealed, nil
}

// OpenSession returns what SealSession sealed, and an error for everything else. Anybody can send something else, so that it
// costs a look at the keyset's file at most, and no reading of it.
func (v *Vault) OpenSession(ctx context.Context, sealed []byte) (session []byte, err error) {
	v.keyset.follow(ctx, v.inForce.Load())
	session, err = v.sealer(v.keyset.current.Load()).open(binding{field: fieldSession}, sealed)
	if err != nil {
		return nil, fmt.Errorf("opening a session: %w", err)
	}
	return session, nil
}
