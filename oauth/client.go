package oauth

import (
	"net"
	"net/http"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
)

// Registration is our app at a provider.
type Registration struct {
	ClientID     string
	ClientSecret credential.Secret
	RedirectURL  string
	Scopes       []string
	// Grant is how [Client.Mint] gets tokens; authorization_code when empty.
	Grant provider.Grant
	// Key signs the assertions of the grants jwt_bearer and github_installation; KeyID, if there is one, tells the
	// provider which of our keys it is.
	Key   credential.SigningKey
	KeyID string
	// Issuer is the iss claim of an assertion; ClientID when empty.
	Issuer string
	// Subject is whom the app acts for, the sub claim of an assertion; the app itself when empty.
	Subject string
	// Audience is the aud claim of an assertion; what the provider says when empty.
	Audience       string
	InstallationID string
}

// Options are knobs of a [Client]. The zero value is ready for use.
type Options struct {
	// HTTP lends its transport and timeout: proxies, trusted certificates. Its cookie jar and redirect policy are not used,
	// and connections are never kept. Nil means a transport with the environment's proxy.
	HTTP *http.Client
	// Timeout is the limit of one request, answer included; 10 s when zero.
	Timeout time.Duration
	// Now is the clock; time.Now when nil.
	Now func() time.Time
}

func (o Options) timeout() time.Duration {
	timeout := o.Timeout
	if timeout <= 0 {
		timeout = 10 * time.Second
	}
	if o.HTTP != nil && o.HTTP.Timeout > 0 {
		timeout = min(timeout, o.HTTP.Timeout)
	}
	return timeout
}

func (o Options) now() func() time.Time {
	if o.Now == nil {
		return time.Now
	}
	return o.Now
}

// Client speaks for one registration at one provider. It is safe for concurrent use.
type Client struct {
	provider     provider.Provider
	registration Registration
	timeout      time.Duration
	now          func() time.Time
	transport    http.RoundTripper
	// traced: the transport is known to report through httptrace what it wrote.
	traced bool
}

// NewClient returns a client for a provider as [provider.Provider.Override] returned it.
func NewClient(p provider.Provider, r Registration, o Options) *Client {
	transport, traced := singleShot(o.HTTP)
	return &Client{
		provider:     p,
		registration: r,
		timeout:      o.timeout(),
		now:          o.now(),
		transport:    transport,
		traced:       traced,
	}
}

// singleShot returns a transport that sends each request at most once, and reports whether it is net/http's own.
//
// net/http repeats a request when a reused connection turns out to be dead, and HTTP/2 when a stream was refused. Neither
// can happen on a connection that carries one request, over HTTP/1.
func singleShot(lent *http.Client) (http.RoundTripper, bool) {
	var base http.RoundTripper
	if lent != nil {
		base = lent.Transport
	}
	if base == nil {
		base = &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout: 5 * time.Second,
		}
	}
	transport, ok := base.(*http.Transport)
	if !ok {
		return base, false
	}
	transport = transport.Clone()
	transport.DisableKeepAlives = true
	transport.ForceAttemptHTTP2 = false
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true)
	// The clone of a transport that has spoken HTTP/2 would still offer it, and then could not speak it.
	transport.TLSNextProto = nil
	if transport.TLSClientConfig != nil {
		transport.TLSClientConfig.NextProtos = nil
	}
	return transport, true
}
