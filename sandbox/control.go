package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// controlRoutes are for people, scripts and other processes. None of them answers a token or a secret: only clients get
// those.
func (s *Sandbox) controlRoutes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /control/messages", s.controlPost)
	mux.HandleFunc("POST /control/edits", controlled(s.controlEdit))
	mux.HandleFunc("POST /control/deletions", controlled(func(in deleteRequest) (deleteRequest, error) { return in, s.Delete(in.Channel, in.TS) }))
	mux.HandleFunc("POST /control/reactions", controlled(s.controlReact))
	mux.HandleFunc("POST /control/issues", controlled(func(in IssueChange) (IssueChange, error) { return in, s.ChangeIssue(in) }))
	mux.HandleFunc("POST /control/files", controlled(func(in RepositoryFile) (RepositoryFile, error) { return in, s.SetFile(in) }))
	mux.HandleFunc("GET /control/faults", func(w http.ResponseWriter, _ *http.Request) {
		jsonAnswer(http.StatusOK, s.Faults()).write(w)
	})
	mux.HandleFunc("POST /control/faults", controlled(s.controlFault))
	mux.HandleFunc("DELETE /control/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("POST /control/subscriptions", controlled(s.controlSubscribe))
	mux.HandleFunc("POST /control/revoke", controlled(s.controlRevoke))
	mux.HandleFunc("POST /control/expire", controlled(s.controlExpire))
	mux.HandleFunc("GET /control/books", func(w http.ResponseWriter, _ *http.Request) {
		jsonAnswer(http.StatusOK, s.Books()).write(w)
	})
	mux.HandleFunc("GET /control/state", func(w http.ResponseWriter, r *http.Request) {
		jsonAnswer(http.StatusOK, s.state(s.base(r))).write(w)
	})
	return mux
}

// controlled decodes a JSON body strictly, runs, and answers the result or the error as JSON.
func controlled[In, Out any](run func(In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := decodeStrictly(r, &in); err != nil {
			controlFailure(err).write(w)
			return
		}
		out, err := run(in)
		if err != nil {
			controlFailure(err).write(w)
			return
		}
		jsonAnswer(http.StatusOK, out).write(w)
	}
}

func decodeStrictly(r *http.Request, in any) error {
	decoder := json.NewDecoder(io.LimitReader(r.Body, maxBody))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(in); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	return nil
}

func controlFailure(err error) answer {
	return jsonAnswer(http.StatusBadRequest, map[string]any{"error": err.Error()})
}

// postRequest is a message and where it goes.
type postRequest struct {
	Channel string `json:"channel"`
	Message
}

// controlPost takes JSON from scripts, and the form of the index page, which it leads back there. curl -d labels JSON as
// a form, but no form begins with a brace.
func (s *Sandbox) controlPost(w http.ResponseWriter, r *http.Request) {
	body := bufio.NewReader(r.Body)
	first, _ := body.Peek(1) // an empty body is what the decoder complains of
	r.Body = struct {
		io.Reader
		io.Closer
	}{body, r.Body}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") && string(first) != "{" {
		s.controlPostForm(w, r)
		return
	}
	controlled(s.post)(w, r)
}

func (s *Sandbox) controlPostForm(w http.ResponseWriter, r *http.Request) {
	_, err := s.post(postRequest{Channel: r.PostFormValue("channel"), Message: Message{
		User: r.PostFormValue("user"), Text: escapeText(r.PostFormValue("text")), Report: r.PostFormValue("report") != "",
	}})
	if err != nil {
		s.errorPage(w, http.StatusBadRequest, err.Error())
		return
	}
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *Sandbox) post(in postRequest) (Posted, error) {
	if strings.TrimSpace(in.Text) == "" && len(in.Files) == 0 && len(in.Forwards) == 0 {
		return Posted{}, errors.New("text: a message needs some")
	}
	return s.Deliver(in.Channel, in.Message)
}

// escapeText is how Slack stores what people type.
func escapeText(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "\r\n", "\n").Replace(text)
}

type editRequest struct {
	Channel string `json:"channel"`
	TS      string `json:"ts"`
	Text    string `json:"text"`
}

func (s *Sandbox) controlEdit(in editRequest) (editRequest, error) {
	return in, s.Edit(in.Channel, in.TS, in.Text)
}

type deleteRequest struct {
	Channel string `json:"channel"`
	TS      string `json:"ts"`
}

type reactRequest struct {
	Channel string `json:"channel"`
	TS      string `json:"ts"`
	User    string `json:"user"`
	Emoji   string `json:"emoji"`
}

func (s *Sandbox) controlReact(in reactRequest) (reactRequest, error) {
	return in, s.React(in.Channel, in.TS, in.User, in.Emoji)
}

func (s *Sandbox) controlFault(f Fault) (Fault, error) { return f, s.Fault(f) }

// controlSubscribe leaves the secret out of its answer.
func (s *Sandbox) controlSubscribe(in Subscription) (map[string]string, error) {
	return map[string]string{"app": string(in.App), "url": in.URL}, s.Subscribe(in)
}

type appRequest struct {
	App App `json:"app"`
}

func (in appRequest) validate() error {
	if in.App != Slack && in.App != GitHub && in.App != Zendesk {
		return fmt.Errorf("app %q: want slack, github or zendesk", in.App)
	}
	return nil
}

func (s *Sandbox) controlRevoke(in appRequest) (map[string]int, error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	return map[string]int{"grants_revoked": s.Revoke(in.App)}, nil
}

func (s *Sandbox) controlExpire(in appRequest) (map[string]int, error) {
	if err := in.validate(); err != nil {
		return nil, err
	}
	return map[string]int{"access_tokens_expired": s.ExpireAccessTokens(in.App)}, nil
}
