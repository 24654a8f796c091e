package app

import (
	"context"
	"errors"
	"sync"

	"golang.org/x/sync/errgroup"

	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/workflows"
)

var _ gateway.Hints = (*App)(nil)

// EventSecret implements [gateway.Hints].
func (a *App) EventSecret(connector string) (gateway.EventSource, credential.Secret) {
	c, ok := a.Config().Connector(connector)
	if !ok {
		return "", credential.Secret{}
	}
	family, secret := c.Events.Secret()
	return gateway.EventSource(family), secret
}

// sameApp reports whether two connectors are the same OAuth app, as one for users and one for an installation of a GitHub
// App are: it has one webhook.
func (a *App) sameApp(one, other string) bool {
	c := a.Config()
	x, known := c.Connector(one)
	y, too := c.Connector(other)
	return known && too && x.ClientID == y.ClientID
}

// GrantEnded implements [gateway.Hints]. The vault must be open: it knows the subjects of all accounts that have tokens.
// Without tokens there is no grant that could end.
func (a *App) GrantEnded(ctx context.Context, connector string, ended func(credential.Subject) bool) ([]credential.AccountID, error) {
	held, err := a.Vault.Accounts(ctx)
	if err != nil {
		return nil, err
	}
	var (
		mu    sync.Mutex // guards asked
		asked []credential.AccountID
		group errgroup.Group
	)
	group.SetLimit(askingAtOnce)
	for _, s := range held {
		if !a.sameApp(connector, s.Account.Connector) || !ended(s.Subject) {
			continue
		}
		group.Go(func() error {
			err := a.Workflows.GrantEnded(ctx, s.Account)
			switch {
			case workflows.IsNotFound(err):
				a.Log.WarnContext(ctx, "account has no Workflow that could look at its token", "account", s.Account.String())
				return nil
			case err != nil:
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, s.Account)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return asked, errors.Join(errNotAllAsked, err)
	}
	return asked, nil
}

var errNotAllAsked = errors.New("not every account could be asked to look at its token")
