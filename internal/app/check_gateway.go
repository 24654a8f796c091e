package app

import (
	"crypto/x509"
	"time"
)

// checkProxies checks that a gateway for which others speak TLS knows who they are.
func (a *App) checkProxies() Finding {
	f := Finding{Subject: "proxy in front of the gateway", OK: len(a.Config().Gateway.Proxies()) > 0}
	if !f.OK {
		f.Place = a.Config().Position("gateway.public_url").String()
		f.Problem = "browsers come by https, the gateway speaks none, and gateway.trusted_proxies names nobody: all people count as one " +
			"address, share its attempts to sign in and its links, and the audit log cannot tell them apart"
		f.Fix = "write trusted_proxies: [ADDRESS] under gateway, of the proxy or tunnel as the gateway sees it, 127.0.0.1 on this machine"
	}
	return f
}

// certificateLeft is how long before its expiry a certificate is a finding: whatever renews it should have done so by
// then.
const certificateLeft = 14 * 24 * time.Hour

// checkCertificate checks when the gateway's certificate expires. That it fits its key was checked with the
// configuration.
func (a *App) checkCertificate(now time.Time) Finding {
	f := Finding{Subject: "certificate of the gateway", Place: a.Config().Position("gateway.tls.certificate").String()}
	certificate, err := x509.ParseCertificate(a.Config().Gateway.Certificate().Certificate[0])
	switch {
	case err != nil:
		f.Problem, f.Fix = err.Error(), "put another one into its place"
	case now.Before(certificate.NotBefore):
		f.Problem, f.Fix = "it begins at "+certificate.NotBefore.UTC().Format(time.RFC3339), "set the clock of this machine, or wait"
	case certificate.NotAfter.Sub(now) < certificateLeft:
		f.Problem = "it ends at " + certificate.NotAfter.UTC().Format(time.RFC3339)
		f.Fix = "renew it; the gateway takes over a changed file by itself"
	default:
		f.OK, f.Place = true, ""
	}
	return f
}

// checkLinks says who can go on with a link to a consent. None of it is a fault.
func (a *App) checkLinks() Finding {
	links, who := a.Config().Links, "whoever opens one first goes on; with --code only who is told the code"
	switch {
	case links.RequireSignIn:
		who = "whoever opens one first and signs in goes on; with --for one person alone"
	case links.RequireCode:
		who = "only who is told the code goes on"
	case a.Config().Gateway.OIDC.On():
		who = "whoever opens one first goes on; with --for one person alone, and with --code only who is told the code"
	}
	return Finding{Subject: "links to a consent: " + who, OK: true}
}
