package connector

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
	"tokenkeeper/vault"
)

var account = credential.AccountID{Organization: "acme", User: "triage", Connector: "api"}

// world is a provider's API, a vault and an owner in one: only the token of the newest generation is good.
type world struct {
	*httptest.Server
	mu        sync.Mutex
	vault     vault.Access // what the vault holds
	cached    vault.Access // what the cache holds
	absent    bool
	refreshes int
	answer    Answer // of the owner when it does not refresh
	stuck     bool   // the owner does not refresh
	refusing  bool   // the API refuses every token
	revoked   bool   // the API refuses every token until the owner gets another one
	requests  []string
	calls     atomic.Int64
	// dead answers a request whose token is no longer good.
	dead http.HandlerFunc
}

func newWorld(t *testing.T) *world {
	w := &world{dead: func(rw http.ResponseWriter, _ *http.Request) {
		http.Error(rw, "Bad credentials", http.StatusUnauthorized)
	}}
	w.Server = httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(w.Close)
	w.issue()
	w.cached = w.vault
	return w
}

func (w *world) issue() {
	w.vault.Generation++
	w.vault.Account = account
	w.vault.Token = credential.NewSecret("token-" + string(rune('0'+w.vault.Generation)))
	w.vault.ExpiresAt = time.Now().Add(time.Hour)
}

func (w *world) serve(rw http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	w.calls.Add(1)
	w.mu.Lock()
	w.requests = append(w.requests, req.Header.Get("Authorization")+" "+string(body))
	good := !w.refusing && !w.revoked && req.Header.Get("Authorization") == "Bearer "+w.vault.Token.Reveal()
	w.mu.Unlock()
	if !good {
		w.dead(rw, req)
		return
	}
	rw.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(rw, `{"ok":true}`)
}

func (w *world) Access(context.Context, credential.AccountID) (vault.Access, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.absent {
		return vault.Access{}, vault.ErrNotFound
	}
	return w.cached, nil
}

func (w *world) Reload(context.Context, credential.AccountID) (vault.Access, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.absent {
		return vault.Access{}, vault.ErrNotFound
	}
	w.cached = w.vault
	return w.vault, nil
}

func (w *world) Refresh(_ context.Context, _ credential.AccountID, seen credential.Generation) (Answer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stuck {
		return w.answer, nil
	}
	if w.vault.Generation <= seen {
		w.refreshes++
		w.revoked = false
		w.issue()
	}
	return Answer{Generation: w.vault.Generation, Status: credential.Active}, nil
}

func (w *world) client() *http.Client {
	p := provider.Provider{ID: "api", Endpoints: provider.Endpoints{API: w.URL + "/"}}
	p.API.DeadToken = provider.DeadToken{Statuses: []int{401}, Codes: []string{"token_expired"}}
	return &http.Client{Transport: &Transport{Account: account, Provider: p, Tokens: w, Owner: w, Flights: &Flights{}}}
}

// kill ends the current token at the provider without anybody's knowledge.
func (w *world) kill() { w.vault.Token = credential.NewSecret("unknown to all") }

func post(t *testing.T, c *http.Client, url, body string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	require.NoError(t, err)
	resp, err := c.Do(req)
	if err == nil {
		t.Cleanup(func() { _ = resp.Body.Close() })
	}
	return resp, err
}

func TestAGoodTokenIsInjected(t *testing.T) {
	w := newWorld(t)
	resp, err := post(t, w.client(), w.URL+"/x", "hello")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, []string{"Bearer token-1 hello"}, w.requests)
}

func TestADeadTokenIsRefreshedOnceAndTheRequestReplayed(t *testing.T) {
	w := newWorld(t)
	w.kill()
	resp, err := post(t, w.client(), w.URL+"/x", "hello")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, []string{"Bearer token-1 hello", "Bearer token-2 hello"}, w.requests)
	assert.Equal(t, 1, w.refreshes)
}

