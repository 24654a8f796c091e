package credential

import "time"

// AccountStatus is what an account says of itself. Nothing in it is secret.
type AccountStatus struct {
	Account    AccountID  `json:"account"`
	Provider   string     `json:"provider,omitempty"`
	Status     Status     `json:"status"`
	Reason     string     `json:"reason,omitempty"`
	Since      time.Time  `json:"since"`
	Generation Generation `json:"generation"`
	Subject    Subject    `json:"subject,omitempty"`
	Display    string     `json:"display,omitempty"`
	Scopes     []string   `json:"scopes,omitempty"`
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
	// HeldBy is the connector that the account waits for, because the provider refuses its app; empty where it does not.
	HeldBy string `json:"held_by,omitempty"`
	// Quarantine is the newest consent that does not fit the account; nil when there is none.
	Quarantine *Quarantine `json:"quarantine,omitempty"`
	// Replaced are grants of other subjects that the account had before, or that were in quarantine, and that the provider has not revoked
	// yet.
	Replaced []Replaced `json:"replaced,omitempty"`
	// Disconnecting: somebody asked for the end of the account, and the provider has not taken the revocation yet.
	Disconnecting bool `json:"disconnecting,omitempty"`
	// Unrevoked says why the provider has not revoked a grant whose tokens were destroyed here: there it may live on.
	Unrevoked string `json:"unrevoked,omitempty"`
	// Warning is the last message that was refused, and why.
	Warning string `json:"warning,omitempty"`
}
