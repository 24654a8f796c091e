package devserver

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// executable writes a program that need not do anything.
func executable(t *testing.T, dir, name, script string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// sourceTree makes the folders of a clone and works in one of its packages.
func sourceTree(t *testing.T, module string) string {
	t.Helper()
	// The working directory comes back without symbolic links, which temporary folders have on macOS.
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "go.mod"), []byte("module "+module+"\n\ngo 1.26.0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	inside := filepath.Join(root, "some", "package")
	if err := os.MkdirAll(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(inside)
	return root
}

func TestFindCLI(t *testing.T) {
	for name, test := range map[string]struct {
		module               string
		named, built, onPath bool
		want                 string
		errorSaying          string
	}{
		"the variable goes first": {module: "tokenkeeper", named: true, built: true, onPath: true, want: "named"},
		"then the built one":      {module: "tokenkeeper", built: true, onPath: true, want: "built"},
		"then PATH":               {module: "tokenkeeper", onPath: true, want: "path"},
		"other people's bin/":     {module: "tokenkeeper/tools", built: true, onPath: true, want: "path"},
		"none":                    {module: "tokenkeeper", errorSaying: "make tools"},
	} {
		t.Run(name, func(t *testing.T) {
			root := sourceTree(t, test.module)
			elsewhere := t.TempDir()
			paths := map[string]string{
				"named": filepath.Join(elsewhere, "named", "temporal-1.5"),
				"built": filepath.Join(root, "bin", "temporal"),
				"path":  filepath.Join(elsewhere, "path", "temporal"),
			}
			t.Setenv(CLIVariable, "")
			t.Setenv("PATH", filepath.Dir(paths["path"]))
			for which, wanted := range map[string]bool{"named": test.named, "built": test.built, "path": test.onPath} {
				if wanted {
					executable(t, filepath.Dir(paths[which]), filepath.Base(paths[which]), "#!/bin/sh\n")
				}
			}
			if test.named {
				t.Setenv(CLIVariable, paths["named"])
			}

			got, err := FindCLI()
			if test.errorSaying != "" {
				if !errors.Is(err, ErrNoCLI) || !strings.Contains(err.Error(), test.errorSaying) {
					t.Errorf("err is %v", err)
				}
				return
			}
			if err != nil || got != paths[test.want] {
				t.Errorf("got %s, %v, want %s", got, err, paths[test.want])
			}
		})
	}
}

func TestAWrongVariableIsNotPassedOver(t *testing.T) {
	t.Setenv(CLIVariable, filepath.Join(t.TempDir(), "missing"))
	if _, err := FindCLI(); err == nil || !strings.Contains(err.Error(), CLIVariable) {
		t.Errorf("err is %v", err)
	}
}

func TestStartWithoutACLI(t *testing.T) {
	sourceTree(t, "tokenkeeper")
	t.Setenv(CLIVariable, "")
	t.Setenv("PATH", "")
	if _, err := Start(t.Context(), Options{Dir: t.TempDir(), FreePorts: true}); !errors.Is(err, ErrNoCLI) {
		t.Errorf("err is %v", err)
	}
}
