package gateway

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tokenkeeper/gateway/openid"
	"tokenkeeper/vault"
)

// FuzzSignIn lets any query reach the callback of a sign-in: one state is always good, and its browser is the right one. Nobody
// is at the provider's address, so nobody can be signed in.
func FuzzSignIn(f *testing.F) {
	for _, seed := range []string{
		"", "state=good&code=abc", "state=good", "state=good&error=access_denied", "state=good&error=%3Cscript%3E", "state=bad&code=abc",
		"state=good&state=good", "state=%zz", "state=good&code=" + strings.Repeat("c", 9000), "code=abc;state=good",
		"state=good&iss=https://attacker.example", "state=good&code=%00%ff", "state[]=good", "state=good&next=//attacker.example&code=a",
	} {
		f.Add(seed)
	}
	public, err := url.Parse("http://127.0.0.1:8780")
	require.NoError(f, err)
	var log bytes.Buffer
	server := &Server{
		PublicURL: public, Sessions: openSessions{}, Log: slog.New(slog.NewTextHandler(&log, nil)),
		OpenID: &OpenID{
			Provider: openid.New(func() openid.Registration { return openid.Registration{Issuer: "http://127.0.0.1:1"} }, openid.Options{}),
			Role:     func(openid.Identity) Role { return Operator },
		},
	}
	begun := attempt{Attempt: openid.Attempt{State: "good", Nonce: "nonce", Verifier: "verifier"}, Expires: time.Now().Add(time.Hour)}
	value, err := server.seal(f.Context(), forAttempt, begun)
	require.NoError(f, err)

	f.Fuzz(func(t *testing.T, query string) {
		log.Reset()
		server.limits = limits{}
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, public.String()+signedInPath, nil)
		request.URL.RawQuery = query
		request.AddCookie(server.signInCookie("good", value))
		recorder := httptest.NewRecorder()
		server.Handler().ServeHTTP(recorder, request)

		require.GreaterOrEqual(t, recorder.Code, http.StatusBadRequest)
		require.NotEqual(t, http.StatusInternalServerError, recorder.Code)
		require.Equal(t, "text/html; charset=utf-8", recorder.Header().Get("Content-Type"))
		require.Empty(t, recorder.Header().Get("Location"))
		for _, cookie := range recorder.Result().Cookies() {
			require.Negative(t, cookie.MaxAge, "only the attempt is forgotten")
		}
		body := recorder.Body.String()
		require.Contains(t, body, "</html>")
		require.NotContains(t, body, "<script")
		for _, text := range []string{body, log.String()} {
			if code := request.URL.Query().Get("code"); len(code) > 20 {
				require.NotContains(t, text, code)
			}
			require.NotContains(t, text, "verifier")
		}
	})
}

// openSessions seals nothing: what a fuzzer finds is of the gateway, and not of Tink.
type openSessions struct{}

func (openSessions) SealSession(_ context.Context, session []byte) ([]byte, error) {
	return session, nil
}

func (openSessions) OpenSession(_ context.Context, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	return sealed, nil
}

func (openSessions) EndSession(context.Context, vault.EndedSession) error {
	return errors.ErrUnsupported
}

func (openSessions) SessionEnded(context.Context, []byte) (bool, error) { return false, nil }
