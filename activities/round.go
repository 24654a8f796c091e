package activities

import (
	"context"
	"fmt"
	"time"
)

// Round returns how long it takes to send one request of every account of the connector, at the connector's rate; 0 where
// nothing limits them. Accounts that are late together spread over no less than that. Errors: [ErrTypeNotConfigured].
func (a *Account) Round(ctx context.Context, in AccountInput) (time.Duration, error) {
	conn, err := a.Connections.Connection(in.Account)
	if err != nil {
		return 0, notConfigured(err)
	}
	if a.Count == nil || conn.TokenRate <= 0 {
		return 0, nil
	}
	accounts, err := a.Count(ctx, in.Account.Connector)
	if err != nil {
		return 0, fmt.Errorf("a round of connector %s: %w", in.Account.Connector, err)
	}
	return time.Duration(float64(accounts) / conn.TokenRate * float64(time.Second)), nil
}
