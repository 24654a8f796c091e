package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

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

// It is one as well where the gateway hears of events, and these are signed with the secrets that it names.
func TestSandboxGuideWithEvents(t *testing.T) {
	w := newWorld(t)
	world := sandbox.New(sandbox.Options{})
	defer world.Close()
	heard := make(chan string, 1)
	gateway := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { heard <- r.URL.Path }))
	defer gateway.Close()
	g := guideTo(world, "127.0.0.1:8790")
	if err := g.subscribe(world, gateway.URL+"/"); err != nil {
		t.Fatal(err)
	}
	var example, text bytes.Buffer
	tellExample(&example, g)
	tellGuide(&text, g)
	for line := range strings.Lines(text.String()) {
		if name, value, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "="); ok && strings.HasPrefix(line, "export ") {
			w.env[name] = value
		}
	}
	w.write("sandbox.yaml", example.String())
	cfg, err := config.Load("sandbox.yaml", w.lookup)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"slack": g.Slack.EventSecret, "github": g.GitHub.EventSecret} {
		connector, _ := cfg.Connector(name)
		if family, secret := connector.Events.Secret(); family != name || secret.Reveal() != want {
			t.Errorf("%s: events of %q", name, family)
		}
	}
	world.Post("C0BUGREPORTS", sandbox.Message{User: "ada", Text: "It crashes"})
	select {
	case path := <-heard:
		if path != "/events/slack/slack" {
			t.Errorf("told at %s", path)
		}
	case <-time.After(10 * time.Second):
		t.Error("the gateway was not told")
	}
	w.run("sandbox", "--events-to", "nonsense").exits(exitUsage).complains("--events-to", "http://127.0.0.1:8780")
}

// It has people sign in where that is wanted.
func TestSandboxGuideWithOpenID(t *testing.T) {
	w := newWorld(t)
	world := sandbox.New(sandbox.Options{})
	defer world.Close()
	g := guideTo(world, "127.0.0.1:8790")
	g.OpenID = openIDGuide(world, g.URL)
	w.env["OIDC_CLIENT_SECRET"] = g.OpenID.ClientSecret
	var example, text bytes.Buffer
	tellExample(&example, g)
	tellGuide(&text, g)
	if export := "export OIDC_CLIENT_SECRET=" + g.OpenID.ClientSecret + "\n"; !strings.Contains(text.String(), export) {
		t.Errorf("no %s in\n%s", export, text.String())
	}
	w.write("sandbox.yaml", example.String())
	cfg, err := config.Load("sandbox.yaml", w.lookup)
	if err != nil {
		t.Fatal(err)
	}
	o := cfg.Gateway.OIDC
	if o.Issuer != "http://127.0.0.1:8790/openid" || o.ClientSecret().IsZero() || !cfg.Links.RequireSignIn ||
		!o.Operators.Include("", []string{"staff", "sre"}) || !o.Viewers.Include("", []string{"staff"}) || o.Viewers.Include(sandbox.OtherPerson, nil) {
		t.Errorf("oidc = %+v", o)
	}
}

// So is the line for a language model.
func TestSandboxGuideToTheModel(t *testing.T) {
	w := newWorld(t)
	world := sandbox.New(sandbox.Options{})
	defer world.Close()
	var text bytes.Buffer
	tellGuide(&text, guideTo(world, "127.0.0.1:8790"))
	for line := range strings.Lines(text.String()) {
		if strings.HasPrefix(line, "model: ") {
			w.write("sandbox.yaml", line)
		}
		if key, found := strings.CutPrefix(line, "export MODEL_API_KEY="); found {
			w.env["MODEL_API_KEY"] = strings.TrimSpace(key)
		}
	}
	cfg, err := config.Load("sandbox.yaml", w.lookup)
	if err != nil {
		t.Fatal(err)
	}
	if m := cfg.Model; m.BaseURL != "http://127.0.0.1:8790/model/v1" || m.Model != "toy" || m.APIKey().Reveal() != world.App(sandbox.Model).ClientSecret {
		t.Errorf("%+v", m)
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
