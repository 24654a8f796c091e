package workflows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"

	"tokenkeeper/credential"
)

// RefreshRequest is the argument of Update `refresh`. {} asks for a new token because somebody wants one;
// {"generation": 7} reports that generation 7 died.
type RefreshRequest struct {
	Generation credential.Generation `json:"generation,omitempty"`
}

// UnmarshalJSON refuses unknown fields: {"gen": 7} is a mistake, and must not pass for {}.
func (r *RefreshRequest) UnmarshalJSON(text []byte) error {
	var message struct {
		Generation credential.Generation `json:"generation"`
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&message); err != nil || !bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		return errors.New(`want {} for a new token, or {"generation": 7} when generation 7 died`)
	}
	r.Generation = message.Generation
	return nil
}

// validate accepts a generation above the account's: after a reset of the Workflow the vault is ahead of it.
func (r RefreshRequest) validate() error {
	if r.Generation < 0 {
		return fmt.Errorf("generation: %d: want the generation that died, 1 or more, or leave it out", r.Generation)
	}
	return nil
}

// ReauthorizedRequest is the argument of Signal and Update `reauthorized`: the id of an authorization that waits in the
// vault.
type ReauthorizedRequest struct {
	Authorization string `json:"authorization"`
	// AcceptSubject has the account take the tokens of this subject although they do not fit what it had.
	AcceptSubject credential.Subject `json:"accept_subject,omitempty"`
}

// maxSubject bounds a subject in bytes; no provider's is nearly as long.
const maxSubject = 512

var authorizationID = regexp.MustCompile(`^[A-Za-z0-9_-]{8,128}$`)

func (r ReauthorizedRequest) validate() error {
	if !authorizationID.MatchString(r.Authorization) {
		return fmt.Errorf(`authorization: %q: want the id of a pending authorization, as in {"authorization":"…"}`, clip(r.Authorization, 40))
	}
	if len(r.AcceptSubject) > maxSubject {
		return fmt.Errorf("accept_subject: %d bytes: want the subject that the account's quarantine names", len(r.AcceptSubject))
	}
	return nil
}

// RejectRequest is the argument of Update `reject`: the id of what is in quarantine, as Query `status` has it.
type RejectRequest struct {
	Authorization string `json:"authorization"`
}

func (r RejectRequest) validate() error {
	return ReauthorizedRequest{Authorization: r.Authorization}.validate()
}

// ValidateRequest is the argument of Signal `validate`; {} or none asks for a look at the token soon.
type ValidateRequest struct {
	// Ended: the provider says that the grant ended. Another look is due then, even when one was made a moment ago or is
	// under way.
	Ended bool `json:"ended,omitempty"`
}

// DisconnectRequest is the argument of Signal and Update `disconnect`; {} or none waits until the provider revoked the grant.
type DisconnectRequest struct {
	// Force destroys the tokens here whether or not the provider revokes the grant.
	Force bool `json:"force,omitempty"`
}

// Waiter is the argument of Signal `await`: who wants to hear when the account works.
type Waiter struct {
	WorkflowID string `json:"workflow_id"`
	// Since identifies one wait of the Workflow. Repeated with the same Since, it is answered once, even where it arrives
	// after the answer was sent. Without Since every message is answered.
	Since time.Time `json:"since,omitzero"`
}

// AccountActive is the argument of Signal `account_active`.
type AccountActive struct {
	Account    credential.AccountID  `json:"account"`
	Generation credential.Generation `json:"generation"`
}

// AccountStatus is the answer of Query `status` and of every Update of an account.
type AccountStatus = credential.AccountStatus

func clip(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n]) + "…"
	}
	return s
}
