package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tokenkeeper/vault"
)

func TestAccountImport(t *testing.T) {
	slack := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+accessToken {
			_, _ = w.Write([]byte(`{"ok":false,"error":"invalid_auth"}`))
			return
		}
		_, _ = w.Write([]byte(`{"ok":true,"team":"Acme","team_id":"T1","user":"triage","user_id":"U1","bot_id":"B1"}`))
	}))
	t.Cleanup(slack.Close)
	w := newWorld(t)
	w.configure(slack.URL)
	w.connect("acme/triage/github") // makes the vault
	take := func(stdin string, flags ...string) outcome {
		got := w.runWith(t.Context(), stdin, append([]string{"account", "import", "acme/triage/slack"}, flags...)...)
		if strings.Contains(got.stdout+got.stderr, accessToken) || strings.Contains(got.stdout+got.stderr, refreshToken) {
			t.Errorf("a token is shown: %s %s", got.stdout, got.stderr)
		}
		return got
	}
	body := `{"access_token":"` + accessToken + `","refresh_token":"` + refreshToken + `","expires_in":43200,"scope":"chat:write,users:read"}`
	take(body).exits(exitOK).prints("Acme", "temporal workflow signal-with-start", "--workflow-id account/acme/triage/slack", "--signal-name reauthorized --signal-input")

	var answer imported
	if err := json.Unmarshal([]byte(take(body, "--json").exits(exitOK).stdout), &answer); err != nil {
		t.Fatal(err)
	}
	keyset, err := vault.LoadKeyset(filepath.Join(w.dir, "vault.key"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Open(t.Context(), vault.Options{Path: filepath.Join(w.dir, "vault.db"), Keyset: keyset})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	kept, err := v.GetAuthorization(t.Context(), answer.Authorization)
	if err != nil || kept.Subject == "" || kept.Tokens.Refresh.Reveal() != refreshToken || len(kept.Tokens.Scopes) != 2 || kept.Tokens.ExpiresAt.IsZero() {
		t.Errorf("%v: %+v", err, kept)
	}

	if err := os.Rename("vault.key", "elsewhere.key"); err != nil {
		t.Fatal(err)
	}
	take(body).exits(exitConfig).complains("vault.key", "fix: ", "tokenkeeper vault init")
	if err := os.Rename("elsewhere.key", "vault.key"); err != nil {
		t.Fatal(err)
	}

	take("{").exits(exitFailure).complains("no answer of a token endpoint", "pipe a JSON object")
	take(`{"refresh_token":"` + refreshToken + `"}`).exits(exitFailure).complains("has no access_token")
	if got := take(`{"access_token":"of somebody else"}`); got.code == exitOK {
		t.Error("tokens that the provider refuses are kept")
	}
}
