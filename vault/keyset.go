package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Keyset holds the keys that seal a vault: one that seals, and any number of older ones that still open. Which one seals
// is written in the vault. The keyset follows its file: after a rotation it is read again, by every process that has it.
type Keyset struct {
	from    KeysetFile
	loading sync.Mutex // held while current is replaced
	current atomic.Pointer[keys]
}

func newKeyset(from KeysetFile, k *keys) *Keyset {
	made := &Keyset{from: from}
	made.current.Store(k)
	return made
}

// LoadKeyset reads a keyset whose keys are in the clear. See [KeysetFile.Load].
func LoadKeyset(path string) (*Keyset, error) {
	return KeysetFile{Path: path}.Load(context.Background())
}

// CreateKeyset writes a new keyset whose key is in the clear. See [KeysetFile.Create].
func CreateKeyset(path string) (*Keyset, error) {
	return KeysetFile{Path: path}.Create(context.Background())
}

// Path returns the file the keyset was read from.
func (k *Keyset) Path() string { return k.from.Path }

// KeyIDs returns the ids of the keys that can open, the file's primary first. Ids are no secret.
func (k *Keyset) KeyIDs() []uint32 { return k.current.Load().list() }

// String names the file and the key ids.
func (k *Keyset) String() string {
	return fmt.Sprintf("keyset %s with %s", k.Path(), keyList(k.KeyIDs()))
}

// reload reads the file again if it is another one than was read for old, and reports whether there are other keys than
// old now.
func (k *Keyset) reload(ctx context.Context, old *keys) (bool, error) {
	k.loading.Lock()
	defer k.loading.Unlock()
	if k.current.Load() != old {
		return true, nil // somebody was faster
	}
	now, err := os.Stat(k.Path())
	if err != nil {
		return false, fmt.Errorf("looking for a newer keyset: %w", err)
	}
	if sameFile(now, old.file) {
		return false, nil
	}
	next, err := k.from.read(ctx)
	if err != nil {
		return false, err
	}
	k.current.Store(next)
	return true, nil
}

// reloadTimeout bounds how long a caller who has the keys it needs waits for a key management service.
const reloadTimeout = 5 * time.Second

// follow takes over a file that was replaced, so that keys that were dropped leave the memory too. A file without the key
// in force is left alone: it is not the vault's, and what is in memory still works.
func (k *Keyset) follow(ctx context.Context, inForce uint32) {
	ctx, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	old := k.current.Load()
	now, err := os.Stat(k.Path())
	if err != nil || sameFile(now, old.file) || !k.loading.TryLock() {
		return
	}
	defer k.loading.Unlock()
	if next, err := k.from.read(ctx); err == nil && next.has(inForce) {
		k.current.Store(next)
	}
}

// sameFile reports whether nothing was written between two looks. A rotation gives the name to another file.
func sameFile(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// withKeys runs fn with the keys there are, and runs it again when it missed one and the file has others by now.
func (k *Keyset) withKeys(ctx context.Context, fn func(*keys) error) error {
	for {
		at := k.current.Load()
		err := fn(at)
		if _, missing := errors.AsType[*WrongKeyError](err); !missing {
			return err
		}
		changed, reloadErr := k.reload(ctx, at)
		if !changed {
			return errors.Join(err, reloadErr)
		}
	}
}
