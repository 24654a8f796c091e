package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenkeeper/config"
	"tokenkeeper/gateway"
	"tokenkeeper/gateway/openid"
	"tokenkeeper/internal/openidtest"
)

// signingInAt returns an App whose people sign in at the issuer.
func signingInAt(t *testing.T, issuer string) *App {
	t.Helper()
	text := `gateway:
  oidc:
    issuer: ` + issuer + `
    client_id: ` + openidtest.ClientID + `
    client_secret_env: SECRET
    operators: {groups: [sre]}
    viewers: {groups: [support], domains: [example.com]}
`
	path := filepath.Join(t.TempDir(), "tokenkeeper.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(path, func(string) (string, bool) { return openidtest.ClientSecret, true })
	if err != nil {
		t.Fatal(err)
	}
	a := &App{}
	a.current.Store(newSetup(c, nil))
	return a
}

func TestWhoSignsIn(t *testing.T) {
	a := signingInAt(t, "https://login.example.com")
	o := a.openID()
	for _, test := range []struct {
		who  openid.Identity
		want gateway.Role
	}{
		{openid.Identity{Email: "jane@example.com"}, gateway.Viewer},
		{openid.Identity{Email: "jane@example.com", Groups: []string{"sre"}}, gateway.Operator},
		{openid.Identity{Groups: []string{"support"}}, gateway.Viewer},
		{openid.Identity{Email: "eve@attacker.example"}, gateway.NoRole},
	} {
		if got := o.Role(test.who); got != test.want {
			t.Errorf("%+v is %v, want %v", test.who, got, test.want)
		}
	}
	r := a.openIDRegistration()
	if r.RedirectURL != "http://127.0.0.1:8780/login/callback" || r.ClientSecret.Reveal() != openidtest.ClientSecret || len(r.Groups) != 2 {
		t.Errorf("registration = %+v", r)
	}
	a.current.Store(newSetup(&config.Config{}, nil))
	if a.openID() != nil {
		t.Error("nobody said where people sign in")
	}
	if o.Role(openid.Identity{Groups: []string{"sre"}}) != gateway.NoRole {
		t.Error("what the configuration says now does not count")
	}
}

func TestDoctorAsksTheOpenIDProvider(t *testing.T) {
	provider := openidtest.New(t, time.Now)
	a := signingInAt(t, provider.URL)
	if f := a.checkOpenID(t.Context()); !f.OK {
		t.Errorf("%+v", f)
	}
	provider.Change(func(b *openidtest.Behaviour) { b.Away = true })
	if f := a.checkOpenID(t.Context()); f.OK || !strings.Contains(f.Problem, "503") || !strings.Contains(f.Place, "tokenkeeper.yaml:3:") || f.Fix == "" {
		t.Errorf("%+v", f)
	}
}
