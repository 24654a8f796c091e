package workflows

import (
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
}

var authorizationID = regexp.MustCompile(`^[A-Za-z0-9_-]{8,128}$`)

func (r ReauthorizedRequest) validate() error {
	if !authorizationID.MatchString(r.Authorization) {
		return fmt.Errorf(`authorization: %q: want the id of a pending authorization, as in {"authorization":"…"}`, clip(r.Authorization, 40))
	}
	return nil
}

// Waiter is the argument of Signal `await`: who wants to hear when the account works.
type Waiter struct {
	WorkflowID string `json:"workflow_id"`
}

// AccountActive is the argument of Signal `account_active`.
type AccountActive struct {
	Account    credential.AccountID  `json:"account"`
	Generation credential.Generation `json:"generation"`
}

// AccountStatus is what an account says of itself: the answer of Query `status` and of every Update.
type AccountStatus struct {
	Account    credential.AccountID  `json:"account"`
	Provider   string                `json:"provider,omitempty"`
	Status     credential.Status     `json:"status"`
	Reason     string                `json:"reason,omitempty"`
	Since      time.Time             `json:"since"`
	Generation credential.Generation `json:"generation"`
	Subject    credential.Subject    `json:"subject,omitempty"`
	Display    string                `json:"display,omitempty"`
	Scopes     []string              `json:"scopes,omitempty"`
	// ExpiresAt is the end of the access token; absent when it does not expire.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
	// RefreshExpiresAt is the end of the refresh token if it is not used before.
	RefreshExpiresAt time.Time `json:"refresh_expires_at,omitzero"`
	// ConsentBy is by when a person has to consent again, although everything works now; absent where nobody has to.
	ConsentBy   time.Time `json:"consent_by,omitzero"`
	LastRefresh time.Time `json:"last_refresh,omitzero"`
	NextRefresh time.Time `json:"next_refresh,omitzero"`
	Refreshes   int       `json:"refreshes"`
	// LastValidated is when the provider last said that the access token works.
	LastValidated time.Time `json:"last_validated,omitzero"`
	// ValidationNote says why the last look at the token told nothing.
	ValidationNote string `json:"validation_note,omitempty"`
	// Failures counts failed attempts since the last good one.
	Failures int `json:"failures,omitempty"`
	// Waiting counts the Workflows that wait for the account.
	Waiting int `json:"waiting,omitempty"`
	// Warning is the last message that was refused, and why.
	Warning string `json:"warning,omitempty"`
}

func clip(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n]) + "…"
	}
	return s
}
