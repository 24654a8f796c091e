package vault

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"tokenkeeper/credential"
)

// Cache holds the newest access token of each account in use in memory. A token that is good by the clock costs three
// atomic loads. The cache does not go back to an older generation while it holds a newer one.
//
// It forgets a token that has expired, one that nobody has asked for in ten minutes, and those of an account that this
// process shreds: what it holds is no more than what is being worked with. What another process has shredded or replaced, it
// forgets within a minute.
type Cache struct {
	read     func(context.Context, credential.AccountID) (Access, error)
	newest   func(context.Context) (map[credential.AccountID]credential.Generation, error)
	clock    func() time.Time
	slots    *slots
	sweeping atomic.Bool // a sweep is due
}

// NewCache returns an empty cache in front of v, with the clock of v.
func NewCache(v *Vault) *Cache {
	c := newCache(v.access, v.clock)
	c.newest = v.newest
	v.whenShredded(c.Forget)
	return c
}

func newCache(read func(context.Context, credential.AccountID) (Access, error), clock func() time.Time) *Cache {
	return &Cache{read: read, newest: untold, clock: clock, slots: newSlots()}
}

// Access returns the account's token. While it is good by the clock that is the cached one; otherwise the vault is read,
// once for all who ask at the same time, and the answer may be expired: the vault has no better one.
func (c *Cache) Access(ctx context.Context, account credential.AccountID) (Access, error) {
	if s := c.slots.find(account); s != nil {
		if a := s.valid(c.clock); a != nil {
			s.use()
			return *a, nil
		}
	}
	return c.miss(ctx, account)
}

// Reload reads the vault whatever is cached, so that it finds what was written before the call, by any process. It returns
// the newer of the two.
func (c *Cache) Reload(ctx context.Context, account credential.AccountID) (Access, error) {
	return c.load(ctx, account, c.make(account))
}

// Forget drops the account's token. A read that is under way does not bring it back.
func (c *Cache) Forget(account credential.AccountID) { c.slots.remove(account, nil) }

// make returns the slot of an account, and has sweeps look at it.
func (c *Cache) make(account credential.AccountID) *slot {
	s := c.slots.make(account)
	s.use()
	c.sweepLater()
	return s
}

// sharedReadTimeout bounds the read that several callers wait for. Each of them leaves earlier if its own context ends.
const sharedReadTimeout = 30 * time.Second

// miss shares one read among the callers that miss together. The read outlives the caller that happened to be first.
func (c *Cache) miss(ctx context.Context, account credential.AccountID) (Access, error) {
	s := c.make(account)
	result := s.misses.DoChan("", func() (any, error) {
		if a := s.valid(c.clock); a != nil {
			return *a, nil // somebody's read ended between our look and now
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sharedReadTimeout)
		defer cancel()
		return c.load(ctx, account, s)
	})
	select {
	case r := <-result:
		a, _ := r.Val.(Access) // nothing else is ever in it; nil beside an error
		return a, r.Err
	case <-ctx.Done():
		return Access{}, ctx.Err()
	}
}

// load reads the vault into a slot. When the slot was forgotten meanwhile, nobody finds it any more.
func (c *Cache) load(ctx context.Context, account credential.AccountID, s *slot) (Access, error) {
	a, err := c.read(ctx, account)
	if errors.Is(err, ErrNotFound) {
		c.slots.remove(account, s)
	}
	if err != nil {
		return Access{}, err
	}
	return s.keep(&a), nil
}