func TestAnErrorInsideHTTP200IsADeadTokenToo(t *testing.T) {
	w := newWorld(t)
	w.dead = func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = io.WriteString(rw, `{"ok":false,"error":"token_expired"}`)
	}
	w.kill()
	resp, err := post(t, w.client(), w.URL+"/x", "hello")
	require.NoError(t, err)
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.JSONEq(t, `{"ok":true}`, string(body))
	assert.Equal(t, 1, w.refreshes)
}

func TestOtherAnswersPassUntouched(t *testing.T) {
	long := `{"ok":false,"error":"token_expired","filler":"` + strings.Repeat("x", peekSize) + `"}`
	for name, answer := range map[string]struct {
		status int
		body   string
	}{
		"another error":   {200, `{"ok":false,"error":"channel_not_found"}`},
		"a long body":     {200, long},
		"no JSON":         {200, `<html>`},
		"forbidden":       {403, `{"message":"rate limit"}`},
		"not found":       {404, `{"message":"Not Found"}`},
		"throttled":       {429, `{}`},
		"a fault":         {500, `oops`},
		"an ok elsewhere": {200, `{"data":{"ok":false,"error":"token_expired"}}`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.dead = func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header().Set("Content-Type", "application/json")
				rw.WriteHeader(answer.status)
				_, _ = io.WriteString(rw, answer.body)
			}
			w.kill()
			resp, err := post(t, w.client(), w.URL+"/x", "")
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			assert.Equal(t, answer.status, resp.StatusCode)
			assert.Equal(t, answer.body, string(body))
			assert.Zero(t, w.refreshes)
		})
	}
}

func TestANewerGenerationInTheVaultNeedsNoRefresh(t *testing.T) {
	w := newWorld(t)
	w.issue() // by another worker; our cache still holds generation 1
	resp, err := post(t, w.client(), w.URL+"/x", "")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Zero(t, w.refreshes)
}

func TestATokenKnownToBeOverIsNotSent(t *testing.T) {
	w := newWorld(t)
	w.vault.ExpiresAt = time.Now().Add(-time.Second)
	w.cached = w.vault
	resp, err := post(t, w.client(), w.URL+"/x", "hello")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, []string{"Bearer token-2 hello"}, w.requests)
}

func TestAFreshTokenThatIsRefusedIsNotRefreshedAgain(t *testing.T) {
	w := newWorld(t)
	w.refusing = true
	resp, err := post(t, w.client(), w.URL+"/x", "")
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
	assert.EqualValues(t, 2, w.calls.Load())
	assert.Equal(t, 1, w.refreshes)
}

// A revocation ends every generation. A worker whose cache is one behind finds a newer token in the vault, and must not
// take that for the owner's last word.
func TestAFoundTokenThatIsDeadTooIsReported(t *testing.T) {
	for name, stuck := range map[string]bool{"revoked": true, "refreshed": false} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.issue() // by another worker; our cache still holds generation 1
			w.revoked = true
			w.stuck, w.answer = stuck, Answer{Generation: 2, Status: credential.ReauthorizationRequired, Reason: "revoked"}
			resp, err := post(t, w.client(), w.URL+"/x", "hello")
			if stuck {
				var unavailable *UnavailableError
				require.ErrorAs(t, err, &unavailable)
				assert.Equal(t, credential.ReauthorizationRequired, unavailable.Status)
				assert.EqualValues(t, 2, w.calls.Load())
				return
			}
			require.NoError(t, err)
			assert.Equal(t, http.StatusOK, resp.StatusCode)
			assert.Equal(t, 1, w.refreshes)
			assert.EqualValues(t, 3, w.calls.Load())
		})
	}
}

func TestManyCallersOneRefresh(t *testing.T) {
	w := newWorld(t)
	w.kill()
	c := w.client()
	var group sync.WaitGroup
	for range 64 {
		group.Go(func() {
			resp, err := post(t, c, w.URL+"/x", "hello")
			if assert.NoError(t, err) {
				assert.Equal(t, http.StatusOK, resp.StatusCode)
			}
		})
	}
	group.Wait()
	assert.Equal(t, 1, w.refreshes)
}

