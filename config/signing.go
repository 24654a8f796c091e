package config

import (
	"encoding/json"
	"strings"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
)

// signing reads the private key of the connector at path.
func (k *checker) signing(path string, c Connector) Connector {
	byFile, byEnv, byAccount := join(path, "private_key_file"), join(path, "private_key_env"), join(path, "service_account_file")
	if k.refused[byFile] || k.refused[byEnv] || k.refused[byAccount] {
		return c
	}
	var given []string // the paths at which there is one
	for _, source := range []struct{ at, value string }{
		{byFile, c.PrivateKeyFile}, {byEnv, c.PrivateKeyEnv}, {byAccount, c.ServiceAccountFile},
	} {
		if source.value != "" {
			given = append(given, source.at)
		}
	}
	switch {
	case len(given) == 0:
		k.add(byFile, "the private key is missing, and grant "+string(c.Grant)+" signs with one", missingKey(c.Grant))
	case len(given) > 1:
		k.add(given[1], strings.TrimPrefix(given[0], path+".")+" is there too, and one of them would be ignored", "delete one of them")
	case c.PrivateKeyFile != "":
		c = k.privateKey(byFile, k.secretFile(byFile, k.file(byFile, c.PrivateKeyFile)), c)
	case c.PrivateKeyEnv != "":
		c = k.privateKey(byEnv, unescaped(k.variable(byEnv, c.PrivateKeyEnv)), c)
	default:
		c = k.serviceAccount(byAccount, k.secretFile(byAccount, k.file(byAccount, c.ServiceAccountFile)), c)
	}
	return c
}

func missingKey(g provider.Grant) string {
	if g == provider.GrantGitHubInstallation {
		return "write private_key_file: PATH or private_key_env: NAME; generate the key on the app's page at GitHub"
	}
	return "write service_account_file: PATH, private_key_file: PATH or private_key_env: NAME"
}

// privateKey reads PEM; empty text was reported already.
func (k *checker) privateKey(path, text string, c Connector) Connector {
	if text == "" {
		return c
	}
	key, err := credential.ParseSigningKey(credential.NewSecret(text))
	if err != nil {
		k.add(path, "this holds "+err.Error(), "name the .pem file as the provider handed it out")
		return c
	}
	c.key = key
	return c
}

// serviceAccount reads the JSON that Google hands out for a service account. Where tokens come from stays with the
// provider's entry: a file that names another place must not be able to send assertions there.
func (k *checker) serviceAccount(path, text string, c Connector) Connector {
	if text == "" {
		return c
	}
	var account struct {
		Type         string `json:"type"`
		Email        string `json:"client_email"`
		PrivateKey   string `json:"private_key"`
		PrivateKeyID string `json:"private_key_id"`
	}
	fix := "name the JSON key as Google hands it out, IAM & Admin, Service Accounts, Keys"
	switch {
	case json.Unmarshal([]byte(text), &account) != nil:
		k.add(path, "this is no JSON", fix)
	case account.Type != "service_account":
		k.add(path, `its "type" is not "service_account"`, fix)
	case account.Email == "" || account.PrivateKey == "":
		k.add(path, `"client_email" or "private_key" is missing in it`, fix)
	default:
		c.issuer, c.keyID = account.Email, account.PrivateKeyID
		if c.ClientID == "" {
			c.ClientID = account.Email
		}
		return k.privateKey(path, account.PrivateKey, c)
	}
	return c
}
