package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/url"
	"time"

	"tokenkeeper/gateway"
	"tokenkeeper/provider"
	"tokenkeeper/workflows"
)

var (
	_ gateway.Connections = (*App)(nil)
	_ gateway.Owner       = (*workflows.Client)(nil)
	_ gateway.Board       = board{}
)

// board is an App without the parameters that only the command line needs.
type board struct{ *App }

func (b board) LookAtTriages(ctx context.Context, patience time.Duration) ([]gateway.TriageView, error) {
	return b.App.LookAtTriages(ctx, patience)
}

// webUI returns where Temporal's Web UI shows a Workflow, "" where that would be on another machine than the browser.
func (a *App) webUI(workflowID string) string {
	ui, err := url.Parse(a.Config().Temporal.UIURL)
	if err != nil || ui.Host == "" || provider.IsLoopback(ui.Hostname()) && !a.Config().Gateway.OnLoopback() {
		return ""
	}
	return ui.JoinPath("namespaces", url.PathEscape(a.Namespace), "workflows", url.PathEscape(workflowID)).String()
}

// Gateway returns the pages on which people connect accounts. The vault must be open.
func (a *App) Gateway() (*gateway.Server, error) {
	if a.Vault == nil {
		return nil, errVaultClosed
	}
	public, err := url.Parse(a.Config().Gateway.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("gateway.public_url: %w", err)
	}
	server := &gateway.Server{
		Vault: a.Vault, Connections: a, Owner: a.Workflows, Board: board{a}, Hints: a, PublicURL: public,
		RequireCode: a.Config().Links.RequireCode, RequireSignIn: a.Config().Links.RequireSignIn, Health: a.healthy, Log: a.Log,
		LinkLife: func() time.Duration { return a.Config().Links.Lifetime },
		Sessions: a.Vault, TrustedProxies: a.Config().Gateway.Proxies(), OpenID: a.openID(),
	}
	if a.Config().Gateway.HasTokens() {
		server.Tokens = func() gateway.Tokens {
			g := a.Config().Gateway
			return gateway.Tokens{Admin: g.AdminToken(), Viewer: g.ViewerToken()}
		}
	}
	if a.Config().Gateway.TLS.On() {
		server.TLS = &tls.Config{
			MinVersion:     tls.VersionTLS12,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return a.Config().Gateway.Certificate(), nil },
		}
	}
	return server, nil
}

// healthy returns an error when something is missing that this process cannot work without.
func (a *App) healthy(ctx context.Context) error {
	if _, err := a.Temporal.CheckHealth(ctx, nil); err != nil {
		return &gateway.UnhealthyError{Dependency: "temporal", Err: err}
	}
	if err := a.Vault.Ping(ctx); err != nil {
		return &gateway.UnhealthyError{Dependency: "vault", Err: err}
	}
	return nil
}