func TestWhatTheOwnerSaysReachesTheCaller(t *testing.T) {
	w := newWorld(t)
	w.kill()
	w.stuck, w.answer = true, Answer{Generation: 1, Status: credential.ReauthorizationRequired, Reason: "revoked"}
	resp, err := post(t, w.client(), w.URL+"/x", "")
	assert.Nil(t, resp)
	down, ok := errors.AsType[*UnavailableError](err)
	require.True(t, ok, "%v", err)
	assert.True(t, down.NeedsPerson())
	assert.EqualValues(t, 1, down.Generation)
	assert.ErrorContains(t, err, "acme/triage/api")
	assert.ErrorContains(t, err, "revoked")
	assert.ErrorContains(t, err, "tokenkeeper account reauthorize acme/triage/api")
	assert.NotContains(t, err.Error(), "token-1")
}

func TestAnAccountThatWasNeverConnected(t *testing.T) {
	w := newWorld(t)
	w.absent, w.stuck, w.answer = true, true, Answer{Status: credential.Pending}
	resp, err := post(t, w.client(), w.URL+"/x", "")
	assert.Nil(t, resp)
	assert.ErrorContains(t, err, "tokenkeeper account connect acme/triage/api")
	assert.Zero(t, w.calls.Load())
}

func TestOtherHostsNeverReceiveAToken(t *testing.T) {
	w := newWorld(t)
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { assert.Fail(t, "was asked") }))
	defer stranger.Close()
	resp, err := post(t, w.client(), stranger.URL, "")
	assert.Nil(t, resp)
	_, ok := errors.AsType[*HostError](err)
	assert.True(t, ok, "%v", err)
}

func TestARedirectToAnotherHostIsNotFollowedWithAToken(t *testing.T) {
	w := newWorld(t)
	stranger := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { assert.Fail(t, "was asked") }))
	defer stranger.Close()
	w.dead = func(rw http.ResponseWriter, req *http.Request) {
		http.Redirect(rw, req, stranger.URL, http.StatusFound)
	}
	w.kill()
	resp, err := post(t, w.client(), w.URL+"/x", "")
	assert.Nil(t, resp)
	_, ok := errors.AsType[*HostError](err)
	assert.True(t, ok, "%v", err)
}

func TestAnEmptyTokenParameterIsTakenOutOfForms(t *testing.T) {
	w := newWorld(t)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/x", strings.NewReader("channel=C1&token="))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := w.client().Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, []string{"Bearer token-1 channel=C1"}, w.requests)
}

func TestABodyThatCannotBeRewoundIsReplayedToo(t *testing.T) {
	w := newWorld(t)
	w.kill()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.URL+"/x", io.MultiReader(strings.NewReader("hello")))
	require.NoError(t, err)
	resp, err := w.client().Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, []string{"Bearer token-1 hello", "Bearer token-2 hello"}, w.requests)
}

func TestACallerThatGoesAwayLeavesTheRefreshRunning(t *testing.T) {
	w := newWorld(t)
	w.kill()
	release, entered := make(chan struct{}), make(chan struct{})
	var ended atomic.Bool
	owner := ownerFunc(func(ctx context.Context, account credential.AccountID, seen credential.Generation) (Answer, error) {
		close(entered)
		<-release
		assert.NoError(t, ctx.Err())
		defer ended.Store(true)
		return w.Refresh(ctx, account, seen)
	})
	c := w.client()
	transport, ok := c.Transport.(*Transport)
	require.True(t, ok)
	transport.Owner = owner
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.URL+"/x", nil)
	require.NoError(t, err)
	go func() { <-entered; cancel() }()
	resp, err := c.Do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	require.ErrorIs(t, err, context.Canceled)
	close(release)
	require.Eventually(t, ended.Load, 5*time.Second, time.Millisecond)
}

type ownerFunc func(context.Context, credential.AccountID, credential.Generation) (Answer, error)

func (f ownerFunc) Refresh(ctx context.Context, account credential.AccountID, seen credential.Generation) (Answer, error) {
	return f(ctx, account, seen)
}
