package oauth

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
)

// FuzzTokenAnswer feeds anything to the reader of token answers. It must not panic, must give either tokens that a header
// can carry or a failure of a known kind, and must never show what was presented.
func FuzzTokenAnswer(f *testing.F) {
	seed(f)
	catalogue, err := provider.Embedded()
	require.NoError(f, err)
	providers := catalogue.All()
	const text = "the-refresh-token-that-was-presented"
	g := grant{op: opRefresh, refresh: credential.NewSecret(text)}
	g.secrets = []credential.Secret{g.refresh}

	f.Fuzz(func(t *testing.T, which byte, status int, contentType, retryAfter string, body []byte) {
		p := providers[int(which)%len(providers)]
		c := NewClient(p, Registration{ClientID: "id", ClientSecret: credential.NewSecret("the-client-secret")}, Options{})
		header := http.Header{"Content-Type": {contentType}, "Retry-After": {retryAfter}}
		r := reply{status: status, header: header, body: body}

		tokens, failure := c.read(r, g)
		if failure == nil {
			checkTokens(t, tokens, r)
			return
		}
		require.Zero(t, tokens)
		checkFailure(t, failure, text)
	})
}

func seed(f *testing.F) {
	f.Helper()
	files, err := filepath.Glob("../testdata/token_responses/*.json")
	require.NoError(f, err)
	require.NotEmpty(f, files)
	for i, file := range files {
		data, err := os.ReadFile(file)
		require.NoError(f, err)
		var recording struct {
			Status  int
			Headers map[string]string
			Body    json.RawMessage
		}
		require.NoError(f, json.Unmarshal(data, &recording))
		body := []byte(recording.Body)
		var raw string
		if json.Unmarshal(body, &raw) == nil {
			body = []byte(raw)
		}
		f.Add(byte(i), recording.Status, recording.Headers["Content-Type"], recording.Headers["Retry-After"], body)
	}
}

func checkTokens(t *testing.T, tokens credential.Tokens, r reply) {
	t.Helper()
	require.True(t, r.succeeded())
	require.False(t, tokens.Access.IsZero(), "tokens without an access token")
	require.True(t, tokens.Refreshable(), "the presented refresh token is kept at least")
	require.True(t, vschar(tokens.Access.Reveal()))
	require.True(t, vschar(tokens.Refresh.Reveal()))
	require.Contains(t, []string{"Bearer", "DPoP", "MAC"}, tokens.Type)
	require.False(t, !tokens.ExpiresAt.IsZero() && tokens.ExpiresAt.Before(tokens.IssuedAt))
	require.False(t, !tokens.RefreshExpiresAt.IsZero() && tokens.RefreshExpiresAt.Before(tokens.IssuedAt))
}

func checkFailure(t *testing.T, failure *Error, presented string) {
	t.Helper()
	require.Contains(t, []credential.FailureKind{
		credential.DeadGrant, credential.DeadClient, credential.Throttled, credential.Transient,
		credential.Ambiguous, credential.Malformed, credential.Misconfigured,
	}, failure.Kind)
	require.NotContains(t, failure.Error(), presented)
	require.GreaterOrEqual(t, failure.RetryAfter, time.Duration(0))
	require.LessOrEqual(t, failure.RetryAfter, maxWait)
}
