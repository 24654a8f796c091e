package sandbox

import (
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// idempotencyLife is how long Zendesk remembers an Idempotency-Key, by the introduction to its Ticketing API.
const idempotencyLife = 2 * time.Hour

// Ticket is what Zendesk keeps of a request for support.
type Ticket struct {
	ID         int       `json:"id"`
	ExternalID string    `json:"external_id"`
	Subject    string    `json:"subject"`
	Body       string    `json:"description"`
	Tags       []string  `json:"tags"`
	Submitter  string    `json:"-"` // e-mail address
	Created    time.Time `json:"created_at"`
}

// desk is what Zendesk knows.
type desk struct {
	tickets []Ticket
	keys    map[string]idempotent // :: Idempotency-Key → what was done with it
}

// idempotent is a request that was carried out, and its answer.
type idempotent struct {
	body    [sha256.Size]byte
	answer  answer
	expires time.Time
}

func newDesk() *desk { return &desk{keys: map[string]idempotent{}} }

func (s *Sandbox) zendeskRoutes(mux *http.ServeMux) {
	for pattern, route := range map[string]struct {
		name string
		run  func(*call, *grant) answer
	}{
		"GET /users/me.json": {"users.me", s.zendeskMe},
		"POST /tickets.json": {"tickets.create", s.createTicket},
		"GET /tickets.json":  {"tickets.list", s.listTickets},
	} {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /zendesk/api/v2"+path, func(w http.ResponseWriter, r *http.Request) {
			s.serve(w, r, Zendesk, route.name, func(c *call) answer { return s.zendeskCall(c, route.run) })
		})
	}
	mux.HandleFunc("POST /zendesk/oauth/tokens", func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, Zendesk, endpointToken, s.zendeskToken)
	})
	mux.HandleFunc("/zendesk/", func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, Zendesk, "unknown", func(*call) answer {
			return zendeskFailure(http.StatusNotFound, "InvalidEndpoint", "Not found")
		})
	})
}

// zendeskToken is POST /oauth/tokens, by "OAuth tokens for grant types" in Zendesk's reference.
func (s *Sandbox) zendeskToken(c *call) answer {
	a := s.apps[Zendesk]
	if a.authenticate(c) != clientOK {
		return zendeskTokenFailure(http.StatusUnauthorized, "invalid_client",
			"Client authentication failed due to unknown client, no client authentication included, or unsupported authentication method.")
	}
	switch c.params.Get("grant_type") {
	case "authorization_code":
		code, failure := a.redeem(c.params, s.now())
		if failure != exchangeOK {
			return zendeskInvalidGrant()
		}
		return zendeskTokens(s.exchanged(a, code))
	case "refresh_token":
		p, ok := s.renewed(a, c.params.Get("refresh_token"))
		if !ok {
			return zendeskInvalidGrant()
		}
		return zendeskTokens(p)
	}
	return zendeskTokenFailure(http.StatusBadRequest, "unsupported_grant_type", "The authorization grant type is not supported by the authorization server.")
}

func zendeskInvalidGrant() answer {
	return zendeskTokenFailure(http.StatusBadRequest, "invalid_grant",
		"The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the "+
			"authorization request, or was issued to another client.")
}

func zendeskTokens(p pair) answer {
	fields := map[string]any{
		"access_token": p.access.value, "token_type": "bearer", "scope": strings.Join(p.access.grant.scopes, " "),
	}
	if !p.access.expires.IsZero() {
		fields["expires_in"] = seconds(p.access)
	}
	if p.refresh != nil {
		fields["refresh_token"] = p.refresh.value
		fields["refresh_token_expires_in"] = seconds(p.refresh)
	}
	return jsonAnswer(http.StatusOK, fields)
}

func zendeskTokenFailure(status int, code, description string) answer {
	return jsonAnswer(status, map[string]any{"error": code, "error_description": description})
}

// zendeskFailure is how the API refuses: an error's name and a sentence.
func zendeskFailure(status int, name, description string) answer {
	return jsonAnswer(status, map[string]any{"error": name, "description": description})
}

// zendeskScripted is a fault in Zendesk's dialect; whatever stands in front of it speaks HTML.
func zendeskScripted(f Fault) answer {
	if f.Code == "" {
		return htmlRefusal(f.Status)
	}
	return jsonAnswer(orDefault(f.Status, http.StatusBadRequest), map[string]any{"error": f.Code, "error_description": "", "description": ""})
}

