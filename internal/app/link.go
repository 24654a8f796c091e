package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/gateway/openid"
	"tokenkeeper/vault"
)

// Link leads to the page on which a person consents. It is secret, and goes to people only.
type Link struct {
	URL       string
	Code      string // confirmation code; "" when the link needs none
	ExpiresAt time.Time

	shared bool // there before
}

// NewLink makes a link, with a confirmation code where the configuration or the caller wants one. It can be used once,
// and voids the earlier ones. The vault must be open.
func (a *App) NewLink(ctx context.Context, r vault.LinkRequest) (Link, error) {
	r.Code = r.Code || a.Config().Links.RequireCode
	return a.newLink(ctx, r)
}

// CheckRecipient returns an error for somebody who could not go on with a link that is for them: by a verified address, or a subject,
// at the OpenID provider. Whom a subject belongs to, and who is in which group, nobody knows here.
func (a *App) CheckRecipient(person string) error {
	o := a.Config().Gateway.OIDC
	judged := strings.Contains(person, "@") && len(o.Groups()) == 0
	switch {
	case strings.ContainsFunc(person, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }) || len(person) > maxRecipient:
		return errors.New("a person is one address, such as jane@example.com, or one subject")
	case !o.On():
		return errors.New("gateway.oidc is not configured, so that no page can tell who opens a link")
	case judged && roleOf(o, openid.Identity{Email: person}) == gateway.NoRole:
		return fmt.Errorf("gateway.oidc does not admit %s", person)
	}
	return nil
}

// maxRecipient is what an address has at most, and a subject.
const maxRecipient = 255

func (a *App) newLink(ctx context.Context, r vault.LinkRequest) (Link, error) {
	if a.Vault == nil {
		return Link{}, errVaultClosed
	}
	r.Life = a.Config().Links.Lifetime
	keys, err := a.Vault.NewLink(ctx, r)
	if err != nil {
		return Link{}, err
	}
	return Link{URL: a.Config().Gateway.PublicURL + "/c/" + keys.Secret, Code: keys.Code, ExpiresAt: keys.ExpiresAt, shared: keys.Shared}, nil
}

// codeAside: a notice that held the code beside the link would be what the code protects against.
const codeAside = "links need a confirmation code here, which no notice may hold"

// ConnectLink returns a link for a notice, or an [activities.NoLinkError] where links need a code or another one is in use. A
// new link voids the earlier ones, so all notices about one episode carry the same link while it is good, whichever process
// writes them.
func (a *App) ConnectLink(ctx context.Context, account credential.AccountID, why, episode string) (string, error) {
	if a.Config().Links.RequireCode {
		return "", &activities.NoLinkError{Why: codeAside}
	}
	link, err := a.newLink(ctx, vault.LinkRequest{Account: account, Why: why, Episode: episode})
	if inUse, ok := errors.AsType[*vault.LinkInUseError](err); ok {
		return "", &activities.NoLinkError{Why: inUse.Error()}
	}
	if err != nil || link.shared {
		return link.URL, err
	}
	// People made the others, and the audit log has who. It is no reason to keep the link back.
	if err := a.Vault.Audit(ctx, vault.Event{Actor: "notices", Action: vault.LinkMinted, Account: account, Outcome: vault.Done}); err != nil {
		a.Log.ErrorContext(ctx, "the link of a notice is not in the audit log", "account", account.String(), "error", err)
	}
	return link.URL, nil
}
