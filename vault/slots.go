package vault

import (
	"hash/maphash"
	"maps"
	"sync"
	"sync/atomic"

	"tokenkeeper/credential"
)

// slots finds the slot of an account without a lock. A new account copies the map of its shard, a new generation copies
// nothing: with 10,000 accounts in one map, a copy takes 0.7 ms and a megabyte.
type slots struct {
	seed   maphash.Seed
	shards [64]shard
}

// shard is the map of every 64th account. The map is replaced, never changed.
type shard struct {
	current atomic.Pointer[map[credential.AccountID]*slot] // nil means empty
	writing sync.Mutex                                     // held while current is replaced
}

func newSlots() *slots { return &slots{seed: maphash.MakeSeed()} }

// shard hashes two texts, not the account: maphash.Comparable takes 50 ns, two thirds of a warm read. The accounts of one
// user may share a shard.
func (s *slots) shard(account credential.AccountID) *shard {
	hash := maphash.String(s.seed, account.User) + maphash.String(s.seed, account.Organization)
	return &s.shards[hash%uint64(len(s.shards))]
}

// find returns the slot of an account, or nil.
func (s *slots) find(account credential.AccountID) *slot { return s.shard(account).load()[account] }

// make returns the slot of an account, a new one if need be.
func (s *slots) make(account credential.AccountID) *slot {
	shard := s.shard(account)
	if found := shard.load()[account]; found != nil {
		return found
	}
	shard.writing.Lock()
	defer shard.writing.Unlock()
	if found := shard.load()[account]; found != nil {
		return found // somebody was faster
	}
	made := new(slot)
	next := maps.Clone(shard.load())
	if next == nil {
		next = map[credential.AccountID]*slot{}
	}
	next[account] = made
	shard.current.Store(&next)
	return made
}

// remove removes the slot of an account. With only not nil, it does so only while that is the slot.
func (s *slots) remove(account credential.AccountID, only *slot) {
	shard := s.shard(account)
	shard.writing.Lock()
	defer shard.writing.Unlock()
	found := shard.load()[account]
	if found == nil || only != nil && found != only {
		return
	}
	next := maps.Clone(shard.load())
	delete(next, account)
	shard.current.Store(&next)
}

// retain removes the slots that keep does not want, and returns how many are left.
func (s *slots) retain(keep func(*slot) bool) int {
	left := 0
	for i := range s.shards {
		left += s.shards[i].retain(keep)
	}
	return left
}

func (s *shard) retain(keep func(*slot) bool) int {
	s.writing.Lock()
	defer s.writing.Unlock()
	all := s.load()
	next := make(map[credential.AccountID]*slot, len(all))
	for account, slot := range all {
		if keep(slot) {
			next[account] = slot
		}
	}
	if len(next) < len(all) {
		s.current.Store(&next)
	}
	return len(next)
}

func (s *shard) load() map[credential.AccountID]*slot {
	if m := s.current.Load(); m != nil {
		return *m
	}
	return nil
}
