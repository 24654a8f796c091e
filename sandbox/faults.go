package sandbox

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// FaultKind is one way in which a request goes wrong.
type FaultKind string

// The kinds of fault.
const (
	// FaultStatus answers Fault.Status in the provider's dialect, with Retry-After and an error code where given.
	FaultStatus FaultKind = "status"
	// FaultHang never answers: the request ends when the client goes away or the sandbox is closed.
	FaultHang FaultKind = "hang"
	// FaultDrop closes the connection without an answer. Go's client sends a GET again by itself when that happens on a
	// connection it had used before, so script it for requests that are not repeated silently, or more than once.
	FaultDrop FaultKind = "drop"
	// FaultDelay waits for Fault.Delay, then serves the request even if its client has gone by then.
	FaultDelay FaultKind = "delay"
	// FaultTruncate serves the request and sends only the first half of the answer.
	FaultTruncate FaultKind = "truncate"
	// FaultAnswer has the model answer as Fault.Code says, which is one of the Answer constants.
	FaultAnswer FaultKind = "answer"
)

// Fault is a scripted failure: which requests it chooses, how many it lets pass, how many it hits, and what it does. In
// JSON its durations are written as "1.5s".
type Fault struct {
	Name string `json:"name,omitempty"` // for people

	// App, Endpoint, Method and Contains choose the requests; an empty one chooses all. Endpoint is a name as it stands in
	// Books.Requests without the app ("conversations.history", "issues.create", "token.refresh") and may hold * as a
	// wildcard. Contains is looked for in path, query and body.
	App      App    `json:"app,omitempty"`
	Endpoint string `json:"endpoint,omitempty"`
	Method   string `json:"method,omitempty"`
	Contains string `json:"contains,omitempty"`
	// After is how many chosen requests pass first.
	After int `json:"after,omitempty"`
	// Times is how many requests are hit; 0 means one, negative means all until the faults are cleared.
	Times int `json:"times,omitempty"`

	Kind FaultKind `json:"kind"`
	// Status is the HTTP status of FaultStatus; 0 with a Code means 200 where the provider puts errors into 200, else 400.
	Status int `json:"status,omitempty"`
	// Code is the error code in the body: "ratelimited", "bad_refresh_token".
	Code       string        `json:"code,omitempty"`
	RetryAfter time.Duration `json:"-"`
	// Delay comes first, with every kind.
	Delay time.Duration `json:"-"`
	// Processed means that the request takes effect, and only its answer is replaced, delayed or lost.
	Processed bool `json:"processed,omitempty"`
}

// FaultState is a scripted fault and how far it got.
type FaultState struct {
	Fault
	Seen int `json:"seen"` // chosen requests so far
	Hit  int `json:"hit"`
}

// scripted is a fault and how far it got.
type scripted struct {
	Fault
	seen, hit int
}

// Fault scripts a fault. Several may wait for the same request: the one scripted first that is due hits it.
func (s *Sandbox) Fault(f Fault) error {
	if err := f.validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &scripted{Fault: f})
	return nil
}

// Faults returns the scripted faults, those that are used up included.
func (s *Sandbox) Faults() []FaultState {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faultStates()
}

// faultStates is Faults for a caller that holds the lock.
func (s *Sandbox) faultStates() []FaultState {
	states := make([]FaultState, 0, len(s.faults))
	for _, f := range s.faults {
		states = append(states, FaultState{Fault: f.Fault, Seen: f.seen, Hit: f.hit})
	}
	return states
}

// ClearFaults forgets every fault. Requests that hang keep hanging.
func (s *Sandbox) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

func (f Fault) validate() error {
	if err := f.validateKind(); err != nil {
		return err
	}
	if f.App != "" && !slices.Contains([]App{Slack, GitHub, Google, Zendesk, OpenID, Model}, f.App) {
		return fmt.Errorf("fault app %q: want slack, github, google, zendesk, openid or model", f.App)
	}
	if _, err := path.Match(f.Endpoint, ""); err != nil {
		return fmt.Errorf("fault endpoint %q: %w", f.Endpoint, err)
	}
	return nil
}

func (f Fault) validateKind() error {
	switch f.Kind {
	case FaultStatus:
		if f.Status == 0 && f.Code == "" {
			return errors.New("fault of kind status: set status (429), or code (\"ratelimited\") for an error inside HTTP 200")
		}
		if f.Status != 0 && http.StatusText(f.Status) == "" {
			return fmt.Errorf("fault of kind status: %d is no HTTP status", f.Status)
		}
	case FaultDelay:
		if f.Delay <= 0 {
			return errors.New("fault of kind delay: set delay, for example \"1.5s\"")
		}
	case FaultAnswer:
		if f.App != Model || !slices.Contains(modelAnswers(), f.Code) {
			return fmt.Errorf("fault of kind answer: set app to model, and code to one of %s", strings.Join(modelAnswers(), ", "))
		}
	case FaultHang, FaultDrop, FaultTruncate:
	default:
		return fmt.Errorf("fault kind %q: want status, hang, drop, delay, truncate or answer", f.Kind)
	}
	return nil
}

// arrive books a request and looks for the fault that is to hit it.
func (s *Sandbox) arrive(c *call) (Fault, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.arrived(c, s.now())
	for _, f := range s.faults {
		if f.due(c) {
			s.ledger.faultsHit++
			return f.Fault, true
		}
	}
	return Fault{}, false
}

// due counts a chosen request and reports whether it is one to hit.
func (f *scripted) due(c *call) bool {
	if f.spent() || !f.chooses(c) {
		return false
	}
	f.seen++
	if f.seen <= f.After {
		return false
	}
	f.hit++
	return true
}

func (f *scripted) spent() bool { return f.Times >= 0 && f.hit >= max(f.Times, 1) }

func (f Fault) chooses(c *call) bool {
	matched, _ := path.Match(orDefault(f.Endpoint, "*"), c.endpoint) // the pattern was checked when it was scripted
	return matched &&
		(f.App == "" || f.App == c.app) &&
		(f.Method == "" || strings.EqualFold(f.Method, c.request.Method)) &&
		(f.Contains == "" || c.contains(f.Contains))
}
