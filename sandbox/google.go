package sandbox

import (
	"net/http"
	"strings"
	"time"
)

const (
	endpointMint   = "token.mint"
	grantJWTBearer = "urn:ietf:params:oauth:grant-type:jwt-bearer" //nolint:gosec // a name, and no credential
	// maxAssertion is how long a service account's assertion may be good for, by Google's "Using OAuth 2.0 for Server to
	// Server Applications".
	maxAssertion = time.Hour
)

func (s *Sandbox) googleRoutes(mux *http.ServeMux) {
	for path, route := range map[string]struct {
		name string
		run  handling
	}{
		"POST /google/token":     {endpointMint, s.googleToken},
		"POST /google/tokeninfo": {"tokeninfo", s.googleTokenInfo},
		"POST /google/revoke":    {"revoke", s.googleRevoke},
	} {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, Google, route.name, route.run) })
	}
}

// googleToken serves apps that act for themselves: a service account's signed assertion (RFC 7523 §2.1), and, which Google
// itself does not have, client credentials (RFC 6749 §4.4) in the same dialect.
func (s *Sandbox) googleToken(c *call) answer {
	switch c.params.Get("grant_type") {
	case grantJWTBearer:
		return s.googleAssertion(c)
	case "client_credentials":
		return s.googleClientCredentials(c)
	}
	return s.googleRefusal(http.StatusBadRequest, "unsupported_grant_type", "Invalid grant_type: "+c.params.Get("grant_type"))
}

func (s *Sandbox) googleAssertion(c *call) answer {
	a := s.apps[Google]
	if c.params.Has("client_id") || c.params.Has("client_secret") {
		return s.googleRefusal(http.StatusUnauthorized, "invalid_client", "The OAuth client was not found.")
	}
	said, err := verifyJWT(c.params.Get("assertion"), a.Key)
	if err != nil {
		return s.googleRefusal(http.StatusBadRequest, "invalid_grant", "Invalid JWT Signature.")
	}
	if err := said.checkTimes(s.now(), func(issued time.Time) time.Time { return issued.Add(maxAssertion) }); err != nil {
		return s.googleRefusal(http.StatusBadRequest, "invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes) "+
			"and in a reasonable timeframe. Check your iat and exp values in the JWT claim.")
	}
	switch {
	case said.Issuer != a.ClientID:
		return s.googleRefusal(http.StatusBadRequest, "invalid_grant", "Invalid grant: account not found")
	case said.Audience != c.base+"/google/token":
		return s.googleRefusal(http.StatusBadRequest, "invalid_grant", "Failed audience check")
	case said.Scope == "":
		return s.googleRefusal(http.StatusBadRequest, "invalid_scope", "Empty or missing scope not allowed.")
	}
	return s.googleTokens(orDefault(said.Subject, said.Issuer), strings.Fields(said.Scope))
}

func (s *Sandbox) googleClientCredentials(c *call) answer {
	a := s.apps[Google]
	if a.authenticate(c) != clientOK {
		return s.googleRefusal(http.StatusUnauthorized, "invalid_client", "The OAuth client was not found.")
	}
	return s.googleTokens(a.ClientID, splitScopes(c.params.Get("scope")))
}

// googleTokens mints for a subject, each with a grant of its own.
func (s *Sandbox) googleTokens(subject string, scopes []string) answer {
	a := s.apps[Google]
	t := a.mintFor(a.grantOf(subject, scopes), "ya29.", s.now())
	s.ledger.minted(Google, t)
	return jsonAnswer(http.StatusOK, map[string]any{
		"access_token": t.value, "expires_in": seconds(t), "token_type": "Bearer", "scope": strings.Join(scopes, " "),
	})
}

func (a *app) grantOf(subject string, scopes []string) *grant {
	for _, g := range a.grants {
		if g.subject == subject && !g.revoked {
			g.scopes = scopes
			return g
		}
	}
	return a.newGrant(subject, scopes)
}

func (s *Sandbox) googleRefusal(status int, code, description string) answer {
	s.ledger.mintRefused()
	return googleFailure(status, code, description)
}

func googleFailure(status int, code, description string) answer {
	return jsonAnswer(status, map[string]any{"error": code, "error_description": description})
}

// googleTokenInfo tells what a token is good for.
func (s *Sandbox) googleTokenInfo(c *call) answer {
	t, state := s.apps[Google].accessState(orDefault(c.bearer(), c.params.Get("access_token")), s.now())
	if state != tokenLive {
		s.ledger.authFailed(c, state)
		return googleFailure(http.StatusBadRequest, "invalid_token", "Invalid Value")
	}
	s.ledger.authAccepted(c)
	return jsonAnswer(http.StatusOK, map[string]any{
		"azp": t.grant.subject, "aud": t.grant.subject, "scope": strings.Join(t.grant.scopes, " "),
		"exp": itoa(int(t.expires.Unix())), "expires_in": itoa(int(t.expires.Sub(s.now()) / time.Second)), "access_type": "online",
	})
}

// googleRevoke is RFC 7009, but for the answer to a token that is not known.
func (s *Sandbox) googleRevoke(c *call) answer {
	t, state := s.apps[Google].accessState(c.params.Get("token"), s.now())
	if state != tokenLive {
		return googleFailure(http.StatusBadRequest, "invalid_token", "Token expired or revoked")
	}
	t.grant.revoke()
	return jsonAnswer(http.StatusOK, map[string]any{})
}
