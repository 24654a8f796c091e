package vault

import (
	"testing"

	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/internal/postgrestest"
)

// benchVault has one account, and the clock of the real world with a token that outlives the benchmark.
func benchVault(b *testing.B, on backend) *Vault {
	b.Helper()
	f := on.newFixture(b)
	if on.name == onPostgres.name {
		f.url = durableDatabase(b)
	}
	v, err := Open(b.Context(), Options{Path: f.path, URL: f.url, Keyset: f.keyset})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, v.Close()) })
	connectAt(b, v, slack, "T0/B0")
	return v
}

// connectAt is connectAccount by the clock of the real world.
func connectAt(b *testing.B, v *Vault, account credential.AccountID, subject credential.Subject) Record {
	b.Helper()
	a := authorization(account.String(), account, subject)
	a.ExpiresAt = v.now().AddDate(1, 0, 0)
	a.Tokens.ExpiresAt = a.ExpiresAt
	require.NoError(b, v.PutAuthorization(b.Context(), a))
	r, err := v.Adopt(b.Context(), a.ID)
	require.NoError(b, err)
	return r
}

// durableDatabase is in a server that waits for the disk, as one in production does.
func durableDatabase(b *testing.B) credential.Secret {
	b.Helper()
	s, err := postgrestest.Start(b.Context(), true)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, s.Remove()) })
	require.NoError(b, s.CreateDatabase(b.Context(), "bench"))
	return credential.NewSecret(s.URL("bench"))
}

// onEach runs a benchmark on every database.
func onEach(b *testing.B, run func(b *testing.B, v *Vault)) {
	b.Helper()
	for _, on := range backends {
		b.Run(on.name, func(b *testing.B) { run(b, benchVault(b, on)) })
	}
}

// perSecond reports how many of something there were in a second.
func perSecond(b *testing.B, of string) {
	b.Helper()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), of+"/s")
}

func BenchmarkCachedAccess(b *testing.B) {
	c := NewCache(benchVault(b, onSQLite))
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Access(ctx, slack); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCachedAccessParallel(b *testing.B) {
	c := NewCache(benchVault(b, onSQLite))
	ctx := b.Context()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Access(ctx, slack); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkReload(b *testing.B) {
	onEach(b, func(b *testing.B, v *Vault) {
		b.Helper()
		c := NewCache(v)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.Reload(b.Context(), slack); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkGet(b *testing.B) {
	onEach(b, func(b *testing.B, v *Vault) {
		b.Helper()
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Get(b.Context(), slack); err != nil {
				b.Fatal(err)
			}
		}
		perSecond(b, "reads")
	})
}

func BenchmarkSwap(b *testing.B) {
	onEach(b, func(b *testing.B, v *Vault) {
		b.Helper()
		b.ReportAllocs()
		for g := credential.Generation(1); b.Loop(); g++ {
			if _, err := v.Swap(b.Context(), slack, g, tokens("next")); err != nil {
				b.Fatal(err)
			}
		}
		perSecond(b, "swaps")
	})
}

// BenchmarkSwapOfManyAccounts is many accounts that are refreshed at the same time: whether they get in each other's way.
func BenchmarkSwapOfManyAccounts(b *testing.B) {
	onEach(b, func(b *testing.B, v *Vault) {
		b.Helper()
		const accounts = 64
		free := make(chan *Record, accounts)
		for i := range accounts {
			r := connectAt(b, v, accountNumber(i), subjectNumber(i))
			free <- &r
		}
		b.ReportAllocs()
		b.SetParallelism(16)
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				r := <-free
				g, err := v.Swap(b.Context(), r.Account, r.Generation, tokens("next"))
				if err != nil {
					b.Error(err)
				}
				r.Generation = g
				free <- r
			}
		})
		perSecond(b, "swaps")
	})
}

// BenchmarkPresentAndSwap is what a refresh costs the vault.
func BenchmarkPresentAndSwap(b *testing.B) {
	onEach(b, func(b *testing.B, v *Vault) {
		b.Helper()
		b.ReportAllocs()
		for g := credential.Generation(1); b.Loop(); g++ {
			if _, err := v.Present(b.Context(), slack, g, 0, "one"); err != nil {
				b.Fatal(err)
			}
			if _, err := v.Swap(b.Context(), slack, g, tokens("next")); err != nil {
				b.Fatal(err)
			}
		}
		perSecond(b, "refreshes")
	})
}

// BenchmarkNewAccount is what a new account costs a cache that holds 10,000 already.
func BenchmarkNewAccount(b *testing.B) {
	c := scriptedCache(func() (Access, error) { return generation(1), nil })
	for i := range 10_000 {
		c.slots.make(accountNumber(i))
	}
	b.ReportAllocs()
	for b.Loop() {
		c.slots.make(slack)
		c.Forget(slack)
	}
}
