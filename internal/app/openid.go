package app

import (
	"context"

	"tokenkeeper/config"
	"tokenkeeper/gateway"
	"tokenkeeper/gateway/openid"
)

// openID returns where people of the organization sign in, nil where nobody does. Secret and people are those of the newest
// configuration.
func (a *App) openID() *gateway.OpenID {
	if !a.Config().Gateway.OIDC.On() {
		return nil
	}
	return &gateway.OpenID{
		Provider: openid.New(a.openIDRegistration, openid.Options{}),
		Role:     func(i openid.Identity) gateway.Role { return roleOf(a.Config().Gateway.OIDC, i) },
	}
}

func (a *App) openIDRegistration() openid.Registration {
	g := a.Config().Gateway
	return openid.Registration{
		Issuer: g.OIDC.Issuer, ClientID: g.OIDC.ClientID, ClientSecret: g.OIDC.ClientSecret(), RedirectURL: g.SignInURL(),
		Scopes: g.OIDC.Scopes, GroupsClaim: g.OIDC.GroupsClaim, Groups: g.OIDC.Groups(),
	}
}

func roleOf(o config.OIDC, i openid.Identity) gateway.Role {
	switch {
	case o.Operators.Include(i.Email, i.Groups):
		return gateway.Operator
	case o.Viewers.Include(i.Email, i.Groups):
		return gateway.Viewer
	}
	return gateway.NoRole
}

// checkOpenID asks the provider for its endpoints, as the first person would who signs in.
func (a *App) checkOpenID(ctx context.Context) Finding {
	o := a.Config().Gateway.OIDC
	f := Finding{Subject: "OpenID provider " + o.Issuer}
	if err := openid.New(a.openIDRegistration, openid.Options{}).Check(ctx); err != nil {
		f.Problem, f.Place = err.Error(), a.Config().Position("gateway.oidc.issuer").String()
		f.Fix = "compare gateway.oidc.issuer with the provider's documentation, and see that this machine reaches it; nobody can sign in there until then"
		return f
	}
	f.OK = true
	return f
}
