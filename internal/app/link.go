package app

import (
	"context"
	"errors"
	"path"
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

// ConnectLink returns a link for a notice. There is none where links need a code. A link voids those of before, so the targets
// of a notice get the same one, while it has not been opened and is good for half its life; those that different workers tell
// get different ones, of which the newest works.
func (a *App) ConnectLink(ctx context.Context, account credential.AccountID, why string) (string, error) {
	if a.Config().Links.RequireCode {
		return "", errCodeAside
	}
	a.linking.Lock()
	defer a.linking.Unlock()
	if last, ok := a.lastLinks[account]; ok && last.why == why && a.fresh(ctx, last.Link) {
		return last.URL, nil
	}
	link, err := a.NewLink(ctx, account, why, false)
	if err != nil {
		return "", err
	}
	if a.lastLinks == nil {
		a.lastLinks = map[credential.AccountID]noticeLink{}
	}
	a.lastLinks[account] = noticeLink{Link: link, why: why}
	return link.URL, nil
}

// noticeLink is the last link that an account had for a notice.
type noticeLink struct {
	Link

	why string
}

// fresh reports whether a link can be handed out once more.
func (a *App) fresh(ctx context.Context, l Link) bool {
	known, err := a.Vault.GetLink(ctx, vault.LinkHash(path.Base(l.URL)))
	return err == nil && known.BrowserHash == nil && time.Until(l.ExpiresAt) > a.Config().Links.Lifetime/2
}
