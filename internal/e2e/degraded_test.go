package e2e

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
)

// whoami is a request of each provider that any good token is enough for.
var whoami = map[string]string{"slack": "auth.test", "github": "user"}

// asks calls an API through the connector.
func (w *world) asks(account credential.AccountID) error {
	api, err := w.API(account)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, api.Base.JoinPath(whoami[account.Connector]).String(), http.NoBody)
	if err != nil {
		return err
	}
	answer, err := api.HTTP.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || strings.Contains(string(body), `"ok":false`)) {
		err = fmt.Errorf("%s: %s", answer.Status, body)
	}
	return err
}

// agent is one that asks again and again.
type agent struct {
	mu       sync.Mutex
	answered int     // guarded by mu
	failures []error // guarded by mu
}

func (a *agent) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.answered
}

// works has an agent ask until stop is called, which returns what failed.
func (w *world) works(account credential.AccountID) (a *agent, stop func() []error) {
	a = &agent{}
	enough, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			err := w.asks(account)
			a.mu.Lock()
			a.answered++
			if err != nil {
				a.failures = append(a.failures, err)
			}
			a.mu.Unlock()
			select {
			case <-enough:
				return
			case <-time.After(100 * time.Millisecond): // as often as a busy agent
			}
		}
	}()
	stop = sync.OnceValue(func() []error { close(enough); <-ended; return a.failures })
	w.t.Cleanup(func() { stop() })
	return a, stop
}

// The clock's refresh learns that the grant is dead, and the access token lives on. People hear at once, calls go on, and because
// somebody consents before the token ends, nothing ever stops.
func TestADeadGrantServesUntilItsAccessTokenEnds(t *testing.T) {
	besideFor(t, 90*time.Second)
	const lifetime = 90 * time.Second // the refresh comes 18 to 27 s before its end
	w := newWorld(t, sandbox.Options{Slack: sandbox.AppOptions{AccessLifetime: lifetime}})
	pager, _ := w.telling(t)
	pager.patience = 0
	account := w.connect("slack")
	before := w.status(account)
	require.NoError(t, w.sandbox.Fault(sandbox.Fault{
		App: sandbox.Slack, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Code: "invalid_refresh_token", Times: -1,
	}))
	working, stop := w.works(account)
	w.within(lifetime, "the dead grant", func() bool { return w.status(account).Status == credential.Degraded })
	w.eventually("the news", func() bool { return len(pager.got()) == 1 })
	news := pager.got()[0]
	assert.Equal(t, string(credential.Degraded), news.Status)
	assert.WithinDuration(t, before.ExpiresAt, news.Until, time.Millisecond)
	assert.True(t, news.At.Before(news.Until), "while the token lives")
	assert.Regexp(t, consentLink, news.Link)
	degraded := working.count()
	w.eventually("more calls", func() bool { return working.count() >= degraded+10 })
	require.Equal(t, credential.Degraded, w.status(account).Status)

	w.sandbox.ClearFaults()
	w.reauthorize(account)
	require.True(t, time.Now().Before(before.ExpiresAt), "the machine is too slow for this test")
	w.eventually("the end of the first token", func() bool { return time.Now().After(before.ExpiresAt) })
	after := working.count()
	w.eventually("calls after it", func() bool { return working.count() >= after+10 })
	assert.Empty(t, stop(), "no call ever failed")
	assert.Equal(t, before.Generation+1, w.status(account).Generation)
	w.eventually("the news of its end", func() bool { return len(pager.got()) == 2 })
	assert.True(t, pager.got()[1].Recovery)
}
