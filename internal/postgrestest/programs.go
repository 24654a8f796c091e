package postgrestest

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

var errNoPrograms = errors.New("PostgreSQL's server programs are not on this machine: install Debian's postgresql, " +
	"or put the folder with initdb and postgres on PATH")

// programs returns the folder with initdb, postgres and the others.
func programs(ctx context.Context) (string, error) {
	var candidates []string
	if path, err := exec.LookPath("initdb"); err == nil {
		if target, err := filepath.EvalSymlinks(path); err == nil {
			candidates = append(candidates, filepath.Dir(target))
		}
	}
	if out, err := exec.CommandContext(ctx, "pg_config", "--bindir").Output(); err == nil {
		candidates = append(candidates, strings.TrimSpace(string(out)))
	}
	installed, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.Reverse(installed) // the newest first
	for _, folder := range append(candidates, installed...) {
		if complete(folder) {
			return folder, nil
		}
	}
	return "", errNoPrograms
}

// complete reports whether a folder has what a server needs: client packages bring pg_config, and wrappers, without it.
func complete(folder string) bool {
	for _, name := range []string{"initdb", "postgres", "pg_isready", "createdb"} {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			return false
		}
	}
	return true
}
