package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// ours returns every command below root that cobra did not add.
func ours(root *cobra.Command) []*cobra.Command {
	commands := []*cobra.Command{root}
	for _, child := range root.Commands() {
		if child.Name() != "help" && child.Name() != "completion" && !child.IsAdditionalHelpTopicCommand() {
			commands = append(commands, ours(child)...)
		}
	}
	return commands
}

func TestCommandsExplainThemselves(t *testing.T) {
	for _, cmd := range ours(newRoot(&cli{})) {
		if cmd.Short == "" || cmd.Long == "" || cmd.Example == "" {
			t.Errorf("%s: wants Short, Long and Example", cmd.CommandPath())
		}
		for line := range strings.SplitSeq(cmd.Long+"\n"+cmd.Example, "\n") {
			if len([]rune(line)) > 130 {
				t.Errorf("%s: line of %d characters: %s", cmd.CommandPath(), len([]rune(line)), line)
			}
		}
	}
}

// An example that is refused teaches what does not work.
func TestExamplesAreAccepted(t *testing.T) {
	for _, cmd := range ours(newRoot(&cli{})) {
		for line := range strings.SplitSeq(cmd.Example, "\n") {
			args := strings.Fields(line)[1:]
			if args[0] == "demo" {
				continue // its own tests run it
			}
			if err := accepts(args); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
}

// accepts returns what is wrong with a command line, without running it.
func accepts(args []string) error {
	target, rest, err := newRoot(&cli{}).Find(args)
	if err != nil {
		return err
	}
	if err := target.ParseFlags(rest); err != nil {
		return err
	}
	return target.ValidateArgs(target.Flags().Args())
}

func TestUsageErrors(t *testing.T) {
	for _, test := range []struct{ args, want string }{
		{"acount", `no command "acount"; did you mean account?`},
		{"account shw", `no command "shw"; did you mean show?`},
		{"account show", "want one ACCOUNT"},
		{"account show acme/triage/slack more", "want one ACCOUNT"},
		{"account show slack", "want organization/user/connector"},
		{"account show acme/Triage/slack", `part "Triage"`},
		{"account connect acme/triage/slack --wait 10m", "write --wait=10m"},
		{"sandbox --token-lifetime -5s", "below zero"},
		{"account list --status broken", `"broken" is no status`},
		{"account list more", "unknown command"},
		{"account list --nonsense", "unknown flag: --nonsense"},
		{"account connect acme/triage/slack --wait=soon", "invalid argument"},
		{"account disconnect acme/triage/slack", "nobody is here to confirm"},
		{"account disconnect", "want one ACCOUNT"},
		{"account import acme/triage/slack xoxb-1", "want one ACCOUNT"},
		{"account disconnect --user acme/jane/slack --yes", "want USER or ORGANIZATION/USER"},
		{"account disconnect --user= --yes", "want USER or ORGANIZATION/USER"},
		{"account disconnect --user Jane --yes", "want USER or ORGANIZATION/USER"},
		{"account disconnect acme/jane/slack --user jane --yes", "not both"},
		{"account disconnect --user jane", "nobody is here to confirm"},
		{"triage start", "want one NAME"},
		{"triage start bug-reports", "want one NAME"},
		{"triage start acme/bug-reports --all", "not both"},
		{"triage pause", "want one NAME"},
		{"triage status a/b c/d", "want one NAME"},
		{"call acme/triage/slack GET", "want ACCOUNT METHOD URL"},
		{"call slack GET auth.test", "want organization/user/connector"},
		{"call acme/triage/slack GE/T auth.test", "METHOD"},
		{"call acme/triage/slack GET auth.test -H Authorization:x", "the account's connector authenticates"},
		{"call acme/triage/slack GET auth.test -H cookie:x", "the account's connector authenticates"},
		{"call acme/triage/slack GET auth.test -H Host:x", "the host is that of the URL"},
		{"call acme/triage/slack GET auth.test -H nonsense", "want 'Name: value'"},
		{"providers slack google", "want at most one ID"},
		{"vault destroy", `no command "destroy"`},
		{"doctor now", "unknown command"},
		{"notices try", `no command "try"`},
		{"notices test pager", "unknown command"},
		{"audit --since -1h", "want a time such as 7d or 36h"},
		{"vault rotate --keep 0s", "add --drop-old"},
		{"vault rotate --drop-old --keep -1s", "want a time such as 24h"},
		{"help acount", `no command "acount"; did you mean account?`},
		{"help account shw", `no command "shw"; did you mean show?`},
		{"--timeout", "flag needs an argument"},
		{"account list --timeout 0s", "want a time above zero"},
	} {
		t.Run(test.args, func(t *testing.T) {
			w := newWorld(t)
			w.run(strings.Fields(test.args)...).exits(exitUsage).complains("error: ", test.want, "fix: ")
		})
	}
}

// What a command refuses is explained by its own help, not by that of all.
func TestUsageErrorsNameTheHelpOfTheirCommand(t *testing.T) {
	w := newWorld(t)
	w.run("account", "list", "--nonsense").exits(exitUsage).complains("fix: tokenkeeper account list --help")
	w.run("account", "show", "slack").exits(exitUsage).complains("fix: tokenkeeper account show --help")
	w.run("--nonsense").exits(exitUsage).complains("fix: tokenkeeper --help")
}

func TestErrorsAsJSON(t *testing.T) {
	w := newWorld(t)
	for _, args := range []string{"--json account shw", "account show --json slack", "account list --nonsense --json"} {
		got := w.run(strings.Fields(args)...).exits(exitUsage)
		var document errorDocument
		if err := json.Unmarshal([]byte(got.stderr), &document); err != nil {
			t.Errorf("%s: %v: %s", args, err, got.stderr)
		}
		if document.Error.Message == "" || document.Error.Fix == "" || got.stdout != "" {
			t.Errorf("%s: want message and fix, and nothing on stdout: %+v %q", args, document, got.stdout)
		}
	}
}

func TestHelp(t *testing.T) {
	w := newWorld(t)
	w.run().exits(exitOK).prints("Available Commands:", "exit-codes")
	w.run("account").exits(exitOK).prints("connect", "disconnect")
	w.run("help", "exit-codes").exits(exitOK).prints(" 3  the account needs a person", "22  ")
	w.run("help", "account", "show").exits(exitOK).prints("tokenkeeper account show ACCOUNT")
	w.run("help").exits(exitOK).prints("Available Commands:")
	w.run("call", "--help").exits(exitOK).prints("--data", "Examples:")
	w.run("version").exits(exitOK).prints("tokenkeeper ", "go1.")
	var v versionDocument
	if err := json.Unmarshal([]byte(w.run("version", "--json").exits(exitOK).stdout), &v); err != nil || v.Go == "" {
		t.Errorf("version --json: %v %+v", err, v)
	}
}

func TestConfigurationErrors(t *testing.T) {
	w := newWorld(t)
	w.write("bad.yaml", "connectors:\n  slack:\n    provider: slak\n    client_id: x\n    client_secret_env: MISSING_SECRET\n    colour: red\n")
	for _, args := range []string{
		"account list", "triage start --all", "vault init", "run --worker /bin/sh", "providers", "call acme/triage/slack GET auth.test",
	} {
		w.run(append(strings.Fields(args), "--config", "bad.yaml")...).exits(exitConfig).complains("bad.yaml:6:", "colour", "bad.yaml:3:", "slak", "fix: ")
	}
	got := w.run("account", "list", "--config", "bad.yaml", "--json").exits(exitConfig)
	var document errorDocument
	if err := json.Unmarshal([]byte(got.stderr), &document); err != nil || len(document.Error.Problems) < 3 {
		t.Errorf("want each problem by itself: %v %s", err, got.stderr)
	}
	w.run("account", "list", "--config", "none.yaml").exits(exitConfig).complains("none.yaml", "cp tokenkeeper.example.yaml")
	w.run("account", "connect", "acme/triage/jira", "--config", "tokenkeeper.yaml").exits(exitTemporal)
}

func TestTemporalUnreachable(t *testing.T) {
	w := newWorld(t)
	w.run("vault", "init").exits(exitOK) // without a key nothing is run
	for _, args := range []string{
		"account list", "account show acme/triage/slack", "account connect acme/triage/slack", "account refresh acme/triage/slack",
		"account reauthorize acme/triage/slack", "account disconnect acme/triage/slack --yes",
		"triage start --all", "triage status", "triage pause acme/bug-reports", "triage resume acme/bug-reports",
		"run --worker /bin/sh", "notices test",
	} {
		got := w.run(append(strings.Fields(args), "--timeout", "300ms")...)
		got.exits(exitTemporal).complains(w.env["TEMPORAL_ADDRESS"], "make run", "TEMPORAL_ADDRESS")
	}
	got := w.run("account", "list", "--json", "--timeout", "300ms").exits(exitTemporal)
	if !json.Valid([]byte(got.stderr)) || got.stdout != "" {
		t.Errorf("want JSON on stderr only: %q %q", got.stderr, got.stdout)
	}
}

func TestProviders(t *testing.T) {
	table, detail := testdata(t, "providers.txt"), testdata(t, "provider-slack.txt")
	w := newWorld(t)
	w.run("providers").exits(exitOK).golden(table)
	w.run("providers", "slack").exits(exitOK).golden(detail)
	w.run("providers", "slak").exits(exitFailure).complains(`"slak" is not in the catalogue`, "github-app")

	var document struct {
		Providers []struct {
			ID                   string
			ClientAuthentication string `json:"client_authentication"`
		}
	}
	if err := json.Unmarshal([]byte(w.run("providers", "--json").exits(exitOK).stdout), &document); err != nil {
		t.Fatal(err)
	}
	if len(document.Providers) < 5 || document.Providers[0].ID != "airtable" || document.Providers[0].ClientAuthentication == "" {
		t.Errorf("want the keys of the catalogue: %+v", document)
	}
	w.run("__complete", "providers", "").exits(exitOK).prints("slack\n", "zendesk\n")
}

// The catalogue is needed to write the first configuration.
func TestProvidersWithoutConfiguration(t *testing.T) {
	w := newWorld(t)
	w.write("tokenkeeper.yaml", "nonsense: true\n")
	w.run("providers").exits(exitOK).prints("github-app")
	w.run("providers", "--config", "tokenkeeper.yaml").exits(exitConfig)
}

func TestOwnProvidersAreListed(t *testing.T) {
	w := newWorld(t)
	entry := strings.ReplaceAll(goodConfig, "API", "http://127.0.0.1:1") + `
providers:
  - id: acme
    name: Acme
    client_authentication: client_secret_post
    endpoints:
      authorize: https://acme.example/authorize
      token: https://acme.example/token
      identity: https://acme.example/me
      api: https://acme.example/api/
    identity: {subject: "{id}"}
    token: {lifetime: 20m, rotation: static}
`
	w.write("tokenkeeper.yaml", entry)
	w.run("providers").exits(exitOK).prints("acme ", "20m", "stays")
}
