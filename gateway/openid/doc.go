// Package openid signs people in at the OpenID provider of their organization (OpenID Connect Core 1.0 §3.1, the
// authorization code flow).
//
// The hard part is that whatever comes back is carried by a browser, and anybody can make a browser carry something else. An
// answer is believed when all of these agree, each of which an [Attempt] brought along or the provider signed:
//
//	state            the browser that brings the answer began the attempt
//	iss, beside it   this provider sent it, and no other that the browser was led through (RFC 9207)
//	code verifier    the code was made for this attempt (PKCE, RFC 7636)
//	ID token         signed by the provider, for our client and nobody else's, not expired
//	nonce, in it     made for this attempt
//
// Who keeps the attempt meanwhile is the caller's business; it must be where neither the browser nor anybody else can read or
// change it. The provider is asked for its endpoints when somebody first signs in, so that nothing depends on it before.
package openid
