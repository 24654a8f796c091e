package gateway

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"unicode"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

//go:embed pages
var files embed.FS

var (
	indexPage      = parse("index.html")
	connectPage    = parse("connect.html")
	messagePage    = parse("message.html")
	statusPage     = parse("status.html")
	linkPage       = parse("link.html")
	disconnectPage = parse("disconnect.html")
	signInPage     = parse("login.html")
)

// parse puts a page into the layout. What may hold a provider's text passes through {{name}} or {{clean}}.
func parse(page string) *template.Template {
	functions := template.FuncMap{"name": cleanName, "clean": clean, "word": word}
	return template.Must(template.New("layout.html").Funcs(functions).ParseFS(files, "pages/layout.html", "pages/"+page))
}

// word is how a state reads: reauthorization_required is "reauthorization required".
func word(status credential.Status) string { return strings.ReplaceAll(string(status), "_", " ") }

// view is what the layout knows of a page.
type view struct {
	Title   string
	Base    string // path that the gateway lies below
	Style   string // path of the stylesheet
	Wide    bool   // more beside each other than text is good for
	Content any
}

// render answers with a whole page or, when a template fails, with none of it.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, page *template.Template, title string, content any) {
	var body bytes.Buffer
	v := view{Title: title, Base: s.base(), Style: s.base() + stylePath, Wide: page == statusPage, Content: content}
	if err := page.Execute(&body, v); err != nil {
		s.log().ErrorContext(r.Context(), "rendering a page", "page", page.Name(), "error", err)
		http.Error(w, "The page could not be made. The log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	w.WriteHeader(status)
	if _, err := w.Write(body.Bytes()); err != nil {
		s.log().DebugContext(r.Context(), "the browser went away", "error", err)
	}
}

// message is a page that says what happened and what to do about it. Its words are ours.
type message struct {
	status  int
	Title   string
	Good    bool                 // nothing is left to do
	Account credential.AccountID // named on the page; zero where it is not known
	Text    []string             // paragraphs
	Code    string               // the provider's word for it, if it looks like a code
	Reason  string               // a sentence that another package of ours made
	Command string               // for a terminal
	// Differences are between what the account should have and what came.
	Differences []credential.Difference
	Again       bool // offer to begin again
	SignIn      bool // offer to sign in
	Page        bool // the account has a page without a link

	// outcome and detail are what the audit log has of a consent that ends with this page.
	outcome vault.Outcome
	detail  string
}

// as returns the page with what the audit log is to say.
func (m message) as(outcome vault.Outcome, detail string) message {
	m.outcome, m.detail = outcome, detail
	return m
}

func (s *Server) say(w http.ResponseWriter, r *http.Request, m message) {
	m.Page = s.permanent()
	s.render(w, r, m.status, messagePage, m.Title, m)
}

const (
	// maxName is more than any name of a person or workspace.
	maxName = 200
	// maxReason is more than any reason an account gives; scopes may be listed in it.
	maxReason = 2000
)

func cleanName(text string) string { return clip(clean(text), maxName) }

// clean takes from a text what could make a page read differently: control characters, line breaks and marks that turn
// the direction of writing.
func clean(text string) string {
	return clip(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, text), maxReason)
}

// clip ends a text at n characters.
func clip(text string, n int) string {
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n]) + "…"
	}
	return text
}
