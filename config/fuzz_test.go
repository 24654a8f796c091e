package config

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// FuzzLoad: whatever stands in the file, Load answers with a Config that hangs together, or with problems that each are
// one line inside the file and say what to do.
func FuzzLoad(f *testing.F) {
	f.Add(good)
	for _, file := range []string{"../tokenkeeper.example.yaml", "testdata/many-faults.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	for _, seed := range []string{"", "a", "- a", "? [a]: b", "&a *a", "connectors: &a {x: *a}", "!!map {}", "\xff\xfe", "a: |\n  b\n", "{a: {b: [c", "<<: {a: b}", "a: 'b\n\n c'", "\t"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		name := filepath.Join(t.TempDir(), DefaultPath)
		write(t, name, text, 0o600)
		c, err := Load(name, testEnv)
		if err == nil {
			holdsTogether(t, c)
			return
		}
		problems, ok := errors.AsType[*Error](err)
		if !ok || len(problems.Problems) == 0 || c != nil {
			t.Fatalf("config %v, error %#v", c, err)
		}
		for _, p := range problems.Problems {
			if p.Message == "" || p.Fix == "" || strings.ContainsAny(p.String(), "\n\r\x1b") || p.Line > strings.Count(text, "\n")+strings.Count(text, "\r")+1 {
				t.Errorf("problem %+v", p)
			}
		}
		if _, err := json.Marshal(problems); err != nil {
			t.Error(err)
		}
	})
}

func holdsTogether(t *testing.T, c *Config) {
	t.Helper()
	if _, err := json.Marshal(c); err != nil {
		t.Error(err)
	}
	for name, triage := range c.Triages {
		slack, err := c.ConnectorOf(triage.Slack)
		github, err2 := c.ConnectorOf(triage.GitHub)
		if err := errors.Join(err, err2); err != nil || slack.ClientID == "" || github.Provider.ID == "" || len(triage.Routes) == 0 {
			t.Errorf("triage %s: %+v, connectors %+v %+v: %v", name, triage, slack, github, err)
		}
	}
}
