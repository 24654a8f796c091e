package sandbox

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxBody bounds what the sandbox reads of a request; an issue may hold 65,536 characters of up to four bytes, escaped.
const maxBody = 4 << 20

// call is a request to one of the simulated APIs, with its body read and its endpoint named.
type call struct {
	app      App
	endpoint string
	request  *http.Request
	body     []byte
	params   url.Values // query and form; for a JSON object its members, nested ones as JSON
	mood     string     // a code of [FaultAnswer]; "" for none
	base     string     // scheme and host for links in the answer
}

// answer is what a handler wants to send. Handlers return it instead of writing, so that a fault can still lose it.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// handling answers a call while the sandbox is locked.
type handling func(*call) answer

// serve names the request, books it, applies a scripted fault and answers.
func (s *Sandbox) serve(w http.ResponseWriter, r *http.Request, name App, endpoint string, handle handling) {
	c, err := s.read(r, name, endpoint)
	if err != nil {
		http.Error(w, "reading the request: "+err.Error(), http.StatusBadRequest)
		return
	}
	if fault, hit := s.arrive(c); hit {
		s.suffer(w, c, fault, handle)
		return
	}
	s.process(c, handle).write(w)
}

// process runs a handler under the lock, so that state and books never disagree.
func (s *Sandbox) process(c *call, handle handling) answer {
	s.mu.Lock()
	defer s.mu.Unlock()
	return handle(c)
}

func (s *Sandbox) read(r *http.Request, name App, endpoint string) (*call, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return nil, err
	}
	c := &call{app: name, endpoint: endpoint, request: r, body: body, params: parameters(r, body), base: s.base(r)}
	if endpoint == endpointToken {
		c.endpoint = tokenEndpoint(c.params.Get("grant_type"))
	}
	return c, nil
}

// base is what links begin with: the public URL where one is set, else the host the request came to.
func (s *Sandbox) base(r *http.Request) string {
	if s.options.PublicURL != "" {
		return s.options.PublicURL
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host
}

// parameters merges the query with the body, whether form or JSON.
func parameters(r *http.Request, body []byte) url.Values {
	params := r.URL.Query()
	contentType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return params
	}
	switch contentType {
	case "application/x-www-form-urlencoded":
		// What cannot be parsed is left out, as the providers do; a missing parameter gets its own error.
		form, _ := url.ParseQuery(string(body))
		for key, values := range form {
			params[key] = append(values, params[key]...)
		}
	case "application/json":
		for key, value := range members(body) {
			params.Set(key, value)
		}
	}
	return params
}

// members returns the members of a JSON object as strings: strings as they are, everything else as JSON.
func members(body []byte) map[string]string {
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil {
		return nil
	}
	flat := map[string]string{}
	for key, raw := range object {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw)
		}
		flat[key] = text
	}
	return flat
}

// bearer returns the token of the Authorization header, "Bearer x" or GitHub's "token x".
func (c *call) bearer() string {
	scheme, value, found := strings.Cut(c.request.Header.Get("Authorization"), " ")
	if found && (strings.EqualFold(scheme, "bearer") || strings.EqualFold(scheme, "token")) {
		return strings.TrimSpace(value)
	}
	return ""
}

// name is what the books and faults call the endpoint.
func (c *call) name() string { return string(c.app) + " " + c.endpoint }

// contains reports whether text is anywhere in path, query or body.
func (c *call) contains(text string) bool {
	return strings.Contains(c.request.URL.RequestURI(), text) || bytes.Contains(c.body, []byte(text))
}

func (a answer) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	w.WriteHeader(a.status)
	// A client that has gone away cannot be told.
	_, _ = w.Write(a.body)
}

func (a answer) with(key, value string) answer {
	a.header.Set(key, value)
	return a
}

// retryAfter adds the header in whole seconds, rounded up, as it is never sent finer.
func (a answer) retryAfter(wait time.Duration) answer {
	if wait <= 0 {
		return a
	}
	return a.with("Retry-After", itoa(int((wait+time.Second-1)/time.Second)))
}

func textAnswer(status int, contentType, body string) answer {
	return answer{status: status, header: http.Header{"Content-Type": {contentType}}, body: []byte(body)}
}

func jsonAnswer(status int, value any) answer {
	body, err := json.Marshal(value)
	if err != nil {
		return textAnswer(http.StatusInternalServerError, "text/plain", err.Error())
	}
	return textAnswer(status, "application/json; charset=utf-8", string(body))
}
