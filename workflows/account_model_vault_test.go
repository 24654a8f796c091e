package workflows

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// memoryVault does what the vault does, without its file: a refresh makes two commits there, each of which waits some
// milliseconds for the disk, and ten thousand steps would take minutes. One of twenty histories uses the real one, which
// tells whether the two agree.
type memoryVault struct {
	now func() time.Time

	mu             sync.Mutex
	records        map[credential.AccountID]vault.Record          // guarded by mu
	last           map[credential.AccountID]credential.Generation // guarded by mu
	authorizations map[string]vault.Authorization                 // guarded by mu
	sealed         []sealedTokens                                 // guarded by mu
	unrevoked      map[credential.AccountID]string                // guarded by mu; of accounts without a record
}

var _ activities.Vault = (*memoryVault)(nil)

type sealedTokens struct {
	account    credential.AccountID
	generation credential.Generation
	tokens     credential.Tokens
}

func newMemoryVault(now func() time.Time) *memoryVault {
	return &memoryVault{
		now: now, records: map[credential.AccountID]vault.Record{}, last: map[credential.AccountID]credential.Generation{},
		authorizations: map[string]vault.Authorization{}, unrevoked: map[credential.AccountID]string{},
	}
}

func (v *memoryVault) Get(_ context.Context, account credential.AccountID) (vault.Record, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	r, ok := v.records[account]
	if !ok {
		return vault.Record{}, vault.ErrNotFound
	}
	if r.Presented != nil {
		p := *r.Presented
		r.Presented = &p
	}
	return r, nil
}

// change lets f change the record of a generation.
func (v *memoryVault) change(account credential.AccountID, g credential.Generation, f func(*vault.Record)) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	r, ok := v.records[account]
	switch {
	case !ok:
		return vault.ErrNotFound
	case r.Generation != g:
		return vault.ErrConflict
	}
	f(&r)
	v.records[account], v.last[account] = r, r.Generation
	return nil
}

func (v *memoryVault) Present(_ context.Context, account credential.AccountID, g credential.Generation, known int, name string) (vault.Presentation, error) {
	p := vault.Presentation{Generation: g, At: v.now()}
	overtaken := false
	err := v.change(account, g, func(r *vault.Record) {
		if overtaken = r.Presentations() != known; overtaken {
			return
		}
		if r.Presented != nil {
			p = *r.Presented
		}
		p.Attempts++
		p.By = name
		r.Presented = &p
	})
	if overtaken {
		return vault.Presentation{}, vault.ErrPresented
	}
	return p, err
}

func (v *memoryVault) Withdraw(_ context.Context, account credential.AccountID, g credential.Generation) error {
	return v.change(account, g, func(r *vault.Record) {
		if r.Presented == nil || r.Presented.Attempts <= 1 {
			r.Presented = nil
			return
		}
		p := *r.Presented
		p.Attempts--
		r.Presented = &p
	})
}

func (v *memoryVault) Swap(_ context.Context, account credential.AccountID, from credential.Generation, t credential.Tokens) (credential.Generation, error) {
	return from + 1, v.change(account, from, func(r *vault.Record) {
		if t.Refresh.IsZero() {
			t.Refresh = r.Tokens.Refresh
		}
		if t.Scopes == nil {
			t.Scopes = r.Tokens.Scopes
		}
		r.Generation, r.Tokens, r.Presented, r.UpdatedAt = from+1, t, nil, v.now()
	})
}

func (v *memoryVault) SealTokens(r vault.Record, t credential.Tokens) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sealed = append(v.sealed, sealedTokens{r.Account, r.Generation, t})
	return []byte(fmt.Sprint(len(v.sealed) - 1)), nil
}

func (v *memoryVault) OpenTokens(_ context.Context, account credential.AccountID, g credential.Generation, sealed []byte) (credential.Tokens, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var i int
	if _, err := fmt.Sscan(string(sealed), &i); err != nil {
		return credential.Tokens{}, err
	}
	s := v.sealed[i]
	if s.account != account || s.generation != g {
		return credential.Tokens{}, errors.New("sealed for another")
	}
	return s.tokens, nil
}

func (v *memoryVault) PutAuthorization(_ context.Context, a vault.Authorization) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.authorizations[a.ID] = a
	return nil
}

func (v *memoryVault) GetAuthorization(_ context.Context, id string) (vault.Authorization, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.pending(id)
}

func (v *memoryVault) Identify(_ context.Context, id string, who credential.Holder, _ []string) (vault.Authorization, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	a, err := v.pending(id)
	if err == nil && a.Subject == "" {
		a.Subject, a.Display = who.Subject, who.Display
		v.authorizations[id] = a
	}
	return a, err
}

func (v *memoryVault) Pending(context.Context) ([]vault.Pending, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []vault.Pending
	for _, id := range slices.Sorted(maps.Keys(v.authorizations)) {
		if a := v.authorizations[id]; !a.Quarantined() && a.ExpiresAt.After(v.now()) {
			all = append(all, vault.Pending{
				ID: id, Account: a.Account, Holder: credential.Holder{Subject: a.Subject, Display: a.Display}, CreatedAt: a.CreatedAt, ExpiresAt: a.ExpiresAt,
			})
		}
	}
	return all, nil
}

func (v *memoryVault) OwnerOf(_ context.Context, connector string, s credential.Subject) (credential.AccountID, bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for account, r := range v.records {
		if account.Connector == connector && r.Subject == s {
			return account, true, nil
		}
	}
	return credential.AccountID{}, false, nil
}

func (v *memoryVault) pending(id string) (vault.Authorization, error) {
	a, ok := v.authorizations[id]
	if !ok || !a.ExpiresAt.After(v.now()) {
		return vault.Authorization{}, vault.ErrNotFound
	}
	return a, nil
}

func (v *memoryVault) Adopt(ctx context.Context, id string) (vault.Record, error) {
	if a, err := v.GetAuthorization(ctx, id); err == nil && a.Quarantined() {
		return vault.Record{}, vault.ErrQuarantined
	}
	return v.adopt(id)
}

func (v *memoryVault) adopt(id string) (vault.Record, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	a, err := v.pending(id)
	if err != nil {
		for _, r := range v.records {
			if r.AuthorizationID == id {
				return r, nil
			}
		}
		return vault.Record{}, err
	}
	delete(v.authorizations, id)
	delete(v.unrevoked, a.Account)
	v.setAside(v.records[a.Account], a.Subject)
	r := vault.Record{
		Account: a.Account, Generation: v.last[a.Account] + 1, Subject: a.Subject, Display: a.Display,
		Tokens: a.Tokens, AuthorizationID: id, UpdatedAt: v.now(),
	}
	v.records[a.Account], v.last[a.Account] = r, r.Generation
	return r, nil
}

func (v *memoryVault) Shred(_ context.Context, account credential.AccountID, g credential.Generation, unrevoked string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch r, held := v.records[account]; {
	case held && r.Generation > g:
		return vault.ErrConflict
	case !held && v.last[account] >= g:
		return nil
	}
	for _, a := range v.authorizations {
		if a.Account == account && !a.Quarantined() && a.ExpiresAt.After(v.now()) {
			return vault.ErrConsentWaits
		}
	}
	delete(v.records, account)
	v.unrevoked[account] = unrevoked
	for id, a := range v.authorizations {
		if a.Account == account {
			delete(v.authorizations, id)
		}
	}
	return nil
}

func (v *memoryVault) Unrevoked(_ context.Context, account credential.AccountID) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.unrevoked[account], nil
}
