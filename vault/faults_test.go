package vault

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

var errPulled = errors.New("the plug was pulled")

// faultyStore lets through so many statements, and none after that: not even a commit.
type faultyStore struct {
	store

	left int
}

func (s *faultyStore) Write(ctx context.Context, fn func(tx storage.Queryer) error) error {
	return s.store.Write(ctx, func(tx storage.Queryer) error {
		err := fn(faultyTx{tx, s})
		if err == nil && !s.passes() {
			err = errPulled
		}
		return err
	})
}

func (s *faultyStore) Read(ctx context.Context, fn func(q storage.Queryer) error) error {
	return s.store.Read(ctx, func(q storage.Queryer) error { return fn(faultyTx{q, s}) })
}

func (s *faultyStore) passes() bool {
	s.left--
	return s.left >= 0
}

type faultyTx struct {
	tx storage.Queryer
	s  *faultyStore
}

func (f faultyTx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if !f.s.passes() {
		return nil, errPulled
	}
	return f.tx.ExecContext(ctx, query, args...)
}

func (f faultyTx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if !f.s.passes() {
		return nil, errPulled
	}
	return f.tx.QueryContext(ctx, query, args...)
}

func (f faultyTx) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if !f.s.passes() {
		over, cancel := context.WithCancelCause(ctx)
		cancel(errPulled)
		return f.tx.QueryRowContext(over, query, args...) // the only way to a row that fails
	}
	return f.tx.QueryRowContext(ctx, query, args...)
}

// pullAt makes the vault fail from its n-th statement on, until it is mended.
func pullAt(v *Vault, n int) (mend func()) {
	whole := v.store
	v.store = &faultyStore{store: whole, left: n}
	return func() { v.store = whole }
}

// dump is everything in the database.
func dump(t testing.TB, v *Vault) string {
	t.Helper()
	var text string
	for _, table := range []string{"canary", "records", "shredded", "authorizations", "logins", "links", "deliveries", "budgets", "ended_sessions", "retired_keys", "audit"} {
		require.NoError(t, v.store.Read(t.Context(), func(q storage.Queryer) error {
			rows, err := q.QueryContext(t.Context(), `SELECT * FROM `+table+` ORDER BY 1`) //nolint:unqueryvet // everything is the point
			if err != nil {
				return err
			}
			defer rows.Close()
			columns, err := rows.Columns()
			if err != nil {
				return err
			}
			for rows.Next() {
				row := make([]any, len(columns))
				into := make([]any, len(columns))
				for i := range row {
					into[i] = &row[i]
				}
				if err := rows.Scan(into...); err != nil {
					return err
				}
				text += fmt.Sprintln(table, row)
			}
			return rows.Err()
		}))
	}
	return text
}

// Whatever happens between two statements, an operation has happened or it has not.
func testOperationsAreWholeOrNothing(t *testing.T, b backend) {
	l := login("s1", slack)
	for name, operation := range map[string]func(*Vault) error{
		"Present":          func(v *Vault) error { _, err := v.Present(t.Context(), slack, 1, 1, "one"); return err },
		"Withdraw":         func(v *Vault) error { return v.Withdraw(t.Context(), slack, 1) },
		"Swap":             func(v *Vault) error { _, err := v.Swap(t.Context(), slack, 1, tokens("two")); return err },
		"Adopt the first":  func(v *Vault) error { _, err := v.Adopt(t.Context(), "first"); return err },
		"Adopt the second": func(v *Vault) error { _, err := v.Adopt(t.Context(), "second"); return err },
		"PutAuthorization": func(v *Vault) error { return v.PutAuthorization(t.Context(), authorization("new", slack, "T1/B1")) },
		"Identify": func(v *Vault) error {
			_, err := v.Identify(t.Context(), "whose", credential.Holder{Subject: "T1/B1"}, nil)
			return err
		},
		"DropAuthorization": func(v *Vault) error { return v.DropAuthorization(t.Context(), "first", "") },
		"Quarantine":        func(v *Vault) error { _, err := v.Quarantine(t.Context(), "first", newClock().Now()); return err },
		"Accept":            func(v *Vault) error { _, err := v.Accept(t.Context(), "second", "T1/B1"); return err },
		"PutLogin":          func(v *Vault) error { return v.PutLogin(t.Context(), login("s2", slack)) },
		"TakeLogin":         func(v *Vault) error { _, err := v.TakeLogin(t.Context(), l.StateHash); return err },
		"KeepDelivery":      func(v *Vault) error { return v.KeepDelivery(t.Context(), newClock().delivery("one")) },
		"Shred":             func(v *Vault) error { return v.Shred(t.Context(), slack2, 1, "") },
		"Prune":             func(v *Vault) error { return v.Prune(t.Context()) },
	} {
		t.Run(name, func(t *testing.T) {
			v, _ := b.newVault(t)
			connectAccount(t, v, "a1", slack, "T1/B1")
			connectAccount(t, v, "of one that leaves", slack2, "T1/B2")
			_, err := v.Present(t.Context(), slack, 1, 0, "one")
			require.NoError(t, err)
			require.NoError(t, v.PutAuthorization(t.Context(), authorization("first", github, "42")))
			require.NoError(t, v.PutAuthorization(t.Context(), authorization("second", slack, "T1/B1")))
			require.NoError(t, v.PutAuthorization(t.Context(), authorization("whose", slack, "")))
			require.NoError(t, v.PutLogin(t.Context(), l))
			wholeOrNothing(t, v, operation)
		})
	}
}

