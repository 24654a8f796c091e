package provider

// AnswersAs reports whether an authorization response with this iss may be the provider's (RFC 9207 §2.4); said is "" for one
// that has none.
//
// A provider that leads a browser on to another could have the code of that other sent to itself; iss, which the other writes,
// tells. A provider that is known to write it has to. Any other may call itself what it likes on the host of its own consent
// page.
func (p Provider) AnswersAs(said string) bool {
	if p.Authorization.Issuer != "" {
		return said == p.Authorization.Issuer
	}
	return said == "" || endpointHost(said) != "" && endpointHost(said) == endpointHost(p.Endpoints.Authorize)
}

// issuerBeside returns the issuer as a connector has it. One with a consent page of its own asks another server, which nobody
// knows the name of.
func (p Provider) issuerBeside(own Endpoints, vars map[string]string) string {
	if own.Authorize != "" && own.Authorize != p.Endpoints.Authorize {
		return ""
	}
	return fill(p.Authorization.Issuer, vars)
}
