package credential

// Status is what is true of a connected account.
type Status string

// The states of a connected account. Each kind of trouble is a state; an account never ends by accident.
const (
	// Pending: nobody has consented yet.
	Pending Status = "pending"
	// Active: the credential works.
	Active Status = "active"
	// Degraded: something is wrong, and no call is refused because of it yet. The reason says what.
	Degraded Status = "degraded"
	// ReauthorizationRequired: the grant is dead; a person has to consent again.
	ReauthorizationRequired Status = "reauthorization_required"
	// ClientMisconfigured: the provider refuses our app registration; the operator has to fix it. The grant is untouched.
	ClientMisconfigured Status = "client_misconfigured"
	// Disconnected: revoked at the provider and shredded here, on purpose.
	Disconnected Status = "disconnected"
)

// Statuses returns all of them, in the order of a life.
func Statuses() []Status {
	return []Status{Pending, Active, Degraded, ReauthorizationRequired, ClientMisconfigured, Disconnected}
}

// NeedsPerson reports whether nothing but a person's action can make the account work again.
func (s Status) NeedsPerson() bool {
	switch s {
	case Pending, ReauthorizationRequired, ClientMisconfigured, Disconnected:
		return true
	case Active, Degraded:
		return false
	}
	return false
}

// FailureKind is one of the seven ways in which a request to an authorization server can fail, each with its own
// consequence.
type FailureKind string

// The kinds of failure, and what each one calls for.
const (
	// DeadGrant: invalid_grant and its dialects. Reauthorize; never present this grant again.
	DeadGrant FailureKind = "dead_grant"
	// DeadClient: invalid_client and its dialects. Every account of the connector waits for the operator; no grant is dead.
	DeadClient FailureKind = "dead_client"
	// Throttled: wait as long as the provider says.
	Throttled FailureKind = "throttled"
	// Transient: nothing was consumed; back off and try again.
	Transient FailureKind = "transient"
	// Ambiguous: the request was sent and its outcome is unknown. The provider's facts decide.
	Ambiguous FailureKind = "ambiguous"
	// Malformed: an answer that cannot be understood. Never stored; reported to the operator.
	Malformed FailureKind = "malformed"
	// Misconfigured: a request this client may not make. Reported to the operator.
	Misconfigured FailureKind = "misconfigured"
)
