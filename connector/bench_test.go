package connector

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/oauth2"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
	"tokenkeeper/vault"
)

// benchTokens is a cache in front of a real vault that holds one good token.
func benchTokens(b testing.TB) *vault.Cache {
	b.Helper()
	dir := b.TempDir()
	keyset, err := vault.CreateKeyset(filepath.Join(dir, "vault.key"))
	require.NoError(b, err)
	v, err := vault.Open(b.Context(), vault.Options{Path: filepath.Join(dir, "vault.db"), Keyset: keyset})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, v.Close()) })
	expires := time.Now().AddDate(1, 0, 0)
	require.NoError(b, v.PutAuthorization(b.Context(), vault.Authorization{
		ID: "authorization", Account: account, Subject: "T1/U1", ExpiresAt: expires, Tokens: credential.Tokens{
			Access: credential.NewSecret("xoxe.xoxb-1-benchmark"), Type: "Bearer", IssuedAt: time.Now(), ExpiresAt: expires,
		},
	}))
	_, err = v.Adopt(b.Context(), "authorization")
	require.NoError(b, err)
	return vault.NewCache(v)
}

// What every request pays for its token costs no garbage.
func TestAFreshTokenAllocatesNothing(t *testing.T) {
	transport := &Transport{Account: account, Tokens: benchTokens(t)}
	ctx := t.Context()
	var failed error
	get := func() {
		if token, asked, err := transport.usable(ctx); err != nil || asked || token.Generation != 1 {
			failed = fmt.Errorf("generation %d, asked %t: %w", token.Generation, asked, err)
		}
	}
	get() // the first comes from the vault
	allocs := testing.AllocsPerRun(1000, get)
	require.NoError(t, failed)
	assert.Zero(t, allocs)
}

// BenchmarkFreshToken compares what it takes to have a token that is good in hand: ours is shared over accounts and
// processes, durable and fenced; the other is golang.org/x/oauth2's, one token in one process behind a mutex.
func BenchmarkFreshToken(b *testing.B) {
	ours := benchTokens(b)
	theirs := oauth2.ReuseTokenSource(&oauth2.Token{AccessToken: "xoxe.xoxb-1-benchmark", Expiry: time.Now().AddDate(1, 0, 0)}, nil)
	ctx := b.Context()
	get := map[string]func() error{
		"connector": func() error { _, err := ours.Access(ctx, account); return err },
		"x-oauth2":  func() error { _, err := theirs.Token(); return err },
	}
	for _, who := range []string{"connector", "x-oauth2"} {
		b.Run("source="+who+"/callers=one", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := get[who](); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("source="+who+"/callers=many", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := get[who](); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// nowhere answers at once, so that what is left is the transport's own work.
type nowhere struct{}

func (nowhere) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader("{}")), Header: http.Header{}, Request: req}, nil
}

// BenchmarkRoundTrip compares a whole request through the connector with one through x/oauth2's transport.
func BenchmarkRoundTrip(b *testing.B) {
	p := provider.Provider{ID: "api", Endpoints: provider.Endpoints{API: "https://api.example.com/"}}
	token := &oauth2.Token{AccessToken: "xoxe.xoxb-1-benchmark", Expiry: time.Now().AddDate(1, 0, 0)}
	for who, transport := range map[string]http.RoundTripper{
		"connector": &Transport{Account: account, Provider: p, Tokens: benchTokens(b), Flights: &Flights{}, Base: nowhere{}},
		"x-oauth2":  &oauth2.Transport{Source: oauth2.ReuseTokenSource(token, nil), Base: nowhere{}},
	} {
		b.Run("source="+who, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://api.example.com/x", nil)
				require.NoError(b, err)
				resp, err := transport.RoundTrip(req)
				require.NoError(b, err)
				require.NoError(b, resp.Body.Close())
			}
		})
	}
}
