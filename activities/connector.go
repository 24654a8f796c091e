package activities

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"tokenkeeper/credential"
)

// Fleet is the accounts of connectors, as Temporal's visibility knows them.
type Fleet interface {
	// Release tells the accounts that wait for a connector to go on, and returns how many it told.
	Release(ctx context.Context, in ReleaseInput) (int, error)
}

// Connector holds the Activities of the Connector Workflow.
type Connector struct {
	Fleet Fleet
	// Count returns how many accounts a connector has.
	Count func(ctx context.Context, connector string) (int, error)
	Log   *slog.Logger
}

// ReleaseInput names the accounts that may go on.
type ReleaseInput struct {
	Connector string `json:"connector"`
	// Episode is the one that is over.
	Episode int `json:"episode"`
}

// Release tells the accounts that wait for a connector to go on. The result counts them; those that began to wait while it
// ran are found by another run. It may be repeated: whoever was told waits no more, and is not found again.
func (c *Connector) Release(ctx context.Context, in ReleaseInput) (int, error) {
	defer beat(ctx)()
	told, err := c.Fleet.Release(ctx, in)
	if err != nil {
		return told, fmt.Errorf("telling the accounts of connector %s to go on: %w", in.Connector, err)
	}
	return told, nil
}

// ConnectorNotice is news of a connector that the operator should have: one for all its accounts.
type ConnectorNotice struct {
	Connector string     `json:"connector"`
	Kind      NoticeKind `json:"kind"`
	Reason    string     `json:"reason,omitempty"`
	Since     time.Time  `json:"since"`
}

// Alert tells the operator that a provider refuses the app of a connector, or takes it again. It writes to the log.
func (c *Connector) Alert(ctx context.Context, n ConnectorNotice) error {
	attrs := []any{"connector", n.Connector, "since", n.Since.UTC().Format(time.RFC3339)}
	if accounts, err := c.Count(ctx, n.Connector); err == nil {
		attrs = append(attrs, "accounts", accounts)
	}
	if n.Kind == NoticeRecovery {
		c.Log.InfoContext(ctx, "the provider takes the app of this connector again", attrs...)
		return nil
	}
	c.Log.ErrorContext(ctx, "the provider refuses the app of this connector: correct its client id and secret in tokenkeeper.yaml; "+
		"its accounts wait with their grants untouched, and go on by themselves",
		append(attrs, "status", credential.ClientMisconfigured, "reason", n.Reason)...)
	return nil
}
