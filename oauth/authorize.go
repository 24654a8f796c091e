package oauth

import (
	"golang.org/x/oauth2"

	"tokenkeeper/credential"
)

// NewVerifier returns a fresh PKCE code verifier (RFC 7636 §4.1).
func NewVerifier() credential.Secret {
	return credential.NewSecret(oauth2.GenerateVerifier())
}

// AuthorizeURL returns where a person's browser goes to consent. The challenge of the verifier is added where the provider
// supports PKCE; the verifier itself stays on the server.
func (c *Client) AuthorizeURL(state string, verifier credential.Secret) string {
	config := oauth2.Config{
		ClientID:    c.registration.ClientID,
		RedirectURL: c.registration.RedirectURL,
		Endpoint:    oauth2.Endpoint{AuthURL: c.provider.Endpoints.Authorize},
	}
	return config.AuthCodeURL(state, c.authorizeOptions(verifier)...)
}

func (c *Client) authorizeOptions(verifier credential.Secret) []oauth2.AuthCodeOption {
	authorization := c.provider.Authorization
	var options []oauth2.AuthCodeOption
	for name, value := range authorization.Parameters {
		options = append(options, oauth2.SetAuthURLParam(name, value))
	}
	if len(c.registration.Scopes) > 0 {
		scopes := authorization.JoinScopes(c.registration.Scopes)
		options = append(options, oauth2.SetAuthURLParam(authorization.ScopeName(), scopes))
	}
	if authorization.PKCE && !verifier.IsZero() {
		options = append(options, oauth2.S256ChallengeOption(verifier.Reveal()))
	}
	return options
}
