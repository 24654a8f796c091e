package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tokenkeeper/internal/postgrestest"
	"tokenkeeper/vault"
)

func TestVaultInit(t *testing.T) {
	w := newWorld(t)
	w.run("vault", "init").exits(exitOK).prints("vault.key", "Back it up")
	path := filepath.Join(w.dir, "vault.key")
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("want a file of mode 600: %v %v", info, err)
	}
	if _, err := vault.LoadKeyset(path); err != nil {
		t.Error(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w.run("vault", "init").exits(exitFailure).complains("exists", "never overwritten", path)
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the keyset was touched: %v", err)
	}
}

func TestVaultInitWithoutConfiguration(t *testing.T) {
	w := newWorld(t)
	w.write("tokenkeeper.yaml", "nonsense: true\n")
	w.run("vault", "init").exits(exitConfig)
	var made madeKeyset
	got := w.run("vault", "init", "--keyset", "other.key", "--json").exits(exitOK)
	if err := json.Unmarshal([]byte(got.stdout), &made); err != nil || len(made.KeyIDs) != 1 {
		t.Fatalf("%v: %s", err, got.stdout)
	}
	if _, err := vault.LoadKeyset("other.key"); err != nil {
		t.Error(err)
	}
}

// reconfigure edits the configuration.
func (w *world) reconfigure(before, after string) {
	w.t.Helper()
	text, err := os.ReadFile("tokenkeeper.yaml")
	if err != nil {
		w.t.Fatal(err)
	}
	w.write("tokenkeeper.yaml", strings.ReplaceAll(string(text), before, after))
}

func TestVaultInitWithAKMS(t *testing.T) {
	w := newWorld(t)
	const uri = "hcvault://127.0.0.1:1/transit/keys/tokenkeeper"
	w.run("vault", "init", "--kms", uri).exits(exitFailure).complains("no worker would open the keyset", "fix: ")
	w.reconfigure("keyset: vault.key", "keyset: vault.key, kms: '"+uri+"'")
	t.Setenv("VAULT_TOKEN", "hvs.secret")
	t.Setenv("VAULT_MAX_RETRIES", "0")
	got := w.run("vault", "init").exits(exitFailure).complains("key management service")
	if strings.Contains(got.stderr, "hvs.secret") {
		t.Errorf("the token is in %s", got.stderr)
	}
	if _, err := os.Stat("vault.key"); !os.IsNotExist(err) {
		t.Errorf("want no file without the service: %v", err)
	}
}

func (w *world) verify() vault.Verification {
	w.t.Helper()
	var found verification
	got := w.run("vault", "verify", "--json")
	if err := json.Unmarshal([]byte(got.stdout), &found); err != nil {
		w.t.Fatalf("%v: %s%s", err, got.stdout, got.stderr)
	}
	if found.OK != (got.code == exitOK) {
		w.t.Errorf("exit code %d, %+v", got.code, found)
	}
	return found.Verification
}

func TestVaultRotateAndVerify(t *testing.T) {
	w := newWorld(t)
	w.connect("acme/triage/slack")
	w.run("vault", "verify").exits(exitOK).prints("1 accounts", "in force", "everything opens")
	before := w.verify()

	w.run("vault", "rotate").exits(exitOK).prints("is in force", "sealed anew: 1 accounts", "Back up")
	after := w.verify()
	if after.KeyInForce == before.KeyInForce || len(after.Keys) != 2 {
		t.Errorf("want a new key beside the old one: %+v", after)
	}
	w.run("vault", "rotate", "--stage").exits(exitOK).prints("seals nothing yet")
	w.run("vault", "rotate", "--stage", "--drop-old").exits(exitUsage).complains("--stage")
	staged := w.verify()
	if staged.KeyInForce != after.KeyInForce || len(staged.Keys) != 3 {
		t.Errorf("want a third key that seals nothing: %+v", staged)
	}

	var r vault.Rotation
	got := w.run("vault", "rotate", "--drop-old", "--json").exits(exitOK)
	if err := json.Unmarshal([]byte(got.stdout), &r); err != nil || r.Added || len(r.Dropped) != 0 || len(r.Kept) != 2 || r.Damaged == nil {
		t.Errorf("want the staged key in force, and the others kept for a day: %v %s", err, got.stdout)
	}
	w.run("vault", "rotate", "--drop-old", "--keep", "0s").exits(exitOK).prints("dropped key")
	if last := w.verify(); len(last.Keys) != 1 {
		t.Errorf("want one key: %+v", last)
	}
	if strings.Contains(got.stdout, accessToken) {
		t.Error("a token was printed")
	}
}

// A folder that is missing is no reason to make a new key, or to look for a backup of the old one.
func TestVaultInAFolderThatIsNotThere(t *testing.T) {
	w := newWorld(t)
	w.run("vault", "init", "--keyset", "nowhere/vault.key").exits(exitFailure).complains("nowhere", "is not there: make it")
	w.run("vault", "init").exits(exitOK)
	w.reconfigure("path: vault.db", "path: nowhere/vault.db")
	got := w.run("audit").exits(exitConfig).complains("nowhere", "is not there: make it")
	if strings.Contains(got.stderr, "vault init") {
		t.Errorf("the key is there: %s", got.stderr)
	}
}

func TestVaultVerifyNamesWhatIsDamaged(t *testing.T) {
	w := newWorld(t)
	w.run("vault", "verify").exits(exitConfig).complains("vault.key", "fix: ", "tokenkeeper vault init")
	w.run("vault", "init").exits(exitOK)
	w.run("vault", "verify").exits(exitConfig).complains("vault.db", "there is no vault")
	if _, err := os.Stat("vault.db"); !os.IsNotExist(err) {
		t.Errorf("verify made a vault: %v", err)
	}
	if err := os.Remove("vault.key"); err != nil {
		t.Fatal(err)
	}
	w.connect("acme/triage/slack")
	db, err := sql.Open("sqlite", "vault.db")
	if err == nil {
		_, err = db.ExecContext(t.Context(), `UPDATE records SET access = refresh, refresh = access`)
	}
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	w.run("vault", "verify").exits(exitFailure).prints("DAMAGED", "acme/triage/slack", "1", "access token", "refresh token").
		complains("2 values in the vault do not open", "reauthorize")
	w.run("vault", "rotate").exits(exitOK)
	if found := w.verify(); len(found.Damaged) != 2 || found.Rows.Records != 1 {
		t.Errorf("%+v", found)
	}
}

func TestVaultInPostgreSQL(t *testing.T) {
	w := newWorld(t)
	w.reconfigure("path: vault.db", "url_env: VAULT_URL")
	server := postgrestest.New(t)
	w.env["VAULT_URL"] = server.URL("postgres")
	w.run("vault", "init").exits(exitOK)
	w.run("vault", "verify").exits(exitConfig).complains("there is no vault")
	w.run("vault", "rotate").exits(exitOK).prints("is in force")
	w.run("vault", "verify").exits(exitOK).prints("postgres://postgres@", "everything opens")
	w.run("doctor", "--timeout", "2s").exits(exitFailure).prints("ok    vault postgres://postgres@")
	w.env["VAULT_URL"] = server.TCP(postgrestest.Superuser, "wrong-secret", "postgres")
	got := w.run("vault", "verify").exits(exitConfig).complains("PostgreSQL refuses the user")
	if strings.Contains(got.stderr, "wrong-secret") {
		t.Errorf("the password is in %s", got.stderr)
	}
}
