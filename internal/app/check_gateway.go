package app

import (
	"crypto/x509"
	"time"
)

// certificateLeft is how long before its end a certificate needs somebody: whatever renews it should have done so by then.
const certificateLeft = 14 * 24 * time.Hour

// checkCertificate looks when the gateway's certificate ends. Whether it fits its key was checked with the configuration.
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
