package sandbox

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"
)

// maxAppJWT is how far ahead the end of an app's JWT may lie, by GitHub's "Generating a JSON Web Token (JWT) for a GitHub
// App".
const maxAppJWT = 10 * time.Minute

const installationPrefix = "ghs_"

// gitHubInstallationToken is POST /app/installations/{id}/access_tokens.
func (s *Sandbox) gitHubInstallationToken(c *call) answer {
	a := s.apps[GitHub]
	if err := s.checkAppJWT(a, c.bearer()); err != nil {
		s.ledger.mintRefused()
		return gitHubFailure(http.StatusUnauthorized, gitHubJWTMessage(err))
	}
	switch {
	case c.request.PathValue("id") != s.options.GitHubInstallation:
		s.ledger.mintRefused()
		return gitHubFailure(http.StatusNotFound, "Not Found")
	case s.suspended:
		s.ledger.mintRefused()
		return gitHubFailure(http.StatusForbidden, "This installation has been suspended")
	}
	t := a.mintFor(a.installation(), installationPrefix, s.now())
	s.ledger.minted(GitHub, t)
	return jsonAnswer(http.StatusCreated, map[string]any{
		"token": t.value, "expires_at": t.expires.UTC().Format(time.RFC3339),
		"permissions": map[string]any{"issues": "write", "metadata": "read"}, "repository_selection": "selected",
	}).with("Date", s.now().UTC().Format(http.TimeFormat))
}

func (s *Sandbox) checkAppJWT(a *app, text string) error {
	c, err := verifyJWT(text, a.Key)
	if err != nil {
		return err
	}
	if c.Issuer != a.ClientID {
		return errBadJWT
	}
	return c.checkTimes(s.now(), func(time.Time) time.Time { return s.now().Add(maxAppJWT) })
}

func gitHubJWTMessage(err error) string {
	switch {
	case errors.Is(err, errFarFuture):
		return "'Expiration time' claim ('exp') is too far in the future"
	case errors.Is(err, errOver):
		return "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires"
	case errors.Is(err, errNotYet), errors.Is(err, errNoTimes):
		return "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
	}
	return "A JSON web token could not be decoded"
}

// installation returns the grant of the app where it is installed; a new one after it was revoked.
func (a *app) installation() *grant {
	i := slices.IndexFunc(a.grants, func(g *grant) bool { return g.installation && !g.revoked })
	if i >= 0 {
		return a.grants[i]
	}
	g := a.newGrant(strings.ToLower(strings.ReplaceAll(a.Name, " ", "-"))+"[bot]", nil)
	g.installation = true
	return g
}

// mintFor adds one access token to a grant that has no refresh tokens.
func (a *app) mintFor(g *grant, prefix string, now time.Time) *token {
	t := a.mint(g, prefix, false, a.MintedLifetime, now)
	g.access = append(g.access, t)
	return t
}

// SuspendInstallation suspends the GitHub App's installation, or resumes it. Its tokens do not work while it is
// suspended.
func (s *Sandbox) SuspendInstallation(suspended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.suspended = suspended
	if suspended {
		s.apps[GitHub].installation().revokeAccess()
	}
}

// installationRepositories is GET /installation/repositories, for installation tokens only.
func (s *Sandbox) installationRepositories(c *call, g *grant) answer {
	if !g.installation {
		return gitHubFailure(http.StatusForbidden, "You must authenticate with an installation access token in order to list repositories for an installation.")
	}
	repositories := []any{}
	for _, r := range s.hub.repositories {
		if !r.inaccessible {
			repositories = append(repositories, wireRepository(c, r))
		}
	}
	number, size := paging(c)
	return jsonAnswer(http.StatusOK, map[string]any{"total_count": len(repositories), "repositories": pageOf(repositories, number, size)})
}

// deleteInstallationToken is DELETE /installation/token: the token that carries the call.
func (s *Sandbox) deleteInstallationToken(c *call, g *grant) answer {
	if !g.installation {
		return gitHubFailure(http.StatusForbidden, "Resource not accessible by integration")
	}
	s.apps[GitHub].tokens[c.bearer()].revoked = true
	return answer{status: http.StatusNoContent, header: http.Header{}}
}
