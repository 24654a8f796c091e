package provider

// AnswersAs reports whether an authorization response with this iss may be the provider's (RFC 9207 §2.4); said is "" for
// one without.
//
// In a mix-up attack a provider sends the browser on to another, to have the code that the other issues delivered as if it
// were its own; the iss that the honest one adds gives that away. A provider that is known to send iss has to. Any other may
// send none, or one on the host of its own consent page.
func (p Provider) AnswersAs(said string) bool {
	if p.Authorization.Issuer != "" {
		return said == p.Authorization.Issuer
	}
	return said == "" || endpointHost(said) != "" && endpointHost(said) == endpointHost(p.Endpoints.Authorize)
}

// issuerBeside returns the issuer that a connector has to expect. One that overrides the consent page talks to another
// server, whose issuer is not known.
func (p Provider) issuerBeside(own Endpoints, vars map[string]string) string {
	if own.Authorize != "" && own.Authorize != p.Endpoints.Authorize {
		return ""
	}
	return fill(p.Authorization.Issuer, vars)
}
