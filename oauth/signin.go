package oauth

import (
	"context"

	"tokenkeeper/credential"
)

// SignIn is what the code of a person who signs in is exchanged for (OpenID Connect Core §3.1.3.3). Nothing in it has
// been verified.
type SignIn struct {
	ID     credential.Secret // a JWT that says who the person is
	Access credential.Secret // for the UserInfo endpoint
}

// SignIn is [Client.Exchange] for somebody who signs in: the answer must have an ID token, which scope openid asks for.
func (c *Client) SignIn(ctx context.Context, code string, verifier credential.Secret) (SignIn, error) {
	form, g := c.exchange(code, verifier)
	r, failure := c.submit(ctx, form, c.provider.ClientAuthentication, g)
	if failure != nil {
		return SignIn{}, failure
	}
	tokens, failure := c.read(r, g)
	if failure != nil {
		return SignIn{}, failure
	}
	id := parseAnswer(r.header, r.body).token("id_token")
	if id == "" || !vschar(id) {
		failure := c.failure(g.op, r, "")
		failure.Kind, failure.reason = credential.Malformed, "the answer has no ID token; ask for scope openid"
		return SignIn{}, failure
	}
	return SignIn{ID: credential.NewSecret(id), Access: tokens.Access}, nil
}
