package workflows

import (
	"time"

	"tokenkeeper/credential"
)

// ConnectorReport is the argument of Signal `report`: something an account met that the other accounts of its connector
// would meet too. Without a kind it says that the provider accepts the app.
type ConnectorReport struct {
	Account credential.AccountID   `json:"account"`
	Kind    credential.FailureKind `json:"kind,omitempty"` // dead_client, or throttled
	Reason  string                 `json:"reason,omitempty"`
	// RetryAfter is how long the provider asks to wait; 0 where it does not say. Nanoseconds.
	RetryAfter time.Duration `json:"retry_after,omitempty"`
	// Began is when the request was made.
	Began time.Time `json:"began"`
}

// ConnectorNews is the argument of Signal `connector` to an account: the refusal is over, or the account is the one to
// try.
type ConnectorNews struct {
	Episode int  `json:"episode,omitempty"`
	Try     bool `json:"try,omitempty"`
	// Spread is the time over which the accounts that are told spread their requests. Nanoseconds.
	Spread time.Duration `json:"spread,omitempty"`
}

// ConnectorStatus is what a connector says of itself: the answer of Query `status`.
type ConnectorStatus struct {
	Connector string    `json:"connector"`
	Status    Condition `json:"status"`
	Reason    string    `json:"reason,omitempty"`
	Since     time.Time `json:"since"`
	// Until is the end of a pause that the provider asked for.
	Until time.Time `json:"until,omitzero"`
	// Episode counts the periods in which the provider refused the app.
	Episode int `json:"episode,omitempty"`
	// Tries counts the tries since the app is refused, and NextTry is when the next one is.
	Tries   int       `json:"tries,omitempty"`
	NextTry time.Time `json:"next_try,omitzero"`
	// Configured is when a worker last read the connector's configuration.
	Configured time.Time `json:"configured,omitzero"`
	// Warning is the last message that was refused, and why.
	Warning string `json:"warning,omitempty"`
}
