package config

import (
	"fmt"

	"tokenkeeper/credential"
)

// Events names the secrets that a provider signs its events with. Without one a connector accepts no events.
type Events struct {
	// Of a Slack app: its signing secret.
	SigningSecretEnv  string `yaml:"signing_secret_env" json:"signing_secret_env,omitempty"`
	SigningSecretFile string `yaml:"signing_secret_file" json:"signing_secret_file,omitempty"`
	// Of a GitHub App: the secret of its webhook.
	WebhookSecretEnv  string `yaml:"webhook_secret_env" json:"webhook_secret_env,omitempty"`
	WebhookSecretFile string `yaml:"webhook_secret_file" json:"webhook_secret_file,omitempty"`

	family string
	secret credential.Secret
}

// Secret returns what Load read, and whose events it is for: "slack" or "github", "" where the connector takes none.
func (e Events) Secret() (family string, secret credential.Secret) { return e.family, e.secret }

// hint answers the keys that would put a secret into the file.
func (*Events) hint(key string) advice {
	switch key {
	case "signing_secret", "webhook_secret", "secret", "verification_token":
		meant := "signing_secret_env"
		if key == "webhook_secret" {
			meant = "webhook_secret_env"
		}
		return advice{"a secret must never stand in this file",
			"put it into an environment variable and write " + meant + ": NAME; if this file was shared, make a new secret at the provider", meant}
	}
	return advice{}
}

// minEventSecret keeps a webhook secret from being guessed by whoever saw one signed event. Slack's have 32 characters.
const minEventSecret = 16

// events reads the secret that fits the connector's provider.
func (k *checker) events(path string, c Connector) Events {
	e := c.Events
	given := e != Events{}
	_, written := k.places[path]
	switch {
	case !written, k.refused[path]:
		return e
	case inFamily(c.ProviderID, "slack"):
		k.unusedEvents(path, "slack", "webhook_secret", e.WebhookSecretEnv, e.WebhookSecretFile)
		e.family, e.secret = "slack", k.eventSecret(path, "signing_secret", e.SigningSecretEnv, e.SigningSecretFile,
			"the signing secret is on the page Basic Information of the app")
	case c.ProviderID == "github-oauth-app":
		k.add(path, "an OAuth App has no webhook of its own, a GitHub App has", "delete it; the tokens are looked at every validate_every")
	case inFamily(c.ProviderID, "github"):
		k.unusedEvents(path, "github", "signing_secret", e.SigningSecretEnv, e.SigningSecretFile)
		e.family, e.secret = "github", k.eventSecret(path, "webhook_secret", e.WebhookSecretEnv, e.WebhookSecretFile,
			"choose a long random secret and write the same one into the app's webhook settings")
	case given:
		k.add(path, fmt.Sprintf("tokenkeeper takes no events of provider %s", c.ProviderID), "delete it; the tokens are looked at every validate_every")
	}
	return e
}

// unusedEvents reports the secret of the other family, NAME_env or NAME_file.
func (k *checker) unusedEvents(path, family, name, env, file string) {
	for key, value := range map[string]string{name + "_env": env, name + "_file": file} {
		if value != "" {
			k.add(join(path, key), "events of "+family+" are not signed with this", "delete it")
		}
	}
}

// eventSecret reads one of NAME_env and NAME_file; where tells people how to get the secret.
func (k *checker) eventSecret(path, name, env, file, where string) credential.Secret {
	stem := join(path, name)
	secret, present := k.secret(stem, env, file)
	switch length := len(secret.Reveal()); {
	case !present:
		k.add(stem+"_env", "the secret is missing, and an event that is not signed is not believed",
			fmt.Sprintf("write %s_env: NAME or %s_file: PATH; %s", name, name, where))
	case !secret.IsZero() && length < minEventSecret:
		k.add(given(stem, file), fmt.Sprintf("the secret has %d characters, and could be guessed", length),
			fmt.Sprintf("use one of %d or more; %s", minEventSecret, where))
	}
	return secret
}
