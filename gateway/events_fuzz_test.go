package gateway

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
	"tokenkeeper/vault"
)

// FuzzEvents sends any body, rightly signed and not: what is not signed never gets beyond the signature, and nothing makes
// the handler fail.
func FuzzEvents(f *testing.F) {
	for _, seed := range []string{
		"", "null", "[]", `{"type":"url_verification","challenge":"c"}`, `{"type":"event_callback","event":null}`,
		`{"type":"event_callback","event_id":"E","event":{"type":"tokens_revoked","tokens":{"bot":["U"]}}}`,
		`{"type":"event_callback","event_id":"E","team_id":"T","event":{"type":"app_uninstalled"}}`,
		`{"type":"event_callback","event_id":"E","event":{"type":"message","channel":"C"}}`,
		`{"action":"revoked","sender":{"id":1}}`, `{"action":"deleted","installation":{"id":1}}`, `{"action":"deleted","installation":[]}`,
	} {
		f.Add(seed, "installation", true)
		f.Add(seed, "github_app_authorization", false)
	}
	public, err := url.Parse("http://127.0.0.1:8780")
	require.NoError(f, err)

	f.Fuzz(func(t *testing.T, body, name string, good bool) {
		told := &toldOf{}
		server := &Server{Vault: forgetful{}, Hints: told, PublicURL: public, Log: slog.New(slog.DiscardHandler)}
		secret := string(told.secret())
		if !good {
			secret = "of somebody else"
		}
		at := strconv.FormatInt(time.Now().Unix(), 10)
		for _, source := range []string{"slack", "github"} {
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, public.String()+eventsPath+source+"/"+source, strings.NewReader(body))
			request.Header.Set("Content-Type", "application/json")
			request.Header.Set("X-GitHub-Event", name)
			request.Header.Set("X-Hub-Signature-256", "sha256="+sign(secret, body))
			request.Header.Set("X-Slack-Request-Timestamp", at)
			request.Header.Set("X-Slack-Signature", "v0="+sign(secret, "v0:"+at+":"+body))
			recorder := httptest.NewRecorder()
			server.Handler().ServeHTTP(recorder, request)

			require.Equal(t, "text/plain; charset=utf-8", recorder.Header().Get("Content-Type"))
			if good {
				require.Contains(t, []int{http.StatusOK, http.StatusBadRequest}, recorder.Code)
				continue
			}
			require.Equal(t, http.StatusUnauthorized, recorder.Code)
			require.Zero(t, told.times)
		}
	})
}

func sign(secret, text string) string {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(text))
	return hex.EncodeToString(h.Sum(nil))
}

// toldOf counts how often accounts were told.
type toldOf struct{ times int }

func (*toldOf) secret() []byte { return []byte("secret of the provider") }

func (h *toldOf) EventSecret(connector string) (EventSource, credential.Secret) {
	return EventSource(connector), credential.NewSecret(string(h.secret()))
}

func (h *toldOf) GrantEnded(_ context.Context, _ string, ended func(credential.Subject) bool) ([]credential.AccountID, error) {
	h.times++
	ended("T/U")
	return nil, nil
}

func (h *toldOf) ChannelActive(string, string) { h.times++ }

func (h *toldOf) ThreadActive(string, triage.Key) { h.times++ }

// forgetful knows no delivery again.
type forgetful struct{ Vault }

func (forgetful) HasDelivery(context.Context, []byte) (bool, error) { return false, nil }

func (forgetful) KeepDelivery(context.Context, vault.Delivery) error { return nil }
