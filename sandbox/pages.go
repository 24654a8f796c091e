package sandbox

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

//go:embed pages/*.html
var pageFiles embed.FS

// pageTemplates parses the embedded pages; they are part of the program, so a mistake in them is one of ours.
func pageTemplates() *template.Template {
	functions := template.FuncMap{"unescape": unescapeText}
	return template.Must(template.New("pages").Funcs(functions).ParseFS(pageFiles, "pages/*.html"))
}

// unescapeText undoes [escapeText] for the eyes of people; html/template escapes again.
func unescapeText(text string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(text)
}

func (s *Sandbox) pageRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", s.indexPage)
	mux.HandleFunc("GET /archives/{channel}/{message}", s.threadPage)
	mux.HandleFunc("GET /github/{owner}/{repo}/issues/{number}", s.issuePage)
	mux.HandleFunc("GET /files/{id}/{name}", func(w http.ResponseWriter, _ *http.Request) {
		s.errorPage(w, http.StatusNotFound, "The sandbox keeps the names of files, not what is in them.")
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		s.errorPage(w, http.StatusNotFound, "There is no page here.")
	})
}

func (s *Sandbox) render(w http.ResponseWriter, status int, page string, data any) {
	var body bytes.Buffer
	if err := s.pages.ExecuteTemplate(&body, page, data); err != nil {
		http.Error(w, "rendering the page: "+err.Error(), http.StatusInternalServerError)
		return
	}
	a := textAnswer(status, "text/html; charset=utf-8", body.String())
	a.with("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'").
		with("Cache-Control", "no-store").with("Referrer-Policy", "no-referrer").write(w)
}

func (s *Sandbox) errorPage(w http.ResponseWriter, status int, message string) {
	s.render(w, status, "error.html", message)
}

// bookRow is a line of the books for people; numbers that should be 0 and are not stand out.
type bookRow struct {
	Name  string
	Count int
	Class string
}

func bookRows(b Books) []bookRow {
	rows := []bookRow{
		{Name: "Messages posted", Count: b.MessagesPosted},
		{Name: "Bug reports among them", Count: b.ReportsPosted},
		{Name: "Issues created", Count: b.IssuesCreated},
		{Name: "Refreshes", Count: b.Refreshes},
		{Name: "Reauthorizations", Count: b.Reauthorizations},
		{Name: "Faults hit", Count: b.FaultsHit},
	}
	for _, zero := range []bookRow{
		{Name: "Reports without an issue", Count: b.Missing},
		{Name: "Duplicate issues", Count: b.Duplicates},
		{Name: "Issues nobody reported", Count: b.Unexpected},
		{Name: "Refresh tokens presented twice", Count: b.RefreshTokensPresentedTwice},
		{Name: "Requests refused for their token and not replayed", Count: b.UnreplayedAuthFailures},
		{Name: "Requests before Retry-After was over", Count: b.RateLimitsIgnored},
	} {
		zero.Class = "good"
		if zero.Count > 0 {
			zero.Class = "bad"
		}
		rows = append(rows, zero)
	}
	return rows
}

func (s *Sandbox) indexPage(w http.ResponseWriter, r *http.Request) {
	books := s.Books()
	state := s.state(s.base(r))
	slices.Reverse(state.Issues)
	for _, ch := range state.Channels {
		slices.Reverse(ch.Messages)
	}
	s.render(w, http.StatusOK, "index.html", struct {
		State
		Books Books
		Rows  []bookRow
		Users []User
		Base  string
	}{state, books, bookRows(books), s.options.Users, s.base(r)})
}

// threadPage is where permalinks lead: p1700000000000100 is the ts without its dot.
func (s *Sandbox) threadPage(w http.ResponseWriter, r *http.Request) {
	micros, err := strconv.ParseInt(strings.TrimPrefix(r.PathValue("message"), "p"), 10, 64)
	if err != nil {
		micros = 0 // no message has it
	}
	ch, message, found := s.thread(r.PathValue("channel"), formatTS(micros), s.base(r))
	if !found {
		s.errorPage(w, http.StatusNotFound, "There is no such message.")
		return
	}
	s.render(w, http.StatusOK, "thread.html", struct {
		Channel Channel
		Message MessageView
	}{ch, message})
}

// thread returns the whole thread that a message belongs to.
func (s *Sandbox) thread(channelID, ts, base string) (Channel, MessageView, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ch := s.workspace.channel(channelID)
	if ch == nil {
		return Channel{}, MessageView{}, false
	}
	root, known := ch.root(ts)
	if !known {
		return Channel{}, MessageView{}, false
	}
	return ch.Channel, s.view(ch.byTS[root], base), true
}

func (s *Sandbox) issuePage(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.Atoi(r.PathValue("number"))
	view, found := s.issueView(r.PathValue("owner")+"/"+r.PathValue("repo"), number, s.base(r))
	if err != nil || !found {
		s.errorPage(w, http.StatusNotFound, "There is no such issue.")
		return
	}
	s.render(w, http.StatusOK, "issue.html", view)
}

func (s *Sandbox) issueView(repository string, number int, base string) (IssueView, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.hub.repository(repository)
	if r == nil || r.issue(number) == nil {
		return IssueView{}, false
	}
	return r.issue(number).view(base), true
}

// consentPage names the app, what it wants to enter and the scopes, and asks.
func (s *Sandbox) consentPage(w http.ResponseWriter, name App, id string, asked *authRequest) {
	page := struct {
		AppName, Where, Action, Request, Redirect, SubjectLabel string
		Scopes, Subjects                                        []string
	}{
		AppName: s.App(name).Name, Request: id, Redirect: asked.redirect.Host, Scopes: asked.scopes, Subjects: s.subjects(name),
		Where:  "the " + s.options.TeamName + " Slack workspace",
		Action: "/slack/oauth/v2/authorize", SubjectLabel: "Workspace",
	}
	switch name {
	case GitHub:
		page.Where, page.Action, page.SubjectLabel = "GitHub", "/github/login/oauth/authorize", "Signed in as"
	case Zendesk:
		page.Where, page.Action, page.SubjectLabel = "Zendesk", "/zendesk/oauth/authorizations/new", "Signed in as"
	case OpenID:
		page.Where, page.Action, page.SubjectLabel = "your name and address", openIDRoot+"/authorize", "Sign in as"
	case Slack, Google, Model:
	}
	s.render(w, http.StatusOK, "consent.html", page)
}
