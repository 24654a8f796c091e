package openid

import (
	"context"
	"crypto/rand"
	"crypto/subtle"

	"github.com/coreos/go-oidc/v3/oidc"

	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/provider"
)

// Attempt is what has to be at hand when the browser comes back. It is secret, but for the state, which the browser brings.
type Attempt struct {
	State    string `json:"state"`
	Nonce    string `json:"nonce"`
	Verifier string `json:"verifier"` // of PKCE
}

// Begin returns where to send a browser to have its person sign in, and the attempt to finish with.
func (p *Provider) Begin(ctx context.Context) (address string, a Attempt, err error) {
	known, failure := p.discover(ctx)
	if failure != nil {
		return "", Attempt{}, failure
	}
	verifier := oauth.NewVerifier()
	a = Attempt{State: newSecret(), Nonce: newSecret(), Verifier: verifier.Reveal()}
	return p.client(known, map[string]string{"nonce": a.Nonce}).AuthorizeURL(a.State, verifier), a, nil
}

// newSecret returns 260 random bits as text that fits a URL and a cookie.
func newSecret() string { return rand.Text() + rand.Text() }

func (p *Provider) client(known *metadata, parameters map[string]string) *oauth.Client {
	r := p.registration()
	return oauth.NewClient(provider.Provider{
		ID:                   "openid",
		Endpoints:            provider.Endpoints{Authorize: known.Endpoint().AuthURL, Token: known.Endpoint().TokenURL},
		ClientAuthentication: known.authentication(),
		Authorization:        provider.Authorization{PKCE: true, Parameters: parameters},
	}, oauth.Registration{
		ClientID: r.ClientID, ClientSecret: r.ClientSecret, RedirectURL: r.RedirectURL, Scopes: r.Scopes,
	}, oauth.Options{Timeout: p.http.Timeout, Now: p.now})
}

// Answer is what the provider had the browser carry back (RFC 6749 §4.1.2, RFC 9207 §2).
type Answer struct {
	State, Code, Error, Issuer string
}

// Finish returns who signed in.
func (p *Provider) Finish(ctx context.Context, a Attempt, answer Answer) (Identity, error) {
	person, failure := p.finish(ctx, a, answer)
	if failure != nil {
		return Identity{}, failure
	}
	return person, nil
}

func (p *Provider) finish(ctx context.Context, a Attempt, answer Answer) (Identity, *Error) {
	if !same(a.State, answer.State) {
		return Identity{}, refused("its state is of another attempt")
	}
	known, failure := p.discover(ctx)
	if failure != nil {
		return Identity{}, failure
	}
	switch {
	case answer.Issuer != p.Issuer() && (answer.Issuer != "" || known.NamesIssuer):
		return Identity{}, refused("another provider sent the answer")
	case answer.Error != "":
		return Identity{}, declined(answer.Error)
	case answer.Code == "":
		return Identity{}, refused("there is no code in the answer")
	}
	signedIn, err := p.client(known, nil).SignIn(ctx, answer.Code, credential.NewSecret(a.Verifier))
	if err != nil {
		return Identity{}, unexchanged(err)
	}
	return p.identify(ctx, known, signedIn, a.Nonce)
}

// same reports whether two texts are one, and not both empty.
func same(x, y string) bool { return x != "" && subtle.ConstantTimeCompare([]byte(x), []byte(y)) == 1 }

// identify believes an ID token that was made for us and for this attempt (OpenID Connect Core §3.1.3.7).
func (p *Provider) identify(ctx context.Context, known *metadata, signedIn oauth.SignIn, nonce string) (Identity, *Error) {
	r := p.registration()
	token, err := known.Verifier(&oidc.Config{ClientID: r.ClientID, Now: p.now}).Verify(ctx, signedIn.ID.Reveal())
	if err != nil {
		return Identity{}, refused("its ID token: %s", brief(err.Error()))
	}
	said := claims{}
	if err := token.Claims(&said); err != nil {
		return Identity{}, refused("its ID token: %s", brief(err.Error()))
	}
	switch party := said.text("azp"); {
	case !same(token.Nonce, nonce):
		return Identity{}, refused("its ID token is of another attempt")
	case party != "" && party != r.ClientID, party == "" && len(token.Audience) > 1:
		return Identity{}, refused("its ID token was made for another client")
	}
	if said.lack(r) && known.UserInfoEndpoint() != "" {
		more, failure := p.userInfo(ctx, known.UserInfoEndpoint(), signedIn.Access, token.Subject)
		if failure != nil {
			return Identity{}, failure
		}
		said.complete(more, r.groupsClaim())
	}
	return said.identity(r, token.Subject)
}
