package activities

import (
	"context"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// Plan is a triage as the configuration has it now.
type Plan struct {
	Triage       string               `json:"triage"` // acme/bug-reports
	Slack        credential.AccountID `json:"slack"`
	GitHub       credential.AccountID `json:"github"`
	PollInterval time.Duration        `json:"poll_interval"` // nanoseconds
	Lookback     time.Duration        `json:"lookback"`      // nanoseconds; how far a first start looks back
	Routes       []triage.Route       `json:"routes"`
}

// Plans finds a triage by name. The error names the triages there are.
type Plans interface {
	Plan(name string) (Plan, error)
}

// Triage holds the Activities that read the configuration.
type Triage struct {
	Plans Plans
}

// PlanInput names a triage.
type PlanInput struct {
	Triage string `json:"triage"`
}

// Plan returns the triage as configured. Errors: [ErrTypeNotConfigured].
func (t *Triage) Plan(_ context.Context, in PlanInput) (Plan, error) {
	plan, err := t.Plans.Plan(in.Triage)
	if err != nil {
		return Plan{}, notConfigured(err)
	}
	return plan, nil
}
