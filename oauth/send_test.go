package oauth_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/oauth"
)

// hangUp closes the connection without a word.
func hangUp(w http.ResponseWriter, _ *http.Request) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		_ = connection.Close()
	}
}

// breakOff promises more than it sends.
func breakOff(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "500")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"access_token":"new-access","refresh_to`)
	}
}

func tooLong(status int) http.HandlerFunc {
	return answerJSON(status, `{"access_token":"new-access","padding":"`+strings.Repeat("x", 1<<20)+`"}`)
}

func TestAnswersThatAreNone(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   credential.FailureKind
		status int
		text   string
	}{
		{"lost", hangUp, credential.Ambiguous, 0, "the connection was lost before the answer"},
		{"200 broken off", breakOff(200), credential.Ambiguous, 200, "the answer broke off"},
		{"400 broken off", breakOff(400), credential.Transient, 400, "the answer broke off"},
		{"429 broken off", breakOff(429), credential.Throttled, 429, "the answer broke off"},
		{"500 broken off", breakOff(500), credential.Ambiguous, 500, "the answer broke off"},
		{"200 too long", tooLong(200), credential.Malformed, 200, "longer than 1 MiB"},
		{"500 too long", tooLong(500), credential.Ambiguous, 500, "longer than 1 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, c.answer)
			_, err := client(t, "zendesk", s.URL).Refresh(t.Context(), presented())
			e := failure(t, err, "new-access", s.URL)
			assert.Equal(t, c.want, e.Kind)
			assert.Equal(t, c.status, e.Status)
			assert.True(t, e.Sent)
			assert.ErrorContains(t, err, c.text)
			s.only(t)
		})
	}
}

func TestHangPastTheDeadline(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) }) // before the server's own cleanup, which waits for the handler

	c := clientOf(catalogued(t, "zendesk", s.URL), oauth.Options{Timeout: 50 * time.Millisecond})
	_, err := c.Refresh(t.Context(), presented())
	e := failure(t, err, s.URL)
	assert.Equal(t, credential.Ambiguous, e.Kind)
	assert.True(t, e.Sent)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	assert.ErrorContains(t, err, "no answer within the time limit")
	s.only(t)
}

func TestBodyHangsPastTheDeadline(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-release
	})
	t.Cleanup(func() { close(release) })

	lent := &http.Client{Timeout: 50 * time.Millisecond} // the shorter of both limits counts
	_, err := clientOf(catalogued(t, "zendesk", s.URL), oauth.Options{HTTP: lent}).Refresh(t.Context(), presented())
	e := failure(t, err)
	assert.Equal(t, credential.Ambiguous, e.Kind)
	assert.Equal(t, 200, e.Status)
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	s.only(t)
}

func TestCallerGoesAway(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	s := serve(t, func(http.ResponseWriter, *http.Request) { cancel(); <-release })
	t.Cleanup(func() { close(release) })

	_, err := client(t, "zendesk", s.URL).Refresh(ctx, presented())
	e := failure(t, err)
	assert.Equal(t, credential.Ambiguous, e.Kind)
	assert.ErrorIs(t, err, context.Canceled)
	s.only(t)

	_, err = client(t, "zendesk", s.URL).Refresh(ctx, presented())
	e = failure(t, err)
	assert.Equal(t, credential.Transient, e.Kind, "canceled before anything was sent")
	assert.False(t, e.Sent)
	s.only(t)
}

func TestNotSent(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	refused := "http://" + closed.Addr().String()
	require.NoError(t, closed.Close())
	untrusted := newServer(http.NotFound)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)

	for _, c := range []struct{ name, base, text string }{
		{"refused", refused, "the connection was refused"},
		{"certificate", untrusted.URL, "certificate is not trusted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := client(t, "zendesk", c.base).Refresh(t.Context(), presented())
			e := failure(t, err, c.base)
			assert.Equal(t, credential.Transient, e.Kind)
			assert.False(t, e.Sent)
			assert.Zero(t, e.Status)
			assert.ErrorContains(t, err, c.text)
		})
	}
}

func TestNotSentByName(t *testing.T) {
	lookup := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "as.example.com", IsNotFound: true}}
	}}
	c := clientOf(catalogued(t, "zendesk", "https://as.example.com"), oauth.Options{HTTP: &http.Client{Transport: lookup}})
	_, err := c.Refresh(t.Context(), presented())
	e := failure(t, err, "as.example.com")
	assert.Equal(t, credential.Transient, e.Kind)
	assert.ErrorContains(t, err, "the host name was not found")
}

