package sandbox_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
)

func (w *world) controlBooks() (books sandbox.Books) {
	w.t.Helper()
	status, body := w.get("/control/books")
	require.Equal(w.t, http.StatusOK, status)
	require.NoError(w.t, json.Unmarshal(body, &books))
	return books
}

func TestControl(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	status, body := w.postJSON("/control/messages", `{"channel":"bug-reports","user":"mallory","text":"it crashes","report":true}`)
	require.Equal(t, http.StatusOK, status, string(body))
	assert.JSONEq(t, `{"team":"T0SANDBOX","channel":"C0BUGREPORTS","ts":"1800000000.000000"}`, string(body))
	assert.Equal(t, 1, w.controlBooks().ReportsPosted)

	status, _ = w.postJSON("/control/edits", `{"channel":"bug-reports","ts":"1800000000.000000","text":"it crashes a lot"}`)
	assert.Equal(t, http.StatusOK, status)
	assert.Equal(t, "it crashes a lot", w.State().Channels[0].Messages[0].Text)

	oops := w.Post(bugs, sandbox.Message{User: "ada", Text: "oops"})
	status, body = w.postJSON("/control/deletions", `{"channel":"bug-reports","ts":"`+oops+`"}`)
	assert.Equal(t, http.StatusOK, status, string(body))
	assert.Len(t, w.State().Channels[0].Messages, 1)

	const reaction = `{"channel":"bug-reports","ts":"1800000000.000000","user":"ada","emoji":"tada"}`
	status, body = w.postJSON("/control/reactions", reaction)
	assert.Equal(t, http.StatusOK, status, string(body))
	for fault, want := range map[string]string{"bug-reports": "no such channel", "1800000000.000000": "no such message", "tada": "want a name"} {
		status, body = w.postJSON("/control/reactions", strings.Replace(reaction, fault, "", 1))
		assert.Equal(t, http.StatusBadRequest, status)
		assert.Contains(t, string(body), want)
	}

	answer := w.connect(sandbox.Slack)
	_, body = w.postJSON("/control/expire", `{"app":"slack"}`)
	assert.JSONEq(t, `{"access_tokens_expired":1}`, string(body))
	assert.Equal(t, "token_expired", w.authTest(answer.Access))
	_, body = w.postJSON("/control/revoke", `{"app":"slack"}`)
	assert.JSONEq(t, `{"grants_revoked":1}`, string(body))
	assert.Equal(t, "token_revoked", w.authTest(answer.Access))

	status, _ = w.postJSON("/control/faults", `{"endpoint":"auth.test","kind":"status","status":429,"retry_after":"3s"}`)
	assert.Equal(t, http.StatusOK, status)
	_, body = w.get("/control/faults")
	assert.JSONEq(t, `[{"endpoint":"auth.test","kind":"status","status":429,"retry_after":"3s","seen":0,"hit":0}]`, string(body))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, w.url+"/control/faults", nil)
	require.NoError(t, err)
	response, _ := w.do(request)
	assert.Equal(t, http.StatusNoContent, response.StatusCode)
	assert.Empty(t, w.Faults())
}

func TestControlRefusesWhatItDoesNotUnderstand(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	for path, bodies := range map[string][]string{
		"/control/messages":  {`{`, `{"channel":"bug-reports","txt":"x"}`, `{"channel":"nosuch","text":"x"}`, `{"channel":"bug-reports"}`},
		"/control/edits":     {`{"channel":"bug-reports","ts":"1.0","text":"x"}`},
		"/control/deletions": {`{"channel":"bug-reports","ts":"1.0"}`},
		"/control/faults":    {`{"kind":"explode"}`, `{"kind":"drop","endpiont":"x"}`},
		"/control/revoke":    {`{"app":"gitlab"}`},
		"/control/expire":    {`{}`},
	} {
		for _, body := range bodies {
			status, answer := w.postJSON(path, body)
			assert.Equal(t, http.StatusBadRequest, status, path+" "+body)
			assert.Contains(t, string(answer), `"error"`)
		}
	}
}

