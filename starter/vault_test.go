package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

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
