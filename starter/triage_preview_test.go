package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tokenkeeper/internal/app"
)

// gitHubWith answers as GitHub does whose repository has a form for bugs.
func gitHubWith(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/github/repos/acme/app/contents/.github/ISSUE_TEMPLATE":
		fmt.Fprint(w, `[{"name":"bug.yml","type":"file"}]`)
	case "/github/repos/acme/app/contents/.github/ISSUE_TEMPLATE/bug.yml":
		fmt.Fprint(w, "name: Bug\ntitle: 'bug: '\nlabels: [from-form]\nbody:\n- {type: textarea, attributes: {label: What happened?}}\n")
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// slackWith answers as Slack does that has two messages in one channel, and none in the other.
func slackWith(t *testing.T, now time.Time) *httptest.Server {
	t.Helper()
	limited := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		switch channel := r.FormValue("channel"); {
		case r.URL.Path == "/api/auth.test":
			fmt.Fprint(w, `{"ok":true,"team_id":"T1","user_id":"U0BOT","bot_id":"B0BOT"}`)
		case strings.HasPrefix(r.URL.Path, "/github/"):
			gitHubWith(w, r)
		case r.URL.Path != "/api/conversations.history":
			fmt.Fprint(w, `{"ok":false,"error":"missing_scope"}`)
		case channel == "C0222222222" && !limited:
			limited = true
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
		case channel == "C0222222222":
			fmt.Fprint(w, `{"ok":true,"messages":[]}`)
		default:
			fmt.Fprintf(w, `{"ok":true,"messages":[
				{"type":"message","user":"U1","ts":"%d.000200","text":"Lunch?"},
				{"type":"message","user":"U1","bot_id":"B1","ts":"%[1]d.000150","text":"It crashed"},
				{"type":"message","user":"U1","ts":"%[1]d.000100","text":"Login crashes with error 500 \u001b[31m"}]}`, now.Unix())
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// It reads Slack and the vault: there is no Temporal in this test.
func TestTriagePreview(t *testing.T) {
	w := newWorld(t)
	w.connect("acme/triage/slack")
	w.configure(slackWith(t, time.Now().Add(-time.Hour)).URL)
	w.run("triage", "preview", "acme/bug-reports").exits(exitOK).
		prints("1 of 2 messages would be filed", "an issue", "acme/app", "Login crashes with error 500", "crash", "nothing", "Lunch?", "passed over: 1 of apps").
		complains("Slack limits reading; channel C0222222222 goes on in 1s", "note: without a template: 1; ", "acme/triage/github")

	got := w.run("triage", "preview", "acme/bug-reports", "--since", "2h", "--reports", "--json").exits(exitOK)
	var document app.Preview
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil || len(document.Messages) != 1 || time.Since(document.Since) < 2*time.Hour {
		t.Fatalf("%v: %s", err, got.stdout)
	}
	w.run("triage", "preview", "acme/bugs").exits(exitConfig).complains(`"acme/bugs"`, "acme/bug-reports")
	w.run("triage", "preview", "acme/bug-reports", "--since", "soon").exits(exitUsage).complains("want a time such as 7d or 36h")
	w.run("triage", "preview", "acme/bug-reports", "--since", "0d").exits(exitUsage)
}

func TestTriagePreviewShowsTemplates(t *testing.T) {
	w := newWorld(t)
	w.connect("acme/triage/slack", "acme/triage/github")
	w.configure(slackWith(t, time.Now().Add(-time.Hour)).URL)
	got := w.run("triage", "preview", "acme/bug-reports").exits(exitOK).
		prints("bug: Login crashes with error 500", "from-form", "TEMPLATE", "bug.yml")
	if strings.Contains(got.stderr, "template") {
		t.Error(got.stderr)
	}
}

func TestTriagePreviewOfAnAccountThatNobodyConnected(t *testing.T) {
	w := newWorld(t)
	w.run("vault", "init").exits(exitOK)
	w.run("triage", "preview", "acme/bug-reports", "--timeout", "300ms").exits(exitFailure).complains("acme/triage/slack", "error: ")
}

func TestAnAgeInDays(t *testing.T) {
	a := age(36 * time.Hour)
	if a.String() != "36h0m0s" || a.Set("14d") != nil || a.String() != "14d" || time.Duration(a) != 14*day {
		t.Errorf("%s", a.String())
	}
}
