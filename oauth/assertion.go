package oauth

import (
	"cmp"
	"maps"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"tokenkeeper/credential"
)

// skew is how far an assertion's iat lies in the past, because servers refuse one from the future and clocks differ.
// GitHub recommends a minute.
const skew = time.Minute

// assertion signs a JWT (RFC 7523 §3) with the claims that every server requires, and those in more. The time from iat to
// exp is the lifetime that the provider allows.
func (c *Client) assertion(op string, more jwt.MapClaims) (credential.Secret, *Error) {
	signer := c.registration.Key.Signer()
	if signer == nil {
		return credential.Secret{}, c.misuse(op, "the connector has no private key; set private_key_file or private_key_env")
	}
	issued := c.now().Add(-skew)
	claims := jwt.MapClaims{
		"iss": c.issuer(), "iat": issued.Unix(), "exp": issued.Add(c.provider.Assertion.GoodFor()).Unix(),
	}
	maps.Copy(claims, more)
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	if id := c.registration.KeyID; id != "" {
		token.Header["kid"] = id
	}
	signed, err := token.SignedString(signer)
	if err != nil {
		return credential.Secret{}, c.misuse(op, "the private key of the connector cannot sign; set another one")
	}
	return credential.NewSecret(signed), nil
}

// issuer returns the iss claim.
func (c *Client) issuer() string { return cmp.Or(c.registration.Issuer, c.registration.ClientID) }

// audience returns the aud claim: by RFC 7523 §3 the token endpoint, unless the provider wants something else.
func (c *Client) audience() string {
	return cmp.Or(c.registration.Audience, c.provider.Assertion.Audience, c.provider.Endpoints.Token)
}
