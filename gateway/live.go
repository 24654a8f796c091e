package gateway

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

const (
	// livePath is not below /events/, which proxies let pass without a login.
	livePath   = "/live"
	boardPath  = "/live/board"
	scriptPath = "/static/live.js"

	// maxListeners bounds the streams; each holds a connection and a goroutine.
	maxListeners = 200
	// heartbeat is how often a silent stream sends a comment: proxies close what is silent for a minute.
	heartbeat = 15 * time.Second
	// ticksEvery is after how many heartbeats a page is told to show the passing of time ("2m ago") though nothing changed.
	ticksEvery = 4
	// sendLimit is how long a browser may take to read one event before it counts as gone.
	sendLimit = 10 * time.Second
)

// stream tells a status page by server-sent events (HTML §9.2) that what it shows has changed. An event names the version
// that is true now, and none of its contents: what somebody may see is decided in one place, where the board is rendered.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	if _, ok := s.mayLook(w, r); !ok {
		return
	}
	told, leave, ok := s.live.join(func(ctx context.Context) { s.watch(ctx) })
	if !ok {
		w.Header().Set("Retry-After", "30")
		s.say(w, r, tooManyListeners())
		return
	}
	defer leave()
	to := eventWriter{w: w, to: http.NewResponseController(w)}
	if err := to.begin(); err != nil {
		s.log().WarnContext(r.Context(), "beginning an event stream", "error", err)
		return
	}
	beats := time.NewTicker(heartbeat)
	defer beats.Stop()
	for silent := 1; ; {
		var err error
		select {
		case <-r.Context().Done():
			return
		case version, open := <-told:
			if !open {
				return // the gateway stops
			}
			silent, err = 1, to.send("event: change\ndata: "+version+"\n\n")
		case <-beats.C:
			text := ": still here\n\n"
			if silent%ticksEvery == 0 {
				text = "event: tick\ndata:\n\n"
			}
			silent, err = silent+1, to.send(text)
		}
		if err != nil {
			return // the browser is gone
		}
	}
}

func tooManyListeners() message {
	return message{
		status: http.StatusServiceUnavailable,
		Title:  "Too many pages are open",
		Text:   []string{"The status page works, and is not kept up to date by itself. Reload it, or close others."},
	}
}

// eventWriter writes to a connection that outlives the deadlines of the server.
type eventWriter struct {
	w  http.ResponseWriter
	to *http.ResponseController
}

func (e eventWriter) begin() error {
	if err := supported(e.to.SetReadDeadline(time.Time{})); err != nil {
		return err
	}
	e.w.Header().Set("Content-Type", "text/event-stream")
	e.w.Header().Set("X-Accel-Buffering", "no") // nginx would keep events back
	e.w.WriteHeader(http.StatusOK)
	return e.send(": hello\n\n")
}

func (e eventWriter) send(text string) error {
	if err := supported(e.to.SetWriteDeadline(time.Now().Add(sendLimit))); err != nil {
		return err
	}
	if _, err := fmt.Fprint(e.w, text); err != nil {
		return err
	}
	return e.to.Flush()
}

// supported forgives writers that are no connection and so have no deadline.
func supported(err error) error {
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}

// watch looks, on behalf of all listeners, until ctx ends.
func (s *Server) watch(ctx context.Context) {
	for {
		seen := s.look(ctx)
		s.live.tell(seen.version())
		select {
		case <-ctx.Done():
			return
		case <-time.After(max(lookGood, seen.next.Sub(s.now()))):
		}
	}
}

// version identifies what a look shows: two that show the same have the same version. It is "" for one that cannot be
// encoded, which no listener is told of.
func (l look) version() string {
	text, err := json.Marshal([]any{l.accounts, l.triages, l.notices.Late, l.notices.Lost, !l.blind.IsZero()})
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// mayLook returns who looks at what the status page shows. When it reports false, the answer is written.
func (s *Server) mayLook(w http.ResponseWriter, r *http.Request) (Person, bool) {
	who := s.who(r)
	switch {
	case s.Board != nil && who.May(Viewer):
		return who, true
	case s.Board != nil && s.asksWho():
		s.signInFirst(w, r) // its status tells the script to leave the page
	default:
		s.notFound(w, r)
	}
	return Person{}, false
}

// board answers with what a status page replaces when it is told of a change.
func (s *Server) board(w http.ResponseWriter, r *http.Request) {
	who, ok := s.mayLook(w, r)
	if !ok {
		return
	}
	var body bytes.Buffer
	if err := statusPage.ExecuteTemplate(&body, "board", s.statusContent(r, who)); err != nil {
		s.log().ErrorContext(r.Context(), "rendering the board", "error", err)
		http.Error(w, "The board could not be made. The log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if _, err := w.Write(body.Bytes()); err != nil {
		s.log().DebugContext(r.Context(), "the browser went away", "error", err)
	}
}
