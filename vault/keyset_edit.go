package vault

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/gofrs/flock"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// errRotating is returned to the second of two rotations.
var errRotating = errors.New("another rotation of this keyset is under way: wait for it to end")

// lock keeps other rotations away from the file: the later one would write it without the earlier one's key. The operating
// system lets go of the lock when its process ends, however it does. The lock's own file stays, since who deletes it may
// delete the one that somebody else has just locked.
func (k *Keyset) lock() (unlock func() error, err error) {
	dir, name := filepath.Split(k.Path())
	lock := flock.New(filepath.Join(dir, "."+name+".lock"), flock.SetPermissions(0o600))
	locked, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("locking keyset %s: %w", k.Path(), err)
	}
	if !locked {
		return nil, fmt.Errorf("locking keyset %s: %w", k.Path(), errRotating)
	}
	return lock.Close, nil
}

// addKey adds a key to the file and makes it the primary. Nothing is sealed with it yet.
func (k *Keyset) addKey(ctx context.Context) error {
	return k.edit(ctx, func(manager *keyset.Manager) error {
		id, err := manager.Add(aead.AES256GCMKeyTemplate())
		if err != nil {
			return fmt.Errorf("generating a key: %w", err)
		}
		return manager.SetPrimary(id)
	})
}

// dropKeys removes keys from the file. What is sealed with them is lost.
func (k *Keyset) dropKeys(ctx context.Context, ids []uint32) error {
	return k.edit(ctx, func(manager *keyset.Manager) error {
		for _, id := range ids {
			if err := manager.Delete(id); err != nil {
				return fmt.Errorf("dropping key %d: %w", id, err)
			}
		}
		return nil
	})
}

// edit changes the keyset as it is in the file now, not as it once was in memory.
func (k *Keyset) edit(ctx context.Context, change func(*keyset.Manager) error) error {
	k.loading.Lock()
	defer k.loading.Unlock()
	now, err := k.from.read(ctx)
	if err != nil {
		return err
	}
	manager := keyset.NewManagerFromHandle(now.handle)
	if err := change(manager); err != nil {
		return err
	}
	handle, err := manager.Handle()
	if err != nil {
		return err
	}
	if err := k.from.replace(ctx, handle); err != nil {
		return err
	}
	next, err := k.from.read(ctx)
	if err != nil {
		return err
	}
	k.current.Store(next)
	return nil
}
