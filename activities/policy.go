package activities

import (
	"time"

	"tokenkeeper/provider"
)

// Policy is how an account is looked after, by the facts about its provider and the choices of its connector.
type Policy struct {
	// Minted: tokens need neither a refresh token nor a person's consent.
	Minted bool `json:"minted,omitempty"`
	// RefreshIdle is how long a refresh token lives without being used; 0 where that is unknown or for ever.
	RefreshIdle time.Duration `json:"refresh_idle,omitempty"` // nanoseconds
	// RefreshFixed: a refresh does not give the refresh token a longer life.
	RefreshFixed bool `json:"refresh_fixed,omitempty"`
	// ValidateEvery is the interval between two looks at the token; 0 means that only somebody's asking causes one.
	ValidateEvery time.Duration `json:"validate_every,omitempty"` // nanoseconds
}

func (c Connection) policy() Policy {
	token := c.Provider.Token
	return Policy{
		Minted:        c.Grant.Mints(),
		RefreshIdle:   token.RefreshIdleLifetime,
		RefreshFixed:  token.Rotation == provider.RotationStatic,
		ValidateEvery: c.ValidateEvery,
	}
}
