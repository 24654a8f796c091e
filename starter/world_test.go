package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

var update = flag.Bool("update", false, "write the golden files anew")

// world is a folder with a configuration, and the environment of the commands that run in it.
type world struct {
	t   *testing.T
	dir string
	env map[string]string
}

const goodConfig = `
vault: {path: vault.db, keyset: vault.key}
gateway: {listen: 127.0.0.1:8780}
connectors:
  slack:
    provider: slack
    client_id: "1.2"
    client_secret_env: SLACK_CLIENT_SECRET
    endpoints: {authorize: "API/authorize", api: "API/api/"}
  github:
    provider: github-app
    client_id: Iv1
    client_secret_env: GITHUB_CLIENT_SECRET
    endpoints: {api: "API/github/"}
triages:
  acme/bug-reports:
    slack: acme/triage/slack
    github: acme/triage/github
    routes:
      - {channel: C0123456789, repository: acme/app}
      - {channel: C0222222222, repository: acme/web}
`

// newWorld makes the folder the working directory. Nothing listens where its Temporal should be.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), env: map[string]string{
		"SLACK_CLIENT_SECRET": "slack-client-secret", "GITHUB_CLIENT_SECRET": "github-client-secret",
		"TEMPORAL_ADDRESS": closedPort(t), "TEMPORAL_CONFIG_FILE": filepath.Join(t.TempDir(), "none.toml"),
	}}
	t.Chdir(w.dir)
	w.configure("http://127.0.0.1:1")
	return w
}

// configure writes the configuration with Slack's API at a place.
func (w *world) configure(api string) {
	w.t.Helper()
	w.write("tokenkeeper.yaml", strings.ReplaceAll(goodConfig, "API", api))
}

func (w *world) write(name, text string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// closedPort returns an address on which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// outcome is how a command ended.
type outcome struct {
	t              *testing.T
	args           []string
	code           int
	stdout, stderr string
}

func (w *world) run(args ...string) outcome {
	w.t.Helper()
	return w.runWith(w.t.Context(), "", args...)
}

func (w *world) runWith(ctx context.Context, stdin string, args ...string) outcome {
	w.t.Helper()
	var stdout, stderr bytes.Buffer
	code := run(ctx, args, strings.NewReader(stdin), &stdout, &stderr, w.lookup)
	return outcome{t: w.t, args: args, code: code, stdout: stdout.String(), stderr: stderr.String()}
}

func (w *world) lookup(key string) (string, bool) {
	value, ok := w.env[key]
	return value, ok
}

// exits fails the test when the exit code is another one.
func (o outcome) exits(code int) outcome {
	o.t.Helper()
	if o.code != code {
		o.t.Errorf("tokenkeeper %s: exit code %d, want %d\nstdout: %s\nstderr: %s", strings.Join(o.args, " "), o.code, code, o.stdout, o.stderr)
	}
	return o
}

func (o outcome) prints(parts ...string) outcome {
	o.t.Helper()
	o.contains("stdout", o.stdout, parts)
	return o
}

func (o outcome) complains(parts ...string) outcome {
	o.t.Helper()
	o.contains("stderr", o.stderr, parts)
	return o
}

func (o outcome) contains(name, text string, parts []string) {
	o.t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			o.t.Errorf("tokenkeeper %s: %s has no %q:\n%s", strings.Join(o.args, " "), name, part, text)
		}
	}
}

// golden compares stdout with a file in testdata.
func (o outcome) golden(path string) {
	o.t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(o.stdout), 0o600); err != nil {
			o.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		o.t.Fatal(err)
	}
	if o.stdout != string(want) {
		o.t.Errorf("tokenkeeper %s: not as in %s (go test ./starter -update writes it anew):\n%s", strings.Join(o.args, " "), path, o.stdout)
	}
}

// testdata returns the path of a golden file, wherever the test has moved to since.
func testdata(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

const (
	accessToken  = "xoxe.xoxb-access-0123456789"
	refreshToken = "xoxe-refresh-0123456789"
)

// connect puts a grant of each account into the vault of the world, as if a person had consented.
func (w *world) connect(accounts ...string) {
	w.t.Helper()
	ctx := w.t.Context()
	keyset, err := vault.CreateKeyset(filepath.Join(w.dir, "vault.key"))
	if err != nil {
		w.t.Fatal(err)
	}
	v, err := vault.Open(ctx, vault.Options{Path: filepath.Join(w.dir, "vault.db"), Keyset: keyset})
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = v.Close() }()
	for i, account := range accounts {
		w.consent(v, account, fmt.Sprintf("consent-%d", i+1))
	}
}

func (w *world) consent(v *vault.Vault, account, authorization string) {
	w.t.Helper()
	id, err := credential.ParseAccountID(account)
	if err != nil {
		w.t.Fatal(err)
	}
	now := time.Now()
	err = v.PutAuthorization(w.t.Context(), vault.Authorization{
		ID: authorization, Account: id, Subject: "T1/U1", Display: "triage in Acme", CreatedAt: now, ExpiresAt: now.Add(time.Hour),
		Tokens: credential.Tokens{
			Access: credential.NewSecret(accessToken), Refresh: credential.NewSecret(refreshToken), Type: "Bearer",
			IssuedAt: now, ExpiresAt: now.Add(time.Hour),
		},
	})
	if err == nil {
		_, err = v.Adopt(w.t.Context(), authorization)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}
