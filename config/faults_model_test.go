package config

import (
	"testing"
	"time"
)

// withModel is an edit that puts a model section before the connectors, in line 9.
func withModel(lines string) (before, after string) {
	return "connectors:\n  slack:", "model:\n" + lines + "connectors:\n  slack:"
}

func TestModel(t *testing.T) {
	before, after := withModel("  base_url: https://llm.example.com/v1\n  model: some/model:8b\n  api_key_env: SLACK_CLIENT_SECRET\n")
	c := mustLoad(t, edit(t, good, before, after))
	m := c.Model
	if !m.InUse() || m.APIKey().Reveal() != secretText || m.Timeout != 20*time.Second || m.DailyTokens != 500_000 {
		t.Errorf("model = %+v", m)
	}
	if c := mustLoad(t, good); c.Model.InUse() {
		t.Error("a file without a model has one")
	}
	before, after = withModel("  base_url: http://ollama:11434/v1\n  model: qwen3:8b\n") // no key travels in clear
	if c := mustLoad(t, edit(t, good, before, after)); !c.Model.InUse() || !c.Model.APIKey().IsZero() {
		t.Errorf("model = %+v", c.Model)
	}
}

func TestFaultsOfTheModel(t *testing.T) {
	const start = "  base_url: https://llm.example.com/v1\n  model: m\n"
	row := func(name, lines string, want ...string) fault {
		before, after := withModel(lines)
		return fault{name, before, after, want}
	}
	const address = "fix: write what comes before /chat/completions, for example https://api.openai.com/v1 or http://127.0.0.1:11434/v1"
	testFaults(t, []fault{
		row("nothing in it", "",
			"tokenkeeper.yaml:9:1: model.base_url: this is missing; "+address,
			"tokenkeeper.yaml:9:1: model.model: this is missing; fix: write the name that the server knows the model by, for example gpt-4.1-mini or qwen3:8b"),
		row("no URL", "  base_url: llm.example.com\n  model: m\n",
			"tokenkeeper.yaml:10:13: model.base_url: this is no absolute URL with http or https; "+address),
		row("whole URL", "  base_url: https://llm.example.com/v1/chat/completions\n  model: m\n",
			"tokenkeeper.yaml:10:13: model.base_url: this is more than what comes before /chat/completions; "+address),
		row("key in clear", "  base_url: http://llm.example.com/v1\n  model: m\n  api_key_env: SLACK_CLIENT_SECRET\n",
			`tokenkeeper.yaml:10:13: model.base_url: http would send codes and secrets in clear to "llm.example.com"; fix: write https; http is for 127.0.0.1, [::1] and localhost`),
		row("key in the file", start+"  api_key: sk-123\n",
			"tokenkeeper.yaml:12:3: model.api_key: a secret must never stand in this file; fix: put it into an environment variable and write api_key_env: NAME; if this file was shared, make a new key at the provider"),
		row("key not set", start+"  api_key_env: OPENAI_API_KEY\n",
			"tokenkeeper.yaml:12:16: model.api_key_env: environment variable OPENAI_API_KEY is not set; fix: export OPENAI_API_KEY='…' before the start"),
		row("two keys", start+"  api_key_env: SLACK_CLIENT_SECRET\n  api_key_file: key\n",
			"tokenkeeper.yaml:13:17: model.api_key_file: api_key_env is there too, and one of them would be ignored; fix: delete one of the two"),
		row("name", "  base_url: https://llm.example.com/v1\n  name: m\n",
			"tokenkeeper.yaml:11:3: model.name: unknown key, the name of the model is model; fix: write model"),
		row("temperature", start+"  temperature: 1\n",
			"tokenkeeper.yaml:12:3: model.temperature: unknown key, the temperature is always 0; fix: delete it"),
		row("slow", start+"  timeout: 2m\n",
			"tokenkeeper.yaml:12:12: model.timeout: 2m0s is not between 1s and 1m; fix: write how long a message may wait for the model before the rules read it, for example 20s"),
		row("short answers", start+"  max_output_tokens: 10\n",
			"tokenkeeper.yaml:12:22: model.max_output_tokens: 10 is not between 200 and 10000; fix: write 1000, which is twice what most answers take"),
		row("small budget", start+"  daily_tokens: 100\n",
			"tokenkeeper.yaml:12:17: model.daily_tokens: 100 is less than a few messages cost; fix: write 20000 or more, or 0 for no bound"),
		row("threshold", start+"  threshold: 60\n",
			"tokenkeeper.yaml:12:3: model.threshold: unknown key, each triage has a threshold, for the rules as well; fix: write it under the triage"),
	})
}
