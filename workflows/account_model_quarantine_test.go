package workflows

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

func (v *memoryVault) Quarantine(_ context.Context, id string, until time.Time) (vault.Authorization, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	a, err := v.pending(id)
	if err != nil || a.Quarantined() {
		return a, err
	}
	a.QuarantinedAt, a.ExpiresAt = v.now(), until
	v.authorizations[id] = a
	return a, nil
}

func (v *memoryVault) Accept(ctx context.Context, id string, subject credential.Subject) (vault.Record, error) {
	a, err := v.GetAuthorization(ctx, id)
	if err == nil && a.Subject != subject {
		return vault.Record{}, &vault.SubjectError{Authorization: id, Subject: a.Subject, Accepted: subject}
	}
	return v.adopt(id)
}

func (v *memoryVault) GetStray(_ context.Context, id string) (vault.Stray, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	stray, ok := v.authorizations[id]
	if !ok || !stray.Quarantined() {
		return vault.Stray{}, vault.ErrNotFound
	}
	used, kin := v.shared(stray)
	return vault.Stray{Authorization: stray, Shared: used || kin, Kin: kin && !used}, nil
}

// shared reports whether tokens of the same subject are in use, and whether others are in quarantine.
func (v *memoryVault) shared(stray vault.Authorization) (used, kin bool) {
	for _, r := range v.records {
		used = used || r.Subject == stray.Subject
	}
	for _, a := range v.authorizations {
		if a.ID != stray.ID && a.Subject == stray.Subject && a.ExpiresAt.After(v.now()) {
			used, kin = used || !a.Quarantined(), kin || a.Quarantined()
		}
	}
	return used, kin
}

func (v *memoryVault) DropShared(ctx context.Context, id string) error {
	if stray, err := v.GetStray(ctx, id); err == nil && !stray.Shared {
		return vault.ErrUnshared
	}
	return v.DropAuthorization(ctx, id, "")
}

func (v *memoryVault) Retoken(_ context.Context, id string, t credential.Tokens) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	stray, ok := v.authorizations[id]
	if !ok || !stray.Quarantined() {
		return vault.ErrNotFound
	}
	stray.Tokens = t
	v.authorizations[id] = stray
	return nil
}

func (v *memoryVault) DropStray(ctx context.Context, id, _ string) error {
	return v.DropAuthorization(ctx, id, "")
}

func (v *memoryVault) DropAuthorization(_ context.Context, id, _ string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.authorizations, id)
	return nil
}

// setAside keeps what the account has until a grant of another subject takes its place.
func (v *memoryVault) setAside(old vault.Record, next credential.Subject) {
	if old.Subject == "" || old.Subject == next {
		return
	}
	id := fmt.Sprintf("replaced/%d", old.Generation)
	v.authorizations[id] = vault.Authorization{
		ID: id, Account: old.Account, Subject: old.Subject, Tokens: old.Tokens, QuarantinedAt: v.now(), ExpiresAt: v.now(),
	}
}

func (v *memoryVault) Strays(context.Context, credential.AccountID) ([]credential.Replaced, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var all []credential.Replaced
	for _, a := range v.authorizations {
		if a.Quarantined() {
			all = append(all, credential.Replaced{Authorization: a.ID, Holder: credential.Holder{Subject: a.Subject}, Since: a.QuarantinedAt})
		}
	}
	slices.SortFunc(all, func(a, b credential.Replaced) int {
		return cmp.Or(a.Since.Compare(b.Since), cmp.Compare(a.Authorization, b.Authorization))
	})
	return all, nil
}

func (v *modelVault) Strays(ctx context.Context, account credential.AccountID) ([]credential.Replaced, error) {
	if err := v.away(); err != nil {
		return nil, err
	}
	return v.Vault.Strays(ctx, account)
}

func (v *modelVault) Accept(ctx context.Context, id string, subject credential.Subject) (vault.Record, error) {
	if err := v.away(); err != nil {
		return vault.Record{}, err
	}
	r, err := v.Vault.Accept(ctx, id, subject)
	if v.m.takes(diesAfterStoring) {
		panic(died{})
	}
	return r, err
}

func (v *modelVault) Quarantine(ctx context.Context, id string, until time.Time) (vault.Authorization, error) {
	if err := v.away(); err != nil {
		return vault.Authorization{}, err
	}
	return v.Vault.Quarantine(ctx, id, until)
}

func (v *modelVault) GetStray(ctx context.Context, id string) (vault.Stray, error) {
	if err := v.away(); err != nil {
		return vault.Stray{}, err
	}
	return v.Vault.GetStray(ctx, id)
}

func (v *modelVault) Retoken(ctx context.Context, id string, t credential.Tokens) error {
	if err := v.away(); err != nil {
		return err
	}
	return v.Vault.Retoken(ctx, id, t)
}

func (v *modelVault) DropShared(ctx context.Context, id string) error {
	if err := v.away(); err != nil {
		return err
	}
	err := v.Vault.DropShared(ctx, id)
	if err == nil && v.m.takes(diesAfterStoring) {
		panic(died{})
	}
	return err
}

func (v *modelVault) DropStray(ctx context.Context, id, unrevoked string) error {
	if err := v.away(); err != nil {
		return err
	}
	v.m.checkDrop(ctx, id)
	err := v.Vault.DropStray(ctx, id, unrevoked)
	if v.m.takes(diesAfterStoring) {
		panic(died{})
	}
	return err
}

// judge accepts or rejects what is in quarantine, or what was there before.
func (m *model) judge(n int) {
	q := m.status().Quarantine
	if q == nil {
		return
	}
	if n%2 == 0 {
		m.update(UpdateReject, RejectRequest{Authorization: q.Authorization})
		return
	}
	m.set(func() { m.belief.accepted = q.Got.Subject })
	m.update(UpdateReauthorized, ReauthorizedRequest{Authorization: q.Authorization, AcceptSubject: q.Got.Subject})
}

// checkSubject is what must hold of whose tokens the account has: the first's, until somebody accepted another's.
func (m *model) checkSubject(b belief, record vault.Record) {
	switch record.Subject {
	case "", b.subject:
	case b.accepted:
		m.believe(func(b *belief) { b.subject = record.Subject })
	default:
		if b.subject == "" {
			m.believe(func(b *belief) { b.subject = record.Subject })
			return
		}
		m.wrongf("the account belonged to %s, and has tokens of %s that nobody accepted", b.subject, record.Subject)
	}
}

// checkQuarantine is what must hold of what does not fit the account: it is there while the account says so, and no longer.
func (m *model) checkQuarantine(s AccountStatus) {
	if q := s.Quarantine; q != nil && m.now().Sub(q.Until) > time.Second {
		m.wrongf("what was in quarantine is there after its time")
	}
}
