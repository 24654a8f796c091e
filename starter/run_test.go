package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// script writes an executable that stands for the worker.
func (w *world) script(text string) string {
	w.t.Helper()
	path := filepath.Join(w.dir, "worker")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func TestRunStopsTheWorker(t *testing.T) {
	w := newWorld(t)
	w.run("vault", "init").exits(exitOK)
	w.serveTemporal()
	worker := w.script("trap 'echo worker stops; exit 0' INT\necho worker with $*\nwhile :; do sleep 0.05; done\n")
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stdout := newAwaited("worker with --config tokenkeeper.yaml")
	var stderr bytes.Buffer
	ended := make(chan int)
	go func() {
		ended <- run(ctx, []string{"run", "--worker", worker}, strings.NewReader(""), stdout, &stderr, w.lookup)
	}()
	<-stdout.seen
	stop()
	if code := <-ended; code != exitOK {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
	if got := stdout.String(); !strings.Contains(got, "worker stops") || !strings.Contains(got, w.env["TEMPORAL_ADDRESS"]) {
		t.Errorf("%s", got)
	}
	if kept, err := os.ReadFile(filepath.Join(w.dir, "tokenkeeper-data", "worker.log")); err != nil || !strings.Contains(string(kept), "worker stops") {
		t.Errorf("%v: %s", err, kept)
	}
}

// The reason why a worker did not start is in what it printed, and earlier runs are not repeated.
func TestRunOfAWorkerThatEnds(t *testing.T) {
	w := newWorld(t)
	w.serveTemporal()
	w.run("run", "--worker", w.script("echo first; exit 3\n")).exits(exitConfig).complains("vault.key", "fix: ", "tokenkeeper vault init")
	w.run("vault", "init").exits(exitOK)
	w.run("run", "--worker", w.script("echo first; exit 3\n"), "--data", "data").exits(exitFailure).prints("first").
		complains("the worker ended by itself", "3", "worker.log")
	got := w.run("run", "--worker", w.script("echo second; exit 3\n"), "--data", "data").exits(exitFailure).prints("second")
	if strings.Contains(got.stdout, "first") {
		t.Errorf("%s", got.stdout)
	}
	w.run("run", "--worker", "./none").exits(exitFailure).complains("the worker is missing", "make build")
}

// Somebody else's server on the usual port is not what a person wants who names a port.
func TestRunWithAPortOfItsOwn(t *testing.T) {
	w := newWorld(t)
	w.run("vault", "init").exits(exitOK)
	w.serveTemporal()
	busy := w.env["TEMPORAL_ADDRESS"]
	_, port, err := net.SplitHostPort(busy)
	if err != nil {
		t.Fatal(err)
	}
	delete(w.env, "TEMPORAL_ADDRESS")
	w.write("temporal.toml", "[profile.default]\naddress = \""+busy+"\"\n")
	w.env["TEMPORAL_CONFIG_FILE"] = filepath.Join(w.dir, "temporal.toml")
	t.Setenv("TEMPORAL_CLI", "/bin/sh")
	worker := w.script("exit 0\n")
	w.run("run", "--worker", worker).exits(exitOK).prints(busy)
	w.run("run", "--worker", worker, "--temporal-port", port).exits(exitFailure).complains("is in use", "--temporal-port")
}

// Temporal's own settings may name what is not there.
func TestAProfileThatIsNotThere(t *testing.T) {
	w := newWorld(t)
	w.env["TEMPORAL_PROFILE"] = "staging"
	w.run("account", "list").exits(exitConfig).complains("unable to find profile staging", "fix: ", "TEMPORAL_PROFILE", "temporal config list")
	delete(w.env, "TEMPORAL_PROFILE")
	w.write("temporal.toml", "this is no profile")
	w.env["TEMPORAL_CONFIG_FILE"] = filepath.Join(w.dir, "temporal.toml")
	w.run("account", "list").exits(exitConfig).complains("failed parsing config", "fix: correct", "file of profiles")
}

func TestOverridden(t *testing.T) {
	got := overridden([]string{"A=1", "TEMPORAL_ADDRESS=x", "TEMPORAL_ADDRESS_2=y"}, []string{"TEMPORAL_ADDRESS=z"})
	if want := []string{"A=1", "TEMPORAL_ADDRESS_2=y", "TEMPORAL_ADDRESS=z"}; !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}

func TestMayStartTemporal(t *testing.T) {
	for _, test := range []struct {
		named, address string
		want           bool
	}{
		{"", "localhost:7233", true},
		{"", "127.0.0.1:7233", true},
		{"127.0.0.1:7233", "127.0.0.1:7233", false},
		{"", "temporal.example:7233", false}, // from a profile
	} {
		c := &cli{env: func(string) (string, bool) { return test.named, test.named != "" }}
		if got := c.mayStartTemporal(test.address); got != test.want {
			t.Errorf("%+v: %t", test, got)
		}
	}
}
