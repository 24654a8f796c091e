package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tokenkeeper/config"
	"tokenkeeper/credential"
	"tokenkeeper/examples/supportdesk"
	"tokenkeeper/workflows"
)

// The README and what it leads to is what people type from, so what is shown has to be there: these tests read it.

func readText(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// documents returns the documentation and the files under docs by their paths.
func documents(t *testing.T) map[string]string {
	t.Helper()
	paths, err := filepath.Glob("../docs/*.md")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	texts := map[string]string{}
	for _, path := range append(paths, "../README.md") {
		texts[path] = readText(t, path)
	}
	return texts
}

// documentation returns all documents in one.
func documentation(t *testing.T) string {
	t.Helper()
	texts := documents(t)
	var all strings.Builder
	for _, path := range slices.Sorted(maps.Keys(texts)) {
		all.WriteString(texts[path])
	}
	return all.String()
}

// fences returns the code blocks of the documentation in a language.
func fences(t *testing.T, language string) []string {
	t.Helper()
	var blocks []string
	for _, match := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(documentation(t), -1) {
		blocks = append(blocks, match[1])
	}
	if len(blocks) == 0 {
		t.Fatalf("the documentation has no block of %s", language)
	}
	return blocks
}

// typed returns the words of each command line of the documentation that runs a program. At least a few are expected.
func typed(t *testing.T, program string, least int) [][]string {
	t.Helper()
	var lines [][]string
	for _, block := range fences(t, "sh") {
		for line := range strings.Lines(strings.ReplaceAll(block, "\\\n", " ")) {
			if words := shellWords(line); len(words) > 0 && words[0] == program {
				lines = append(lines, words)
			}
		}
	}
	if len(lines) < least {
		t.Errorf("the documentation runs %s %d times, want at least %d", program, len(lines), least)
	}
	return lines
}

// shellWords splits a line as a shell does that knows single quotes, double quotes and comments.
func shellWords(line string) []string {
	var words []string
	for _, match := range regexp.MustCompile(`'([^']*)'|"([^"]*)"|(#.*)|([^\s'"]+)`).FindAllStringSubmatch(line, -1) {
		if match[3] != "" {
			break
		}
		words = append(words, match[1]+match[2]+match[4])
	}
	return words
}

func TestReadmeCommandsAreAccepted(t *testing.T) {
	seen := map[string]bool{}
	for _, words := range typed(t, "tokenkeeper", 25) {
		if err := accepts(words[1:]); err != nil {
			t.Errorf("%s: %v", strings.Join(words, " "), err)
			continue
		}
		cmd, _, _ := newRoot(&cli{}).Find(words[1:]) // it was found a line before
		seen[cmd.CommandPath()] = true
	}
	text := documentation(t)
	for _, cmd := range ours(newRoot(&cli{})) {
		if !cmd.HasSubCommands() && !seen[cmd.CommandPath()] && !strings.Contains(text, "`"+cmd.CommandPath()) && cmd.Name() != "demo" && cmd.Name() != "version" {
			t.Errorf("the documentation does not show %s", cmd.CommandPath())
		}
	}
}

// messages of each Workflow type, by the verb of the temporal command and the name, with what they take.
func messages() map[string]any {
	return map[string]any{
		"account query " + workflows.QueryStatus: nil, "triage query " + workflows.QueryStatus: nil, "report query " + workflows.QueryStatus: nil,
		"account update " + workflows.UpdateRefresh:                   &workflows.RefreshRequest{},
		"account update " + workflows.UpdateReauthorized:              &workflows.ReauthorizedRequest{},
		"account update " + workflows.UpdateReject:                    &workflows.RejectRequest{},
		"account update " + workflows.UpdateDisconnect:                nil,
		"account update " + workflows.UpdateValidate:                  nil,
		"account signal " + workflows.SignalValidate:                  nil,
		"account signal " + workflows.SignalReauthorized:              &workflows.ReauthorizedRequest{},
		"account signal " + workflows.SignalAwait:                     &workflows.Waiter{},
		"account signal " + workflows.SignalDisconnect:                nil,
		"connector query " + workflows.QueryStatus:                    nil,
		"connector signal " + workflows.SignalConfigured:              nil,
		"triage signal " + workflows.SignalPause:                      nil,
		"triage signal " + workflows.SignalResume:                     nil,
		"triage signal " + workflows.SignalReload:                     nil,
		"report signal " + workflows.SignalRetry:                      nil,
		"account start " + workflows.ConnectedAccountType:             &workflows.AccountInput{},
		"account signal-with-start " + workflows.ConnectedAccountType: &workflows.AccountInput{},
		"triage start " + workflows.TriageType:                        &workflows.TriageInput{},
		"report start " + workflows.ReportType:                        &workflows.ReportInput{},
		"desk start Desk":                                             &supportdesk.DeskInput{},
	}
}

// Every message that a Workflow understands is in the cookbook, under the right id and with an input that decodes.
func TestReadmeTemporalCommands(t *testing.T) {
	known, shown := messages(), map[string]bool{}
	for _, words := range typed(t, "temporal", 20) {
		line, flags := strings.Join(words, " "), flagsOf(words)
		verb, kind := words[2], strings.SplitN(flags["--workflow-id"], "/", 2)[0]
		if verb == "list" || verb == "show" || verb == "cancel" {
			continue
		}
		name := kind + " " + verb + " " + flags["--name"] + flags["--type"]
		into, ok := known[name]
		if !ok {
			t.Errorf("%s: no Workflow takes %q", line, name)
			continue
		}
		shown[name] = true
		queue := workflows.TaskQueue
		if kind == "desk" {
			queue = supportdesk.TaskQueue
		}
		if strings.HasSuffix(verb, "start") && flags["--task-queue"] != queue {
			t.Errorf("%s: want task queue %s", line, queue)
		}
		if into == nil || flags["--input"] == "" {
			continue
		}
		decoder := json.NewDecoder(strings.NewReader(flags["--input"]))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(into); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if !shown[name] {
			t.Errorf("the documentation does not show how to %s", name)
		}
	}
}

// flagsOf returns flags with the word that follows.
func flagsOf(words []string) map[string]string {
	flags := map[string]string{}
	for i, word := range words[:len(words)-1] {
		if strings.HasPrefix(word, "--") {
			flags[word] = words[i+1]
		}
	}
	return flags
}

func TestReadmeMakeTargets(t *testing.T) {
	makefile := readText(t, "../Makefile")
	for _, match := range regexp.MustCompile("(?m)(?:^|`)make ([a-z/ ]+)").FindAllStringSubmatch(documentation(t), -1) {
		for target := range strings.FieldsSeq(match[1]) {
			if !regexp.MustCompile(`(?m)^` + target + `:`).MatchString(makefile) {
				t.Errorf("make %s: the Makefile has no such target", target)
			}
		}
	}
}

// Each key of the table is in the example, with the default that the table says.
func TestReadmeConfigurationTable(t *testing.T) {
	example := readText(t, "../tokenkeeper.example.yaml")
	rows := regexp.MustCompile("(?m)^\\| `([a-zA-Z_./]+)` \\| (.*?) \\| (.*) \\|$").FindAllStringSubmatch(documentation(t), -1)
	keys := 0
	for _, row := range rows {
		parts := strings.Split(row[1], ".")
		key, value := parts[len(parts)-1], strings.Trim(row[2], "`")
		if len(parts) == 1 && key != "providers" {
			continue // a status
		}
		keys++
		if value == row[2] {
			value = "" // no literal
		}
		if !regexp.MustCompile(`\b` + key + `:\s*` + regexp.QuoteMeta(value)).MatchString(example) {
			t.Errorf("%s: the example has no %s: %s", row[1], key, value)
		}
	}
	if keys < 15 {
		t.Errorf("%d keys found in the table", keys)
	}
}

func TestReadmeStatuses(t *testing.T) {
	text := documentation(t)
	for _, status := range credential.Statuses() {
		if !strings.Contains(text, "| `"+string(status)+"` |") {
			t.Errorf("the documentation does not say what %s means", status)
		}
	}
}

// The configurations that it shows load.
func TestReadmeConfigurations(t *testing.T) {
	blocks := fences(t, "yaml")
	w := newWorld(t)
	w.env["GHES_CLIENT_SECRET"], w.env["GOVSLACK_CLIENT_SECRET"] = "secret-of-ghes", "secret-of-govslack"
	w.env["SLACK_SIGNING_SECRET"], w.env["GITHUB_WEBHOOK_SECRET"] = "signing-secret-of-slack", "webhook-secret-of-github"
	key := keyText(t)
	account, err := json.Marshal(map[string]string{"type": "service_account", "client_email": "agent@example.com", "private_key": key})
	if err != nil {
		t.Fatal(err)
	}
	w.write("github-app.pem", key)
	w.write("drive.json", string(account))
	loaded := 0
	for _, block := range blocks {
		block = strings.ReplaceAll(block, "/run/secrets/", "")
		if !strings.HasPrefix(block, "connectors:") {
			continue // another program's
		}
		w.write("readme.yaml", block)
		if _, err := config.Load("readme.yaml", w.lookup); err != nil {
			t.Errorf("%v in\n%s", err, block)
		}
		loaded++
	}
	if loaded == 0 {
		t.Error("the documentation shows no connectors")
	}
}

func TestReadmePaths(t *testing.T) {
	found := 0
	for document, text := range documents(t) {
		for _, match := range regexp.MustCompile("`([a-z]+/(?:[a-z-]+/)*(?:[a-z-]+\\.[a-z]+)?)`").FindAllStringSubmatch(text, -1) {
			found++
			if strings.HasPrefix(match[1], "bin/") {
				continue // made when it is run
			}
			if _, err := os.Stat(filepath.Join("..", match[1])); err != nil {
				t.Errorf("%s speaks of %s: %v", document, match[1], err)
			}
		}
	}
	if found < 15 {
		t.Errorf("%d paths found", found)
	}
}

// Links lead to files that are there, and to headings and marks in them.
func TestReadmeLinks(t *testing.T) {
	found := 0
	for document, text := range documents(t) {
		for _, match := range regexp.MustCompile(`\]\(([\w./-]*)(?:#([\w-]+))?\)`).FindAllStringSubmatch(text, -1) {
			found++
			target := document
			if match[1] != "" {
				target = filepath.Join(filepath.Dir(document), match[1])
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s leads to %s: %v", document, match[1], err)
			} else if match[2] != "" && !slices.Contains(anchors(readText(t, target)), match[2]) {
				t.Errorf("%s leads to %s, which has no place %q", document, match[0], match[2])
			}
		}
	}
	if found < 20 {
		t.Errorf("%d links found", found)
	}
}

// anchors returns what a link can lead to: marks, and headings as GitHub names them.
func anchors(text string) []string {
	text = regexp.MustCompile("(?ms)^```.*?^```").ReplaceAllString(text, "")
	var names []string
	for _, match := range regexp.MustCompile(`(?m)^#+ (.*)$|<a id="([^"]+)">`).FindAllStringSubmatch(text, -1) {
		heading := regexp.MustCompile(`[^\w -]`).ReplaceAllString(strings.ToLower(match[1]), "")
		names = append(names, strings.ReplaceAll(heading, " ", "-")+match[2])
	}
	return names
}
