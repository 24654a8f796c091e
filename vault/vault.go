package vault

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/file"
	"tokenkeeper/vault/internal/postgres"
	"tokenkeeper/vault/internal/sqlite"
	"tokenkeeper/vault/internal/storage"
)

// Options say which vault to open: one in a file or one in a PostgreSQL database.
type Options struct {
	// Path is the file of a SQLite vault; it is created when there is none.
	Path string
	// URL is the connection string of a PostgreSQL database; the vault's tables are created when there are none. A secret,
	// because it may hold a password.
	URL    credential.Secret
	Keyset *Keyset          // required
	Now    func() time.Time // nil means time.Now
}

func (o Options) now() func() time.Time {
	if o.Now == nil {
		return time.Now
	}
	return o.Now
}

// Name is how errors and logs call the vault: its file, or where its database is. It holds no password.
func (o Options) Name() string {
	if o.URL.IsZero() {
		return file.Absolute(o.Path)
	}
	return postgres.Name(o.URL.Reveal())
}

// validate refuses what would open some other vault than the one that was meant.
func (o Options) validate() error {
	switch {
	case o.Path == "" && o.URL.IsZero():
		return errors.New("opening the vault: neither a file nor a database is named")
	case o.Path != "" && !o.URL.IsZero():
		return fmt.Errorf("opening the vault: %s and %s are two: name one", o.Path, o.Name())
	case o.Keyset == nil:
		return fmt.Errorf("opening vault %s: no keyset given: load or create one first", o.Name())
	}
	return nil
}

func (v *Vault) openStore(ctx context.Context, o Options, opening storage.Opening) (err error) {
	if o.URL.IsZero() {
		v.store, err = sqlite.Open(ctx, file.Absolute(o.Path), opening)
	} else {
		v.store, err = postgres.Open(ctx, o.URL.Reveal(), opening)
	}
	if err != nil {
		return fmt.Errorf("opening vault %s: %w", v.name, err)
	}
	v.close = sync.OnceValue(v.closeStore)
	return nil
}

// store is the database below a vault.
type store interface {
	// Read runs fn, which only reads. It may run it again.
	Read(ctx context.Context, fn func(q storage.Queryer) error) error
	// Write runs fn in one transaction. What fn read there is still true when the transaction commits, over all processes.
	// It may run fn again from the beginning, so fn acts on nothing but tx and what it overwrites each time.
	Write(ctx context.Context, fn func(tx storage.Queryer) error) error
	// Scrub gets rid of the bytes of what was deleted, as far as the database can.
	Scrub(ctx context.Context) error
	// Check lets the database look at itself, and returns an error when it is not whole.
	Check(ctx context.Context) error
	Close() error
}

var (
	_ store = (*sqlite.Store)(nil)
	_ store = (*postgres.Store)(nil)
)

// Vault is one open vault. Its methods may be called from many goroutines, and many processes may have it open.
type Vault struct {
	name    string
	keyset  *Keyset
	inForce atomic.Uint32 // the key that sealed when the vault was last looked at
	clock   func() time.Time
	store   store
	close   func() error

	listening sync.Mutex // held while shredded is read or written
	shredded  []func(credential.AccountID)
}

// Open opens a vault, or creates it. It returns a [WrongKeyError] when the keyset is not the one that the vault was sealed
// with. The caller closes the vault.
func Open(ctx context.Context, o Options) (*Vault, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	v := &Vault{name: o.Name(), keyset: o.Keyset, clock: o.now()}
	if err := v.openStore(ctx, o, storage.Opening{Create: v.createCanary, Check: v.checkCanary}); err != nil {
		return nil, err
	}
	if err := v.Prune(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening vault %s: %w", v.name, err), v.Close())
	}
	return v, nil
}

// Close closes the vault. Closing again does nothing and returns the same.
func (v *Vault) Close() error { return v.close() }

func (v *Vault) closeStore() error {
	if err := v.store.Close(); err != nil {
		return fmt.Errorf("closing vault %s: %w", v.name, err)
	}
	return nil
}

// Name returns the vault's file, or where its database is, without the password.
func (v *Vault) Name() string { return v.name }

// sealer returns what opens with the keys k, and seals with the key that was last seen in force.
func (v *Vault) sealer(k *keys) sealer { return sealer{keys: k, key: v.inForce.Load(), vault: v.name} }

// read lets fn read, and open what it finds. It runs fn again when that missed a key which the keyset file has by now.
func (v *Vault) read(ctx context.Context, fn func(q storage.Queryer, s sealer) error) error {
	return v.keyset.withKeys(ctx, func(k *keys) error {
		return v.store.Read(ctx, func(q storage.Queryer) error { return fn(q, v.sealer(k)) })
	})
}

// writeSealed runs a transaction that seals. It reads in the transaction itself which key is in force, so that none commits
// with the old key after a rotation has begun to look for what that sealed.
func (v *Vault) writeSealed(ctx context.Context, fn func(tx storage.Queryer, s sealer) error) error {
	v.keyset.follow(ctx, v.inForce.Load())
	var key uint32
	err := v.keyset.withKeys(ctx, func(k *keys) error {
		return v.store.Write(ctx, func(tx storage.Queryer) (err error) {
			s := v.sealer(k)
			if key, err = s.keyInForce(ctx, tx); err != nil {
				return err
			}
			s.key = key
			return fn(tx, s)
		})
	})
	if err == nil {
		v.inForce.Store(key)
	}
	return err
}

// now has the precision of the database, so that what a method returns is what the next read finds.
func (v *Vault) now() time.Time { return v.clock().UTC().Truncate(time.Microsecond) }
