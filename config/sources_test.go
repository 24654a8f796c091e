package config

import (
	"os"
	"strings"
	"testing"
)

func TestSourcesKnowWhenAFileChanged(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "slack.secret", "first", 0o600)
	write(t, DefaultPath, edit(t, good, "client_secret_env: SLACK_CLIENT_SECRET", "client_secret_file: slack.secret"), 0o600)
	c, err := Load("", testEnv)
	if err != nil {
		t.Fatal(err)
	}
	read := c.Sources()
	if len(read) != 2 || !read.Now().Equal(read) {
		t.Fatalf("read %v, now %v", read, read.Now())
	}
	write(t, "slack.secret", "other", 0o600) // as long, and within one tick of the clock
	if read.Now().Equal(read) {
		t.Error("another secret went unnoticed")
	}
	write(t, "slack.secret", "first", 0o600)
	if !read.Now().Equal(read) {
		t.Error("the same secret is another")
	}
	if err := os.Remove("slack.secret"); err != nil {
		t.Fatal(err)
	}
	if read.Now().Equal(read) {
		t.Error("a secret that is gone went unnoticed")
	}
}

func TestKeepNamesWhatNeedsARestart(t *testing.T) {
	old := mustLoad(t, good)
	next := mustLoad(t, edit(t, edit(t, good, "task_queue: tokenkeeper", "task_queue: other"), "timeout: 10s", "timeout: 9s")+
		"links: {lifetime: 10m, require_code: true}\n")
	// The vault's file is in another folder, because mustLoad takes a fresh one.
	if got := strings.Join(next.Keep(old), " "); got != "temporal.task_queue vault links.require_code" {
		t.Errorf("kept %q", got)
	}
	if next.Temporal != old.Temporal || next.Links.RequireCode || next.Links.Lifetime == old.Links.Lifetime {
		t.Errorf("next = %+v %+v", next.Temporal, next.Links)
	}
	if next.Connectors["slack"].Same(old.Connectors["slack"]) || !next.Connectors["github"].Same(old.Connectors["github"]) {
		t.Error("slack differs and github does not")
	}
	if kept := mustLoad(t, good).Keep(mustLoad(t, good)); strings.Join(kept, " ") != "vault" {
		t.Errorf("kept %q of the same file in another folder", kept)
	}
}
