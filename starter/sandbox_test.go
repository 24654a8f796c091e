package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"tokenkeeper/config"
	"tokenkeeper/sandbox"
)

// What the sandbox tells people to put into their configuration is one.
func TestSandboxGuideIsAConfiguration(t *testing.T) {
	w := newWorld(t)
	world := sandbox.New(sandbox.Options{})
	defer world.Close()
	var example bytes.Buffer
	tellExample(&example, guideTo(world, "127.0.0.1:8790"))
	w.write("sandbox.yaml", example.String())
	cfg, err := config.Load("sandbox.yaml", w.lookup)
	if err != nil {
		t.Fatal(err)
	}
	slack, _ := cfg.Connector("slack")
	github, _ := cfg.Connector("github")
	if slack.Provider.Endpoints.Token != "http://127.0.0.1:8790/slack/api/oauth.v2.access" ||
		github.Provider.Endpoints.Identity != "http://127.0.0.1:8790/github/api/v3/user" ||
		len(cfg.Triages["acme/bug-reports"].Routes) != 2 {
		t.Errorf("%+v\n%+v", slack.Provider.Endpoints, github.Provider.Endpoints)
	}
}

// And the commands that it tells them to type exist.
func TestSandboxGuideLeadsOn(t *testing.T) {
	world := sandbox.New(sandbox.Options{})
	defer world.Close()
	var text bytes.Buffer
	tellGuide(&text, guideTo(world, "127.0.0.1:8790"))
	typed := 0
	for line := range strings.Lines(text.String()) {
		if strings.HasPrefix(line, "tokenkeeper ") {
			typed++
			if err := accepts(strings.Fields(line)[1:]); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
	}
	if typed < 5 {
		t.Errorf("%d commands in\n%s", typed, text.String())
	}
	if posted := `{"channel":"C0BUGREPORTS","user":"U0ADA",`; !strings.Contains(text.String(), posted) {
		t.Errorf("no %s in\n%s", posted, text.String())
	}
}

func TestSandboxServes(t *testing.T) {
	w := newWorld(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stdout := newAwaited("}\n")
	ended := make(chan int)
	var stderr bytes.Buffer
	go func() {
		ended <- run(ctx, []string{"sandbox", "--listen", "127.0.0.1:0", "--post-every", "10ms", "--json"}, strings.NewReader(""), stdout, &stderr, w.lookup)
	}()
	<-stdout.seen
	var g guide
	if err := json.Unmarshal([]byte(stdout.String()), &g); err != nil || g.Slack.ClientSecret == "" || g.GitHub.Endpoints.Token == "" {
		t.Fatalf("%v: %s", err, stdout.String())
	}
	resp, err := http.Get(g.URL + "/control/books")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("books: %s", resp.Status)
	}
	w.run("sandbox", "--listen", "nonsense").exits(exitFailure).complains("nonsense", "host:port")
	w.run("sandbox", "--listen", strings.TrimPrefix(g.URL, "http://")).exits(exitFailure).complains("is in use", "--listen")
	stop()
	if code := <-ended; code != exitOK {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
}