func TestConnectHangsPastTheDeadline(t *testing.T) {
	stuck := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	c := clientOf(catalogued(t, "zendesk", "https://as.example.com"),
		oauth.Options{HTTP: &http.Client{Transport: stuck}, Timeout: 20 * time.Millisecond})
	_, err := c.Refresh(t.Context(), presented())
	e := failure(t, err)
	assert.Equal(t, credential.Transient, e.Kind)
	assert.False(t, e.Sent)
	assert.ErrorContains(t, err, "could not connect within the time limit")
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	for _, status := range []int{301, 302, 303, 307, 308} {
		elsewhere := serve(t, answerJSON(200, goodAnswer))
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", elsewhere.URL+"/token?hint=from-the-server")
			w.WriteHeader(status)
		})
		_, err := client(t, "zendesk", s.URL).Refresh(t.Context(), presented())
		e := failure(t, err, elsewhere.URL, "from-the-server")
		assert.Equal(t, credential.Misconfigured, e.Kind)
		assert.ErrorContains(t, err, "set the endpoint to its final URL")
		s.only(t)
		assert.Empty(t, elsewhere.received())
	}
}

// The lent client brings everything that could send a token twice or elsewhere; none of it may act.
func TestLentClientIsTamed(t *testing.T) {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	s := newServer(func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "1"})
		answerJSON(200, goodAnswer)(w, r)
	})
	var connections atomic.Int32
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)

	lent := s.Client()
	lent.Jar = jar
	response, err := lent.Get(s.URL + "/warm-up") // leaves an idle HTTP/2 connection behind
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())

	c := clientOf(catalogued(t, "zendesk", s.URL), oauth.Options{HTTP: lent})
	for range 3 {
		_, err = c.Refresh(t.Context(), presented())
		require.NoError(t, err)
	}
	assert.EqualValues(t, 1+3, connections.Load(), "each refresh has a connection of its own")
	for _, request := range s.received()[1:] {
		assert.Equal(t, "HTTP/1.1", request.proto)
		assert.NotContains(t, request.header, "Cookie")
	}
}

// net/http sends again by itself when a kept connection dies: the second request must still arrive once.
func TestLostAnswerAfterAGoodOne(t *testing.T) {
	var calls atomic.Int32
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) == 1 {
			answerJSON(200, goodAnswer)(w, r)
			return
		}
		hangUp(w, r)
	})
	c := clientOf(catalogued(t, "zendesk", s.URL), oauth.Options{HTTP: s.Client()})
	_, err := c.Refresh(t.Context(), presented())
	require.NoError(t, err)
	_, err = c.Refresh(t.Context(), presented())
	assert.Equal(t, credential.Ambiguous, failure(t, err).Kind)
	assert.Len(t, s.received(), 2)
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A transport that reports nothing may have sent everything.
func TestUnknownTransport(t *testing.T) {
	boom := errors.New("boom " + refreshText)
	silent := transportFunc(func(r *http.Request) (*http.Response, error) {
		assert.Nil(t, r.GetBody, "nobody may read the body a second time")
		return nil, boom
	})
	p := catalogued(t, "zendesk", "https://as.example.com")
	_, err := clientOf(p, oauth.Options{HTTP: &http.Client{Transport: silent}}).Refresh(t.Context(), presented())
	e := failure(t, err, "boom")
	assert.Equal(t, credential.Ambiguous, e.Kind)
	assert.True(t, e.Sent)

	wrapped := transportFunc(http.DefaultTransport.RoundTrip)
	p = catalogued(t, "zendesk", "http://127.0.0.1:1")
	_, err = clientOf(p, oauth.Options{HTTP: &http.Client{Transport: wrapped}}).Refresh(t.Context(), presented())
	e = failure(t, err)
	assert.Equal(t, credential.Transient, e.Kind, "a wrapper of net/http's transport reports that it never connected")
	assert.False(t, e.Sent)
}

func TestRetryAfterIsBounded(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"":                              0,
		"30":                            30 * time.Second,
		" 1.5 ":                         1500 * time.Millisecond,
		"-5":                            0,
		"soon":                          0,
		"NaN":                           0,
		"99999999999999":                24 * time.Hour,
		"Inf":                           24 * time.Hour,
		"Wed, 21 Oct 2026 07:28:10 GMT": 10 * time.Second,
		"Wed, 21 Oct 2126 07:28:00 GMT": 24 * time.Hour,
	} {
		s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", header)
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		_, err := client(t, "zendesk", s.URL).Refresh(t.Context(), presented())
		e := failure(t, err)
		assert.Equal(t, credential.Transient, e.Kind)
		assert.Equal(t, want, e.RetryAfter, "Retry-After: %q", header)
	}
}
