package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"tokenkeeper/credential"
)

// Model is the language model that reads messages. Without the section the rules read them alone, and nothing leaves the
// house.
type Model struct {
	// BaseURL is what comes before /chat/completions.
	BaseURL string `yaml:"base_url" json:"base_url"`
	// Model is the name that the server knows it by; "" where the file has no such section.
	Model      string `yaml:"model" json:"model"`
	APIKeyEnv  string `yaml:"api_key_env" json:"api_key_env,omitempty"`
	APIKeyFile string `yaml:"api_key_file" json:"api_key_file,omitempty"`
	// Timeout bounds one question, with its retry.
	Timeout         time.Duration `yaml:"timeout" json:"timeout"`
	MaxOutputTokens int           `yaml:"max_output_tokens" json:"max_output_tokens"`
	// DailyTokens bounds what all workers together spend in a day of UTC; 0 for no bound.
	DailyTokens int `yaml:"daily_tokens" json:"daily_tokens"`

	key credential.Secret
}

// InUse reports whether messages are read by a model.
func (m Model) InUse() bool { return m.Model != "" }

// APIKey returns the key that Load read; zero where the server wants none.
func (m Model) APIKey() credential.Secret { return m.key }

// setDefaults leaves about 300 messages in a day.
func (m *Model) setDefaults() {
	m.Timeout, m.MaxOutputTokens, m.DailyTokens = 20*time.Second, 1000, 500_000
}

// hint answers keys that would put a secret into the file, and names that other programs use.
func (*Model) hint(key string) advice {
	switch key {
	case "api_key", "key", "token", "secret":
		return advice{"a secret must never stand in this file",
			"put it into an environment variable and write api_key_env: NAME; if this file was shared, make a new key at the provider", "api_key_env"}
	case "name":
		return advice{"unknown key, the name of the model is model", "write model", "model"}
	case "threshold":
		return advice{"unknown key, each triage has a threshold, for the rules as well", "write it under the triage", ""}
	case "temperature":
		return advice{"unknown key, the temperature is always 0", "delete it", ""}
	}
	return advice{}
}

const (
	maxModelTimeout = time.Minute // the Activity that asks has five, for Slack as well
	minOutputTokens = 200
	maxOutputTokens = 10_000
	minDailyTokens  = 20_000 // a long message with its answer costs a quarter of that
)

func (k *checker) model() {
	const path = "model"
	m := &k.config.Model
	if _, written := k.places[path]; !written || k.refused[path] {
		return
	}
	k.modelURL(join(path, "base_url"), *m)
	k.require(join(path, "model"), m.Model, "write the name that the server knows the model by, for example gpt-4.1-mini or qwen3:8b")
	m.key, _ = k.secret(join(path, "api_key"), m.APIKeyEnv, m.APIKeyFile)
	if at := join(path, "timeout"); !k.refused[at] && (m.Timeout < time.Second || m.Timeout > maxModelTimeout) {
		k.add(at, fmt.Sprintf("%s is not between 1s and 1m", m.Timeout), "write how long a message may wait for the model before the rules read it, for example 20s")
	}
	k.between(join(path, "max_output_tokens"), m.MaxOutputTokens, minOutputTokens, maxOutputTokens, "write 1000, which is twice what most answers take")
	if at := join(path, "daily_tokens"); !k.refused[at] && m.DailyTokens != 0 && m.DailyTokens < minDailyTokens {
		k.add(at, fmt.Sprintf("%d is less than a few messages cost", m.DailyTokens), fmt.Sprintf("write %d or more, or 0 for no bound", minDailyTokens))
	}
}

func (k *checker) between(path string, n, low, high int, fix string) {
	if !k.refused[path] && (n < low || n > high) {
		k.add(path, fmt.Sprintf("%d is not between %d and %d", n, low, high), fix)
	}
}

// modelURL allows http to other machines where no key travels: a server such as Ollama stands in the same network.
func (k *checker) modelURL(path string, m Model) {
	const fix = "write what comes before /chat/completions, for example https://api.openai.com/v1 or http://127.0.0.1:11434/v1"
	if !k.require(path, m.BaseURL, fix) {
		return
	}
	raw := m.BaseURL
	if rest, plain := strings.CutPrefix(raw, "http://"); plain && m.APIKeyEnv == "" && m.APIKeyFile == "" {
		raw = "https://" + rest
	}
	if !k.address(path, raw, fix) {
		return
	}
	u, err := url.Parse(raw)
	if err == nil && (u.RawQuery != "" || strings.HasSuffix(strings.TrimSuffix(u.Path, "/"), "/chat/completions")) {
		k.add(path, "this is more than what comes before /chat/completions", fix)
	}
}