func (s *Sandbox) zendeskCall(c *call, run func(*call, *grant) answer) answer {
	t, state := s.apps[Zendesk].accessState(c.bearer(), s.now())
	if state != tokenLive {
		s.ledger.authFailed(c, state)
		return zendeskTokenFailure(http.StatusUnauthorized, "invalid_token", "The access token provided is expired, revoked, malformed or invalid for other reasons.")
	}
	s.ledger.authAccepted(c)
	return run(c, t.grant)
}

func (s *Sandbox) zendeskMe(_ *call, g *grant) answer {
	return jsonAnswer(http.StatusOK, map[string]any{
		"user": map[string]any{"id": loginID(g.subject), "email": g.subject, "name": g.subject, "role": "agent", "active": true},
	})
}

// ticketRequest is the body of a request to create a ticket.
type ticketRequest struct {
	Ticket struct {
		Subject    string   `json:"subject"`
		ExternalID string   `json:"external_id"`
		Tags       []string `json:"tags"`
		Comment    struct {
			Body string `json:"body"`
		} `json:"comment"`
	} `json:"ticket"`
}

// createTicket obeys an Idempotency-Key: the same request gets the answer of the first time, and another one is refused.
func (s *Sandbox) createTicket(c *call, g *grant) answer {
	key, sum := c.request.Header.Get("Idempotency-Key"), sha256.Sum256(c.body)
	known, hit := s.desk.keys[key]
	switch {
	case key == "" || !hit || !s.now().Before(known.expires):
	case known.body != sum:
		return zendeskFailure(http.StatusBadRequest, "IdempotentRequestError", "Request parameters don't match the given idempotency key")
	default:
		return answer{known.answer.status, known.answer.header.Clone(), known.answer.body}.with("X-Idempotency-Lookup", "hit")
	}
	made := s.openTicket(c, g)
	if key != "" && made.status == http.StatusCreated {
		made.with("X-Idempotency-Lookup", "miss")
		s.desk.keys[key] = idempotent{body: sum, answer: answer{made.status, made.header.Clone(), made.body}, expires: s.now().Add(idempotencyLife)}
	}
	return made
}

func (s *Sandbox) openTicket(c *call, g *grant) answer {
	var asked ticketRequest
	if json.Unmarshal(c.body, &asked) != nil {
		return zendeskFailure(http.StatusUnprocessableEntity, "Unprocessable Entity", "Server could not parse JSON")
	}
	if strings.TrimSpace(asked.Ticket.Comment.Body) == "" {
		return jsonAnswer(http.StatusUnprocessableEntity, map[string]any{
			"error": "RecordInvalid", "description": "Record validation errors",
			"details": map[string]any{"base": []any{map[string]any{"description": "Description: cannot be blank", "error": "BlankValue"}}},
		})
	}
	t := Ticket{
		ID: len(s.desk.tickets) + 1, ExternalID: asked.Ticket.ExternalID, Subject: asked.Ticket.Subject, Body: asked.Ticket.Comment.Body,
		Tags: append([]string{}, asked.Ticket.Tags...), Submitter: g.subject, Created: s.now().UTC().Truncate(time.Second),
	}
	s.desk.tickets = append(s.desk.tickets, t)
	return jsonAnswer(http.StatusCreated, map[string]any{"ticket": wireTicket(c, t)})
}

// listTickets knows the filter external_id.
func (s *Sandbox) listTickets(c *call, _ *grant) answer {
	found := []any{}
	for _, t := range s.desk.tickets {
		if !c.params.Has("external_id") || t.ExternalID == c.params.Get("external_id") {
			found = append(found, wireTicket(c, t))
		}
	}
	return jsonAnswer(http.StatusOK, map[string]any{"tickets": found, "next_page": nil, "previous_page": nil, "count": len(found)})
}

func wireTicket(c *call, t Ticket) map[string]any {
	return map[string]any{
		"id": t.ID, "url": c.base + "/zendesk/api/v2/tickets/" + strconv.Itoa(t.ID) + ".json", "external_id": t.ExternalID,
		"subject": t.Subject, "description": t.Body, "tags": t.Tags, "status": "new", "created_at": t.Created,
	}
}