// Tokens and secrets leave the sandbox through its token endpoints, and nowhere else.
func TestNothingSecretIsShown(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(sandbox.Slack)
	answer := w.connect(sandbox.GitHub)
	_, err := w.createIssue(w.gitHub(answer.Access), "x", "y")
	require.NoError(t, err)
	secrets := append(w.IssuedTokens(), w.App(sandbox.Slack).ClientSecret, w.App(sandbox.GitHub).ClientSecret)
	for _, path := range []string{"/", "/control/state", "/control/books", "/control/faults", "/control/tokens", "/github/acme/app/issues/2"} {
		status, page := w.get(path)
		assert.Equal(t, path == "/control/tokens", status == http.StatusNotFound)
		for _, secret := range secrets {
			assert.NotContains(t, string(page), secret, path)
		}
	}
}

func TestOtherSitesCannotActThroughABrowser(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	for _, path := range []string{"/control/messages", "/control/revoke", "/slack/oauth/v2/authorize", "/github/login/oauth/authorize"} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+path, strings.NewReader(""))
		require.NoError(t, err)
		request.Header.Set("Origin", "https://evil.example")
		response, _ := w.do(request)
		assert.Equal(t, http.StatusForbidden, response.StatusCode, path)
	}
}

// curl -d calls everything a form.
func TestJSONThatIsCalledAForm(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	for body, want := range map[string]int{
		`{"channel":"bug-reports","text":"it crashes"}`: http.StatusOK,
		`{"channel":"nosuch","text":"it crashes"}`:      http.StatusBadRequest,
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.url+"/control/messages", strings.NewReader(body))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		response, answer := w.do(request)
		assert.Equal(t, want, response.StatusCode)
		assert.True(t, json.Valid(answer), "%s", answer)
	}
}

func TestIndexPage(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	status, _ := w.post("/control/messages", url.Values{
		"channel": {bugs}, "user": {"U0ADA"}, "text": {"a <script>alert(1)</script> & more"}, "report": {"yes"},
	})
	assert.Equal(t, http.StatusSeeOther, status)
	w.Post("support", sandbox.Message{Bot: "ci", Text: "Build passed", Files: []sandbox.File{{Name: "log.txt"}}})
	issue, err := w.createIssue(w.connectedGitHub(), "An <issue>", "")
	require.NoError(t, err)
	w.fault(sandbox.Fault{Name: "later", Kind: sandbox.FaultDrop, After: 100})

	status, page := w.get("/")
	assert.Equal(t, http.StatusOK, status)
	for _, want := range []string{
		"#bug-reports", "Ada Okafor", "a &lt;script&gt;alert(1)&lt;/script&gt; &amp; more", ">report<", "attached: log.txt",
		"An &lt;issue&gt;", issue.GetHTMLURL(), "Reports without an issue", "github issues.create", "app not invited", "later",
		w.App(sandbox.Slack).ClientID, "prefers-color-scheme",
	} {
		assert.Contains(t, string(page), want)
	}
	assert.NotContains(t, string(page), "<script")
	assert.Contains(t, w.channelText(bugs), "a &lt;script&gt;", "stored as Slack stores it")

	status, _ = w.post("/control/messages", url.Values{"channel": {"nosuch"}, "text": {"x"}})
	assert.Equal(t, http.StatusBadRequest, status)
}

func (w *world) channelText(id string) string {
	for _, ch := range w.State().Channels {
		if ch.ID == id {
			return ch.Messages[0].Text
		}
	}
	return ""
}

func TestPagesThatDoNotExist(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	for _, path := range []string{
		"/nosuch", "/archives/C0NOSUCH/p1", "/archives/" + bugs + "/p1", "/archives/" + bugs + "/px", "/files/F1/a.png",
		"/github/acme/app/issues/99", "/github/acme/app/issues/x", "/github/acme/nosuch/issues/1",
	} {
		status, page := w.get(path)
		assert.Equal(t, http.StatusNotFound, status, path)
		assert.Contains(t, string(page), "That did not work")
	}
}

func TestLinksFollowThePublicURL(t *testing.T) {
	w := newWorld(t, sandbox.Options{PublicURL: "https://sandbox.example/"})
	issue, err := w.createIssue(w.connectedGitHub(), "x", "")
	require.NoError(t, err)
	assert.Equal(t, "https://sandbox.example/github/acme/app/issues/2", issue.GetHTMLURL())
	assert.Equal(t, issue.GetHTMLURL(), w.State().Issues[1].URL)
}
