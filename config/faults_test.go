package config

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// fault is an edit of the good file, and every problem it must lead to: one line each, in order.
type fault struct {
	name     string
	old, new string
	want     []string
}

func testFaults(t *testing.T, faults []fault) {
	t.Helper()
	for _, tt := range faults {
		t.Run(tt.name, func(t *testing.T) {
			c, err := load(t, edit(t, good, tt.old, tt.new))
			if err == nil || c != nil {
				t.Fatalf("loaded %+v, %v; want an error", c, err)
			}
			if got := strings.Split(err.Error(), "\n"); !slices.Equal(got, tt.want) {
				t.Errorf("problems:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

// A file with many faults is reported whole, in the order of its lines.
func TestManyFaults(t *testing.T) {
	text, err := os.ReadFile("testdata/many-faults.yaml")
	if err != nil {
		t.Fatal(err)
	}
	golden, err := filepath.Abs("testdata/many-faults.golden")
	if err != nil {
		t.Fatal(err)
	}
	_, err = load(t, string(text))
	if err == nil {
		t.Fatal("no error")
	}
	got := err.Error() + "\n"
	if *update {
		write(t, golden, got, 0o644)
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("problems:\n%s\nwant:\n%s", got, want)
	}
}

func TestErrorAsJSON(t *testing.T) {
	_, err := load(t, edit(t, good, "poll_interval: 30s", "poll_interval: 30"))
	got, jsonErr := json.Marshal(err)
	if jsonErr != nil {
		t.Fatal(jsonErr)
	}
	want := `{"problems":[{"file":"tokenkeeper.yaml","line":24,"column":20,"path":"triages.acme/bug-reports.poll_interval",` +
		`"message":"\"30\" has no unit","fix":"write 30s, if seconds are meant; units are ms, s, m, h"}]}`
	if string(got) != want {
		t.Errorf("JSON = %s\nwant   %s", got, want)
	}
	if problems, ok := errors.AsType[*Error](fmt.Errorf("starting: %w", err)); !ok || len(problems.Problems) != 1 {
		t.Errorf("error = %#v", err)
	}
}

func TestUnreadableFile(t *testing.T) {
	t.Chdir(t.TempDir())
	_, err := Load("", testEnv)
	if want := "tokenkeeper.yaml: cannot be read: no such file or directory; fix: cp tokenkeeper.example.yaml tokenkeeper.yaml, then edit it"; err == nil || err.Error() != want {
		t.Errorf("error = %v\nwant    %s", err, want)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("the error is not fs.ErrNotExist")
	}
	_, err = Load(".", testEnv)
	if want := ".: cannot be read: is a directory; fix: check the file and the rights to it"; err == nil || err.Error() != want {
		t.Errorf("error = %v\nwant    %s", err, want)
	}
	_, err = load(t, "#"+strings.Repeat("x", maxSize))
	if want := "tokenkeeper.yaml: this is larger than 1 MiB; fix: name the right file"; err == nil || err.Error() != want {
		t.Errorf("error = %v\nwant    %s", err, want)
	}
}

func TestSecretFiles(t *testing.T) {
	const prefix = "tokenkeeper.yaml:19:25: connectors.github.client_secret_file: "
	for _, tt := range []struct {
		name string
		make func(t *testing.T, file string)
		want string // FILE stands for the file's full name
	}{
		{"missing", func(*testing.T, string) {}, "FILE cannot be read: no such file or directory; fix: write the secret into it and chmod 600 it"},
		{"empty", func(t *testing.T, file string) { write(t, file, " \n", 0o600) }, "FILE is empty; fix: write the secret into it"},
		{"open to read", func(t *testing.T, file string) { write(t, file, secretText, 0o644) },
			"FILE is open to every user of this machine (mode 0644); fix: chmod 600 FILE"},
		{"open to write", func(t *testing.T, file string) { write(t, file, secretText, 0o602) },
			"FILE is open to every user of this machine (mode 0602); fix: chmod 600 FILE"},
		{"folder", func(t *testing.T, file string) {
			if err := os.Mkdir(file, 0o700); err != nil {
				t.Fatal(err)
			}
		}, "FILE is no regular file; fix: name the file that holds the secret"},
		{"large", func(t *testing.T, file string) { write(t, file, strings.Repeat("x", maxSecret+1), 0o600) },
			"FILE has 65537 bytes, no secret is so long; fix: name the file that holds the secret and nothing else"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			t.Chdir(folder)
			tt.make(t, filepath.Join(folder, "secret"))
			write(t, DefaultPath, edit(t, good, "client_secret_env: GITHUB_CLIENT_SECRET", "client_secret_file: secret"), 0o600)
			_, err := Load("", testEnv)
			if want := prefix + strings.ReplaceAll(tt.want, "FILE", filepath.Join(folder, "secret")); err == nil || err.Error() != want {
				t.Errorf("error = %v\nwant    %s", err, want)
			}
		})
	}
}

// A file that opens and cannot be read: the memory of a process from address 0, on systems that show it as a file.
func TestSecretFileFailsInReading(t *testing.T) {
	if runtime.GOOS != "linux" {
		return
	}
	_, err := load(t, edit(t, good, "client_secret_env: GITHUB_CLIENT_SECRET", "client_secret_file: /proc/self/mem"))
	want := "client_secret_file: /proc/self/mem cannot be read: input/output error; fix: let the user of this process read it"
	if err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("error = %v\nwant    …%s", err, want)
	}
}

// Aliases of aliases stop at a bound instead of filling memory.
func TestAliasesMultiplied(t *testing.T) {
	list := func(anchor, entry string) string {
		return "&" + anchor + " [" + strings.Repeat(entry+", ", 400) + entry + "]"
	}
	_, err := load(t, "triages:\n"+
		"  acme/a: {routes: "+list("routes", "&r {channel: C1, repository: a/b, labels: "+list("labels", "x")+"}")+"}\n"+
		"  acme/b: {routes: *routes}\n")
	if err == nil || !strings.Contains(err.Error(), "this is nested too deeply or repeated too often") || strings.Count(err.Error(), "\n") > 0 {
		t.Errorf("error = %.1000v", err)
	}
	for _, text := range []string{"connectors: &c\n  a: *c\n", "vault: &v {path: &p [*p], keyset: *v}\n", "vault: &v *v\n", "vault: &a {path: *b, keyset: &b *a}\n"} {
		if _, err := load(t, text); err == nil || len(err.Error()) > 2000 {
			t.Errorf("%q: error = %.1000v", text, err)
		}
	}
}

func TestNoMapping(t *testing.T) {
	_, err := load(t, "# a list\n- slack\n")
	if want := "tokenkeeper.yaml:2:1: want keys with values, got a list; fix: write key: value, a line for each"; err == nil || err.Error() != want {
		t.Errorf("error = %v\nwant    %s", err, want)
	}
}

func TestByteOrderMarkAndCRLF(t *testing.T) {
	if _, err := load(t, "\ufeff"+strings.ReplaceAll(good, "\n", "\r\n")); err != nil {
		t.Error(err)
	}
	_, err := load(t, strings.ReplaceAll(edit(t, good, "lookback: 0s", "lookback: 0"), "\n", "\r\n"))
	if err == nil || !strings.HasPrefix(err.Error(), "tokenkeeper.yaml:25:15: triages.acme/bug-reports.lookback: ") {
		t.Errorf("error = %v", err)
	}
}

func TestClosest(t *testing.T) {
	keys := []string{"poll_interval", "lookback", "routes", "slack", "github"}
	for word, want := range map[string]string{
		"lookbak": "lookback", "lokoback": "lookback", "Slack": "slack", "interval": "poll_interval", "poll": "poll_interval",
		"gh": "", "": "", "something": "", strings.Repeat("slack", 1000): "",
	} {
		if got := Closest(word, keys); got != want {
			t.Errorf("Closest(%.20q) = %q, want %q", word, got, want)
		}
	}
}
