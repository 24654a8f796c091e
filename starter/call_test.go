package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"tokenkeeper/credential"
)

// echo answers what it was sent, the token included: as /api/path, or with the status of /api/status/404.
func echo(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+accessToken {
			t.Errorf("Authorization: %q", r.Header.Get("Authorization"))
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Echo", r.Header.Get("Authorization"))
		if code, isStatus := strings.CutPrefix(r.URL.Path, "/api/status/"); isStatus {
			status := 0
			if _, err := fmt.Sscan(code, &status); err != nil {
				t.Error(err)
			}
			w.WriteHeader(status)
		}
		answer := map[string]string{
			"method": r.Method, "path": r.URL.RequestURI(), "type": r.Header.Get("Content-Type"), "body": string(body),
			"accept": r.Header.Get("Accept"), "authorization": r.Header.Get("Authorization"),
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// A call with a good token needs no Temporal: there is none in this test.
func TestCall(t *testing.T) {
	w := newWorld(t)
	w.connect("acme/triage/slack")
	server := echo(t)
	w.configure(server.URL)
	w.write("body.json", `{"from":"file"}`)
	for _, test := range []struct {
		name, stdin string
		args        []string
		want        []string
	}{
		{"relative", "", []string{"get", "auth.test?a=b"}, []string{`"method":"GET"`, `"path":"/api/auth.test?a=b"`, `"body":""`, `"type":""`}},
		{"slash in front", "", []string{"GET", "/auth.test"}, []string{`"path":"/api/auth.test"`}},
		{"absolute", "", []string{"GET", server.URL + "/elsewhere"}, []string{`"path":"/elsewhere"`}},
		{"JSON", "", []string{"POST", "x", "-d", `{"a":1}`}, []string{`"body":"{\"a\":1}"`, "application/json"}},
		{"form", "", []string{"POST", "x", "--data", "a=1"}, []string{`"body":"a=1"`, "application/x-www-form-urlencoded"}},
		{"own type", "", []string{"POST", "x", "-d", "a", "-H", "content-type: text/plain"}, []string{`"type":"text/plain"`}},
		{"file", "", []string{"POST", "x", "-d", "@body.json"}, []string{`file`}},
		{"stdin", "from stdin", []string{"POST", "x", "-d", "@-"}, []string{`"body":"from stdin"`}},
		{"header", "", []string{"GET", "x", "-H", "Accept: text/csv"}, []string{`"accept":"text/csv"`}},
		{"include", "", []string{"GET", "x", "-i"}, []string{"HTTP/1.1 200 OK\n", "Content-Type: application/json\n", "X-Echo: Bearer [redacted]\n"}},
		{"refused and shown", "", []string{"GET", "status/404", "-i"}, []string{"404 Not Found", `"path"`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.t = t
			got := w.runWith(t.Context(), test.stdin, append([]string{"call", "acme/triage/slack"}, test.args...)...).exits(exitOK).prints(test.want...)
			got.prints("[redacted]")
			if strings.Contains(got.stdout+got.stderr, accessToken) {
				t.Errorf("the token was shown: %s%s", got.stdout, got.stderr)
			}
		})
	}
}

func TestCallAsJSON(t *testing.T) {
	w := newWorld(t)
	w.connect("acme/triage/slack")
	w.configure(echo(t).URL)
	got := w.run("call", "acme/triage/slack", "GET", "x", "--json", "-v").exits(exitOK)
	var answer struct {
		Account credential.AccountID
		Status  int
		Headers map[string][]string
		Body    map[string]string
	}
	if err := json.Unmarshal([]byte(got.stdout), &answer); err != nil {
		t.Fatalf("%v: %s", err, got.stdout)
	}
	if answer.Account != slackAccount || answer.Status != http.StatusOK || answer.Body["path"] != "/api/x" || answer.Headers["X-Echo"][0] != "Bearer [redacted]" {
		t.Errorf("%+v", answer)
	}
	if strings.Contains(got.stdout+got.stderr, accessToken) {
		t.Error("the token was shown")
	}
}

func TestCallFails(t *testing.T) {
	w := newWorld(t)
	w.connect("acme/triage/slack")
	w.configure(echo(t).URL)
	w.run("call", "acme/triage/slack", "GET", "status/404", "--fail").exits(exitHTTP).prints(`"path"`).complains("answered 404 Not Found")
	w.run("call", "acme/triage/slack", "GET", "status/302", "--fail").exits(exitOK)
	w.run("call", "acme/triage/slack", "GET", "https://evil.example/x").exits(exitFailure).complains(`host "evil.example" may not receive a token`)
	w.run("call", "acme/triage/slack", "GET", "ftp://127.0.0.1/x").exits(exitUsage).complains("want https://HOST")
	w.run("call", "acme/triage/slack", "GET", "//evil.example/x").exits(exitUsage).complains("want https://HOST")
	w.run("call", "acme/triage/slack", "GET", "http://%zz").exits(exitUsage)
	w.run("call", "acme/triage/slack", "POST", "x", "-d", "@missing").exits(exitFailure).complains("missing")
	w.run("call", "acme/triage/jira", "GET", "x").exits(exitConfig).complains(`no connector "jira"`)
}

func TestCallOfAnAccountThatNeedsAPerson(t *testing.T) {
	w := newWorld(t)
	w.connect("acme/other/slack") // a vault without the account
	w.configure(echo(t).URL)
	w.serveTemporal()
	w.run("call", "acme/triage/slack", "GET", "x").exits(exitNeedsPerson).
		complains("account acme/triage/slack is pending", "tokenkeeper account connect acme/triage/slack")
}

func TestCallWithoutKeyset(t *testing.T) {
	w := newWorld(t)
	w.run("call", "acme/triage/slack", "GET", "x").exits(exitConfig).complains("vault.key")
}

func TestResolve(t *testing.T) {
	for _, test := range []struct{ base, text, want string }{
		{"https://api.github.com/", "user", "https://api.github.com/user"},
		{"https://ghes.example/api/v3/", "/user?page=2", "https://ghes.example/api/v3/user?page=2"},
		{"https://slack.com/api/", "a:b", "https://slack.com/api/a:b"},
		{"https://slack.com/api/", "", "https://slack.com/api/"},
	} {
		base, err := url.Parse(test.base)
		if err != nil {
			t.Fatal(err)
		}
		got, err := resolve(base, test.text)
		if err != nil || got.String() != test.want {
			t.Errorf("%s + %s: %v %v, want %s", test.base, test.text, got, err, test.want)
		}
	}
	if _, err := resolve(&url.URL{Path: "/"}, "user"); err == nil || !strings.Contains(err.Error(), "names no API") {
		t.Errorf("a connector without an API: %v", err)
	}
}
