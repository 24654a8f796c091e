package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// The states of an issue, and why it is in one.
const (
	issueOpen   = "open"
	issueClosed = "closed"
	reopened    = "reopened"
)

var closingReasons = []string{"completed", "not_planned", "duplicate"}

// IssueChange is what a maintainer does to an issue.
type IssueChange struct {
	Repository string `json:"repository"` // owner/name
	Number     int    `json:"number"`
	State      string `json:"state"` // open or closed; as it is by default
	// Append is added to the end of its body.
	Append string `json:"append,omitempty"`
	// Reason is completed, not_planned or duplicate; completed by default.
	Reason string `json:"reason,omitempty"`
}

// ChangeIssue closes or reopens an issue, as a maintainer does.
func (s *Sandbox) ChangeIssue(change IssueChange) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.hub.repository(change.Repository)
	if r == nil || r.issue(change.Number) == nil {
		return fmt.Errorf("issue %s#%d: no such issue", change.Repository, change.Number)
	}
	if i := r.issue(change.Number); change.Append != "" {
		i.body, i.updated = i.body+change.Append, s.now().UTC().Truncate(time.Second)
	}
	if change.State == "" {
		return nil
	}
	if !s.turn(r.issue(change.Number), change.State, change.Reason) {
		return fmt.Errorf("state %q, reason %q: want open, or closed with completed, not_planned or duplicate", change.State, change.Reason)
	}
	return nil
}

// turn puts an issue into a state, and reports whether that state exists. The reason of an issue that is open again is
// "reopened".
func (s *Sandbox) turn(i *issue, state, reason string) bool {
	now := s.now().UTC().Truncate(time.Second)
	switch {
	case state == i.state:
		return true
	case state == issueOpen:
		i.state, i.reason, i.closed = issueOpen, reopened, time.Time{}
	case state == issueClosed && reason == "":
		i.state, i.reason, i.closed = issueClosed, closingReasons[0], now
	case state == issueClosed && slices.Contains(closingReasons, reason):
		i.state, i.reason, i.closed = issueClosed, reason, now
	default:
		return false
	}
	i.updated = now
	s.tellLocked(GitHub, i.event())
	return true
}

// updateIssue heeds those fields of a PATCH that change the state.
func (s *Sandbox) updateIssue(c *call, _ *grant) answer {
	return s.withIssue(c, func(i *issue) answer {
		var asked struct {
			State  string `json:"state"`
			Reason string `json:"state_reason"`
		}
		if json.Unmarshal(c.body, &asked) != nil {
			return gitHubUnparsable()
		}
		if asked.State != "" && !s.turn(i, asked.State, asked.Reason) {
			return gitHubInvalid("Issue", "state", "invalid", "")
		}
		return jsonAnswer(http.StatusOK, wireIssue(c, i))
	})
}