// wholeOrNothing has the plug pulled after each statement of an operation.
func wholeOrNothing(t *testing.T, v *Vault, operation func(*Vault) error) {
	t.Helper()
	before := dump(t, v)
	failed := 0
	for ; ; failed++ {
		require.Less(t, failed, 50, "it never gets through")
		mend := pullAt(v, failed)
		err := operation(v)
		mend()
		if err == nil {
			break
		}
		require.True(t, errors.Is(err, errPulled) || errors.Is(err, context.Canceled), "%v", err)
		require.Equal(t, before, dump(t, v), "after %d statements", failed)
	}
	assert.GreaterOrEqual(t, failed, 2, "a statement and the commit")
}

// The answer that travelled through a history is stored, or it opens still for whoever tries again.
func testCarriedTokensAreStoredOrOpenStill(t *testing.T, b backend) {
	v, _ := b.newVault(t)
	r := connectAccount(t, v, "a1", slack, "T1/B1")
	_, err := v.Present(t.Context(), slack, 1, 0, "one")
	require.NoError(t, err)
	carried, err := v.SealTokens(r, tokens("two"))
	require.NoError(t, err)
	wholeOrNothing(t, v, func(v *Vault) error {
		opened, err := v.OpenTokens(t.Context(), slack, 1, carried)
		if err != nil {
			return err
		}
		_, err = v.Swap(t.Context(), slack, 1, opened)
		return err
	})
	now, err := v.Get(t.Context(), slack)
	require.NoError(t, err)
	assert.Equal(t, tokens("two"), now.Tokens)
	assert.Nil(t, now.Presented)
	_, err = v.OpenTokens(t.Context(), slack, 1, carried)
	require.ErrorIs(t, err, ErrConflict, "its key went with the generation")
}

// A rotation goes step by step, and none of them is ever half done: neither the change of keys nor a row.
func testStepsOfARotationAreWholeOrNothing(t *testing.T, b backend) {
	type reseal func(ctx context.Context, tx storage.Queryer, s sealer, key any) error
	for name, c := range map[string]struct {
		old    bool // of before there were data keys
		reseal reseal
		key    any
		left   Rows
	}{
		"record":                           {reseal: resealRecord, key: slack.String(), left: Rows{Records: 1, Authorizations: 1, Logins: 1}},
		"authorization":                    {reseal: resealAuthorization, key: "a3", left: Rows{Records: 2, Logins: 1}},
		"login":                            {reseal: resealLogin, key: login("s1", slack).StateHash, left: Rows{Records: 2, Authorizations: 1}},
		"record without a data key":        {old: true, reseal: resealRecord, key: slack.String(), left: Rows{Records: 1, Authorizations: 1, Logins: 1}},
		"authorization without a data key": {old: true, reseal: resealAuthorization, key: "a3", left: Rows{Records: 2, Logins: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			f := b.newFixture(t)
			v := f.open(t)
			fill(t, v)
			if c.old {
				sealAsBeforeDataKeys(t, f, v)
			}
			want, err := v.Get(t.Context(), slack)
			require.NoError(t, err)
			next, err := v.addKey(t.Context(), &Rotation{})
			require.NoError(t, err)
			wholeOrNothing(t, v, func(v *Vault) error { return v.putInForce(t.Context(), next) })
			assert.Equal(t, next, v.inForce.Load())

			wholeOrNothing(t, v, func(v *Vault) error {
				return v.writeSealed(t.Context(), func(tx storage.Queryer, s sealer) error { return c.reseal(t.Context(), tx, s, c.key) })
			})
			assert.Empty(t, f.verified(t).Damaged)
			r, err := v.Rotate(t.Context(), RotateOptions{DropOld: true})
			require.NoError(t, err)
			assert.Equal(t, c.left, r.Resealed, "the one is done")
			f.allUnder(t, next)
			got, err := v.Get(t.Context(), slack)
			require.NoError(t, err)
			assert.Equal(t, want.Tokens, got.Tokens)
		})
	}
}
