package devserver

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// CLIVariable is the environment variable that names the Temporal CLI to use before any other.
const CLIVariable = "TEMPORAL_CLI"

// ErrNoCLI says that there is no Temporal CLI on this machine.
var ErrNoCLI = errors.New("no Temporal CLI found in bin/ or on PATH: run `make tools`, or name one with " + CLIVariable)

// FindCLI returns the Temporal CLI to use: the one TEMPORAL_CLI names; `temporal` beside the running binary; the one
// `make tools` built into bin/ of the source tree around the working directory; the one on PATH. The built one goes
// before PATH because its version is the one the tests were run with.
func FindCLI() (string, error) {
	if named := os.Getenv(CLIVariable); named != "" {
		path, err := exec.LookPath(named)
		if err != nil {
			return "", fmt.Errorf("%s: %w", CLIVariable, err)
		}
		return path, nil
	}
	for _, candidate := range builtCLIs() {
		if path, err := exec.LookPath(candidate); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath("temporal")
	if err != nil {
		return "", ErrNoCLI
	}
	return path, nil
}

// builtCLIs returns where a CLI of our own may be, absolute, whether or not it is there.
func builtCLIs() []string {
	var candidates []string
	if self, err := os.Executable(); err == nil {
		candidates = append(candidates, filepath.Join(filepath.Dir(self), "temporal"))
	}
	if root, ok := moduleRoot(); ok {
		candidates = append(candidates, filepath.Join(root, "bin", "temporal"))
	}
	return candidates
}

// moduleRoot returns the root of the tokenkeeper source tree around the working directory, where tests run.
func moduleRoot() (string, bool) {
	dir, err := os.Getwd()
	if err != nil {
		return "", false
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module tokenkeeper\n") {
			return dir, true
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", false
		}
		dir = parent
	}
}
