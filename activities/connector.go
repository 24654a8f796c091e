package activities

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"
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
	// Notices brings notices to people; nil leaves them to the log.
	Notices *Notices
	Log     *slog.Logger
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
	Stage     int        `json:"stage,omitempty"` // notices of the same trouble before this one
	// Key tells the notices of one connector apart.
	Key string `json:"key,omitempty"`
	// Episode and Began are as in [Notice].
	Episode string    `json:"episode,omitempty"`
	Began   time.Time `json:"began,omitzero"`
}

func (n ConnectorNotice) key() string {
	return cmp.Or(n.Key, fmt.Sprintf("%s/%d", n.Kind, n.Since.UnixNano())) // an older Workflow gives none
}

// Alert tells the operator that a provider refuses the app of a connector, or takes it again.
func (c *Connector) Alert(ctx context.Context, n ConnectorNotice) (Told, error) {
	announced := c.announcement(n)
	told, err := c.Notices.tell(ctx, n.Kind, &announced)
	if err == nil && c.Notices.logs() {
		c.logNotice(ctx, announced)
	}
	return told, err
}

func (c *Connector) logNotice(ctx context.Context, announced Announcement) {
	attrs := Letter{Announcement: announced}.attrs()
	if accounts, err := c.Count(ctx, announced.Connector); err == nil {
		attrs = append(attrs, "accounts", accounts)
	}
	if announced.Recovery {
		c.Log.InfoContext(ctx, "the provider takes the app of this connector again", attrs...)
		return
	}
	c.Log.ErrorContext(ctx, "the provider refuses the app of this connector: correct its client id and secret in tokenkeeper.yaml; "+
		"its accounts wait with their grants untouched, and go on by themselves", attrs...)
}
