package config

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const vaultURL = "postgres://keeper:s3cr3t-of-database@db.example.com:5432/vault?sslmode=verify-full"

func TestFaultsOfTheVault(t *testing.T) {
	testFaults(t, []fault{
		{"vault URL", "path: ./v.db", "path: postgres://u:p@h/db", []string{
			`tokenkeeper.yaml:4:9: vault.path: this is a database, and a connection string may hold a password; fix: write url_env: TOKENKEEPER_VAULT_URL instead, and export TOKENKEEPER_VAULT_URL='postgres://…'`,
		}},
		{"vault other URL", "path: ./v.db", "path: file:///v.db", []string{
			`tokenkeeper.yaml:4:9: vault.path: this is a URL; fix: write a file name, absolute or relative to the folder of this file`,
		}},
		{"vault home", "path: ./v.db", "path: ~/v.db", []string{
			`tokenkeeper.yaml:4:9: vault.path: '~' is known to shells only; fix: write a file name, absolute or relative to the folder of this file`,
		}},
		{"vault empty", "path: ./v.db", "path: \"\"", []string{
			`tokenkeeper.yaml:4:9: vault.path: this is empty; fix: write a file name, absolute or relative to the folder of this file`,
		}},
		{"vault NUL", "path: ./v.db", "path: \"a\\0b\"", []string{
			`tokenkeeper.yaml:4:9: vault.path: a file name holds no NUL; fix: write a file name, absolute or relative to the folder of this file`,
		}},
		{"vault same files", "keyset: ./v.key", "keyset: v.db", []string{
			`tokenkeeper.yaml:5:11: vault.keyset: this is the same file as vault.path; fix: give the key a file of its own, best on another disk`,
		}},
		{"no KMS", "keyset: ./v.key", "keyset: ./v.key\n  kms: vault.key", []string{
			`tokenkeeper.yaml:6:8: vault.kms: this names no key of a key management service; fix: write aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID, gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K or hcvault://HOST:8200/transit/keys/NAME`,
		}},
		{"KMS by https", "keyset: ./v.key", "keyset: ./v.key\n  kms: https://vault.example.com/v1/transit/keys/k", []string{
			`tokenkeeper.yaml:6:8: vault.kms: this names no key of a key management service; fix: write aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID, gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K or hcvault://HOST:8200/transit/keys/NAME`,
		}},
		{"KMS of AWS without region", "keyset: ./v.key", "keyset: ./v.key\n  kms: aws-kms://alias/tokenkeeper", []string{
			`tokenkeeper.yaml:6:8: vault.kms: this names no key of a key management service; fix: write aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID, gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K or hcvault://HOST:8200/transit/keys/NAME`,
		}},
		{"KMS of Google cut short", "keyset: ./v.key", "keyset: ./v.key\n  kms: gcp-kms://projects/p/cryptoKeys/k", []string{
			`tokenkeeper.yaml:6:8: vault.kms: this names no key of a key management service; fix: write aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID, gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K or hcvault://HOST:8200/transit/keys/NAME`,
		}},
		{"KMS of Vault without a host", "keyset: ./v.key", "keyset: ./v.key\n  kms: hcvault:///transit/keys/k", []string{
			`tokenkeeper.yaml:6:8: vault.kms: this names no key of a key management service; fix: write aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID, gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K or hcvault://HOST:8200/transit/keys/NAME`,
		}},
		{"KMS with a password", "keyset: ./v.key", "keyset: ./v.key\n  kms: hcvault://u:p@vault.example.com/transit/keys/k", []string{
			`tokenkeeper.yaml:6:8: vault.kms: this names no key of a key management service; fix: write aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID, gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K or hcvault://HOST:8200/transit/keys/NAME`,
		}},
		{"KMS misspelt", "keyset: ./v.key", "keyset: ./v.key\n  kek: aws-kms://x", []string{
			`tokenkeeper.yaml:6:3: vault.kek: unknown key; fix: write kms: and the URI of the key`,
		}},
		{"URL inline", "path: ./v.db", "url: postgres://u:s3cr3t@h/db", []string{
			`tokenkeeper.yaml:4:3: vault.url: a connection string may hold a password, which must never stand in this file; fix: delete it, write url_env: TOKENKEEPER_VAULT_URL and export TOKENKEEPER_VAULT_URL='postgres://…'`,
		}},
		{"URL beside a file", "path: ./v.db", "path: ./v.db\n  url_env: VAULT_URL", []string{
			`tokenkeeper.yaml:5:12: vault.url_env: path is there too, and one of them would be ignored; fix: delete one of the two`,
		}},
		{"URL not set", "path: ./v.db", "url_env: NO_SUCH", []string{
			`tokenkeeper.yaml:4:12: vault.url_env: environment variable NO_SUCH is not set; fix: export NO_SUCH='…' before the start`,
		}},
		{"URL pasted for its name", "path: ./v.db", "url_env: postgres://u:s3cr3t@h/db", []string{
			`tokenkeeper.yaml:4:12: vault.url_env: this names no environment variable that is set (it is not shown here, in case it is the secret); fix: write the name of the variable, in capitals, and never the secret`,
		}},
		{"URL of something else", "path: ./v.db", "url_env: SLACK_CLIENT_SECRET", []string{
			`tokenkeeper.yaml:4:12: vault.url_env: environment variable SLACK_CLIENT_SECRET holds no connection string (it is not shown, it may hold a password); fix: export SLACK_CLIENT_SECRET='postgres://user:password@host:5432/database?sslmode=verify-full', the password percent-encoded`,
		}},
		{"URL that is none", "path: ./v.db", "url_env: BROKEN_URL", []string{
			`tokenkeeper.yaml:4:12: vault.url_env: environment variable BROKEN_URL holds no connection string (it is not shown, it may hold a password); fix: export BROKEN_URL='postgres://user:password@host:5432/database?sslmode=verify-full', the password percent-encoded`,
		}},
	})
}

func TestVaultInPostgreSQL(t *testing.T) {
	c := mustLoad(t, edit(t, good, "path: ./v.db", "url_env: VAULT_URL"))
	if c.Vault.URL().Reveal() != vaultURL || c.Vault.Path != "" {
		t.Errorf("vault = %+v", c.Vault)
	}
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{string(encoded), fmt.Sprintf("%+v %#v", c.Vault, c.Vault)} {
		if strings.Contains(text, "s3cr3t") {
			t.Errorf("the password is in %s", text)
		}
	}
}

func TestKeysOfKeyManagementServices(t *testing.T) {
	for _, uri := range []string{
		"aws-kms://arn:aws:kms:eu-central-1:111122223333:key/0f5b1c6e-0000-4000-8000-000000000000",
		"aws-kms://arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/tokenkeeper",
		"gcp-kms://projects/p/locations/global/keyRings/r/cryptoKeys/k",
		"hcvault://vault.example.com:8200/transit/keys/tokenkeeper",
		"hcvault://vault/teams/a/transit/keys/k",
	} {
		if c := mustLoad(t, edit(t, good, "keyset: ./v.key", "keyset: ./v.key\n  kms: "+uri)); c.Vault.KMS != uri {
			t.Errorf("kms = %s, want %s", c.Vault.KMS, uri)
		}
	}
}
