package app

import (
	"context"
	"errors"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// Link leads to the page on which a person consents. It is secret, and goes to people only.
type Link struct {
	URL       string
	Code      string // confirmation code; "" when the link needs none
	ExpiresAt time.Time
}

// NewLink makes a link, with a confirmation code where the configuration or the caller wants one. It is good once and voids
// those of before. The vault must be open.
func (a *App) NewLink(ctx context.Context, account credential.AccountID, why string, code bool) (Link, error) {
	if a.Vault == nil {
		return Link{}, errVaultClosed
	}
	keys, err := a.Vault.NewLink(ctx, vault.LinkRequest{
		Account: account, Why: why, Life: a.Config().Links.Lifetime, Code: code || a.Config().Links.RequireCode,
	})
	if err != nil {
		return Link{}, err
	}
	return Link{URL: a.Config().Gateway.PublicURL + "/c/" + keys.Secret, Code: keys.Code, ExpiresAt: keys.ExpiresAt}, nil
}

// errCodeAside: a notice that held the code beside the link would be what the code protects against.
var errCodeAside = errors.New("links.require_code: only the command line shows a link and its code")

// ConnectLink returns a link for a notice. There is none where links need a code.
func (a *App) ConnectLink(ctx context.Context, account credential.AccountID, why string) (string, error) {
	if a.Config().Links.RequireCode {
		return "", errCodeAside
	}
	link, err := a.NewLink(ctx, account, why, false)
	return link.URL, err
}
