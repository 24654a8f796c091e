package activities_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// opened is one API for all accounts.
type opened struct {
	api activities.API
	err error
}

func (o opened) API(credential.AccountID) (activities.API, error) { return o.api, o.err }

// answering serves every request in one way, below /base/.
func answering(t *testing.T, handler http.HandlerFunc) opened {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	base, err := url.Parse(server.URL + "/base/")
	require.NoError(t, err)
	return opened{api: activities.API{HTTP: server.Client(), Base: base}}
}

func TestACallSpeaksJSON(t *testing.T) {
	var target, contentType, mark, sent string
	apis := answering(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		target, contentType, mark, sent = r.Method+" "+r.URL.String(), r.Header.Get("Content-Type"), r.Header.Get("X-Mark"), string(body)
		_, _ = w.Write([]byte(`{"id":7}`))
	})
	var answer struct {
		ID int `json:"id"`
	}
	require.NoError(t, activities.Call{
		Method: http.MethodPost, Path: "v2/things.json", Query: url.Values{"q": {"a b"}}, Header: http.Header{"X-Mark": {"m"}},
		Body: map[string]string{"name": "x"},
	}.Do(t.Context(), apis, &answer))
	assert.Equal(t, 7, answer.ID)
	assert.Equal(t, "POST /base/v2/things.json?q=a+b", target)
	assert.Equal(t, "application/json", contentType)
	assert.Equal(t, "m", mark)
	assert.JSONEq(t, `{"name":"x"}`, sent)
}

func TestACallSortsItsFailures(t *testing.T) {
	for name, tt := range map[string]struct {
		status     int
		retryAfter string
		want       string
		delay      time.Duration
		final      bool
	}{
		"refused":             {status: 422, want: activities.ErrTypeRejected, final: true},
		"not there":           {status: 404, want: activities.ErrTypeRejected, final: true},
		"limited":             {status: 429, retryAfter: "90", want: activities.ErrTypeRateLimited, delay: 90 * time.Second},
		"limited for seconds": {status: 429, retryAfter: "5", want: activities.ErrTypeRateLimited, delay: 5 * time.Second},
		"limited, no hint":    {status: 429, want: activities.ErrTypeRateLimited, delay: time.Minute},
		"limited for a year":  {status: 429, retryAfter: "31536000", want: activities.ErrTypeRateLimited, delay: time.Hour},
		"down":                {status: 502, want: activities.ErrTypeProviderUnavailable},
		"down for a while":    {status: 503, retryAfter: "120", want: activities.ErrTypeProviderUnavailable, delay: 2 * time.Minute},
		"a fresh token fails": {status: 401, want: activities.ErrTypeProviderUnavailable, delay: 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			apis := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				if tt.retryAfter != "" {
					w.Header().Set("Retry-After", tt.retryAfter)
				}
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte("because\n of " + strings.Repeat("x", 3000)))
			})
			err := activities.CallError("opening", activities.Call{Method: http.MethodGet, Path: "x"}.Do(t.Context(), apis, nil))
			app, ok := errors.AsType[*temporal.ApplicationError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, tt.want, app.Type())
			assert.Equal(t, tt.final, app.NonRetryable())
			assert.Equal(t, tt.delay, app.NextRetryDelay())
			assert.Less(t, len(app.Message()), 400, "a page of HTML has no place in a history")
		})
	}
}

func TestACallThatCannotBeMade(t *testing.T) {
	unknown := opened{err: errors.New("no connector zendesk in tokenkeeper.yaml")}
	err := activities.CallError("opening", activities.Call{Method: http.MethodGet, Path: "x"}.Do(t.Context(), unknown, nil))
	assert.ErrorContains(t, err, "no connector zendesk")
	app, _ := errors.AsType[*temporal.ApplicationError](err)
	assert.Equal(t, activities.ErrTypeNotConfigured, app.Type())

	nonsense := answering(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) })
	var out struct{}
	err = activities.CallError("opening", activities.Call{Method: http.MethodGet, Path: "x"}.Do(t.Context(), nonsense, &out))
	app, _ = errors.AsType[*temporal.ApplicationError](err)
	assert.Equal(t, activities.ErrTypeProviderUnavailable, app.Type())
	assert.False(t, app.NonRetryable())
}
