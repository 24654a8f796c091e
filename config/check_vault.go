package config

import (
	"net/url"
	"regexp"
	"strings"

	"tokenkeeper/credential"
)

func (k *checker) vault() {
	v := &k.config.Vault
	if v.URLEnv == "" {
		v.Path = k.vaultFile(v.Path)
	} else {
		v.Path, v.url = "", k.vaultURL(v.URLEnv)
	}
	v.Keyset = k.file("vault.keyset", v.Keyset)
	if v.Path != "" && v.Path == v.Keyset {
		k.add("vault.keyset", "this is the same file as vault.path", "give the key a file of its own, best on another disk")
	}
	if v.KMS != "" && !kmsKey.MatchString(v.KMS) {
		k.add("vault.kms", "this names no key of a key management service",
			"write aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID, "+
				"gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K or hcvault://HOST:8200/transit/keys/NAME")
	}
}

// kmsKey is what the three services call a key. None has a user or a password in it.
var kmsKey = regexp.MustCompile(`^(aws-kms://arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:(key|alias)/[^@\s]+` +
	`|gcp-kms://projects/[^/@\s]+/locations/[^/@\s]+/keyRings/[^/@\s]+/cryptoKeys/[^/@\s]+` +
	`|hcvault://[^/@\s]+(/[^/@\s]+)+/keys/[^/@\s]+)$`)

// vaultFile is file for vault.path. It tells where a connection string belongs that was written there.
func (k *checker) vaultFile(name string) string {
	if isPostgres(name) {
		k.add("vault.path", "this is a database, and a connection string may hold a password", "write url_env: "+urlVariable+
			" instead, and export "+urlVariable+"='postgres://…'")
		return ""
	}
	return k.file("vault.path", name)
}

// urlVariable is what the example calls the variable.
const urlVariable = "TOKENKEEPER_VAULT_URL"

// vaultURL returns the connection string of the vault's database, zero after a problem.
func (k *checker) vaultURL(variable string) credential.Secret {
	const path = "vault.url_env"
	if _, written := k.places["vault.path"]; written {
		k.add(path, "path is there too, and one of them would be ignored", "delete one of the two")
		return credential.Secret{}
	}
	value := k.variable(path, variable)
	if value == "" {
		return credential.Secret{}
	}
	if _, err := url.Parse(value); err != nil || !isPostgres(value) {
		k.add(path, "environment variable "+variable+" holds no connection string (it is not shown, it may hold a password)",
			"export "+variable+"='postgres://user:password@host:5432/database?sslmode=verify-full', the password percent-encoded")
		return credential.Secret{}
	}
	return credential.NewSecret(value)
}

func isPostgres(text string) bool {
	return strings.HasPrefix(text, "postgres://") || strings.HasPrefix(text, "postgresql://")
}

// hint keeps passwords out of the file, and out of the message about them.
func (*Vault) hint(key string) advice {
	switch key {
	case "url", "dsn", "database", "database_url", "postgres", "postgresql", "password":
		return advice{"a connection string may hold a password, which must never stand in this file",
			"delete it, write url_env: " + urlVariable + " and export " + urlVariable + "='postgres://…'", ""}
	case "kek", "kms_uri", "kms_key":
		return advice{"unknown key", "write kms: and the URI of the key", "kms"}
	}
	return advice{}
}
