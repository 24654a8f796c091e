package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Options say which vault to open.
type Options struct {
	Path   string           // file of the vault; created when there is none
	Keyset *Keyset          // required
	Now    func() time.Time // nil means time.Now
}

func (o Options) now() func() time.Time {
	if o.Now == nil {
		return time.Now
	}
	return o.Now
}

// Vault is one open vault. Its methods may be called from many goroutines, and many processes may have the file open.
type Vault struct {
	sealer
	clock  func() time.Time
	writer *sql.DB
	reader *sql.DB
	close  func() error
}

// Open opens the vault at o.Path, or creates it, readable by the owner only. It returns a [WrongKeyError] when the keyset
// is not the one that the vault was sealed with. The caller closes the vault.
func Open(ctx context.Context, o Options) (*Vault, error) {
	if o.Keyset == nil {
		return nil, fmt.Errorf("opening vault %s: no keyset given: load or create one first", o.Path)
	}
	path := absolute(o.Path)
	seals := sealer{keyset: o.Keyset, vault: path}
	if err := createIfMissing(ctx, seals); err != nil {
		return nil, fmt.Errorf("creating vault %s: %w", path, err)
	}
	v, err := connect(seals, o.now())
	if err != nil {
		return nil, fmt.Errorf("opening vault %s: %w", path, err)
	}
	if err := v.prepare(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("opening vault %s: %w", path, explain(err)), v.disconnect())
	}
	return v, nil
}

func connect(seals sealer, clock func() time.Time) (*Vault, error) {
	writer, err := openWriter(seals.vault)
	if err != nil {
		return nil, err
	}
	reader, err := openReaders(seals.vault)
	if err != nil {
		return nil, errors.Join(err, writer.Close())
	}
	v := &Vault{sealer: seals, clock: clock, writer: writer, reader: reader}
	v.close = sync.OnceValue(v.checkpointAndDisconnect)
	return v, nil
}

// prepare makes sure that the file is a vault, and ours, before it writes anything to it.
func (v *Vault) prepare(ctx context.Context) error {
	if _, err := schemaVersion(ctx, v.writer); err != nil {
		return err
	}
	if err := refuseTorn(ctx, v.writer, v.vault); err != nil {
		return err
	}
	if err := v.checkCanary(ctx, v.writer); err != nil {
		return err
	}
	if err := useWriteAheadLog(ctx, v.writer); err != nil {
		return err
	}
	return write(ctx, v.writer, func(tx *sql.Tx) error {
		if err := migrate(ctx, tx); err != nil {
			return err
		}
		return v.prune(ctx, tx)
	})
}

// Close empties the write-ahead log into the file and closes it. Closing again does nothing and returns the same.
func (v *Vault) Close() error { return v.close() }

func (v *Vault) checkpointAndDisconnect() error {
	err := v.reader.Close() // first, so that no reader of ours holds up the checkpoint
	err = errors.Join(err, checkpoint(context.Background(), v.writer), v.writer.Close())
	if err != nil {
		return fmt.Errorf("closing vault %s: %w", v.vault, err)
	}
	return nil
}

func (v *Vault) disconnect() error { return errors.Join(v.reader.Close(), v.writer.Close()) }

// Path returns the vault's file.
func (v *Vault) Path() string { return v.vault }

// now has the precision of the file, so that what a method returns is what the next read finds.
func (v *Vault) now() time.Time { return v.clock().UTC().Truncate(time.Microsecond) }
