package vault

import (
	"context"
	"fmt"
)

// SealSession seals what a browser keeps for a person who signed in. Every process with the vault's keyset can open it, and
// nothing of it is stored; [Vault.EndSession] stores that a session is over. It can be opened for as long as its key is in
// the keyset, which is at least a day after a rotation.
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

// OpenSession returns what SealSession sealed, and an error for anything else. Anybody can send anything else, so refusing
// it costs at most a look at the state of the keyset's file, and never reads it.
func (v *Vault) OpenSession(ctx context.Context, sealed []byte) (session []byte, err error) {
	v.keyset.follow(ctx, v.inForce.Load())
	session, err = v.sealer(v.keyset.current.Load()).open(binding{field: fieldSession}, sealed)
	if err != nil {
		return nil, fmt.Errorf("opening a session: %w", err)
	}
	return session, nil
}
