package workflows

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
)

// modelServer is an authorization server in memory that keeps books. It shares no code with ours: what is spent, what
// reuse does and what lives are decided here, from the dialect alone. It stands in place of the network.
type modelServer struct {
	dialect    dialect
	endsAccess bool
	now        func() time.Time
	// carry takes a request to the token endpoint, which serve answers, and brings the answer back, or not. token is the
	// refresh token in it, nil for none.
	carry func(r *http.Request, token *issuedToken, serve func() *http.Response) (*http.Response, error)
	wrong func(format string, args ...any)

	mu        sync.Mutex
	badSecret bool                    // guarded by mu: the app's secret was replaced
	down      bool                    // guarded by mu: nothing connects
	tokens    map[string]*issuedToken // guarded by mu; :: token -> what became of it
	issued    int                     // guarded by mu
}

// issuedGrant is a person's consent, or the app's own standing.
type issuedGrant struct {
	subject string
	revoked bool
}

type issuedToken struct {
	grant   *issuedGrant
	refresh bool
	expires time.Time // zero: never
	ended   bool      // by itself, the grant may live
	spent   time.Time // of a refresh token; zero: not yet
	// unknown counts presentations whose answer never arrived; since is when the first of them was made.
	unknown int
	since   time.Time
	// travelling: a request that holds it is on its way.
	travelling bool
}

// consent issues the tokens that a callback would bring.
func (s *modelServer) consent(subject string) credential.Tokens {
	s.mu.Lock()
	defer s.mu.Unlock()
	grant := &issuedGrant{subject: subject}
	t := credential.Tokens{Access: credential.NewSecret(s.newToken(grant, false)), Type: "Bearer", IssuedAt: s.now()}
	if s.dialect.token.Rotation != provider.RotationNone {
		t.Refresh = credential.NewSecret(s.newToken(grant, true))
	}
	if s.dialect.lifetime > 0 {
		t.ExpiresAt = s.now().Add(s.dialect.lifetime)
	}
	return t
}

// issue returns the answer of the token endpoint for a grant.
func (s *modelServer) issue(grant *issuedGrant) map[string]any {
	answer := map[string]any{"access_token": s.newToken(grant, false), "token_type": "Bearer"}
	if s.dialect.lifetime > 0 {
		answer["expires_in"] = int(s.dialect.lifetime.Seconds())
	}
	if s.dialect.token.Rotation != provider.RotationNone {
		answer["refresh_token"] = s.newToken(grant, true)
	}
	return answer
}

func (s *modelServer) newToken(grant *issuedGrant, refresh bool) string {
	s.issued++
	name := "token-" + strconv.Itoa(s.issued)
	token := &issuedToken{grant: grant, refresh: refresh}
	if !refresh && s.dialect.lifetime > 0 {
		token.expires = s.now().Add(s.dialect.lifetime)
	}
	s.tokens[name] = token
	return name
}

// accepts reports whether a token is good now: an access token for a call, a refresh token for a refresh.
func (s *modelServer) accepts(secret credential.Secret) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	token := s.tokens[secret.Reveal()]
	if token == nil || token.grant.revoked || token.ended {
		return false
	}
	if token.refresh {
		return token.spent.IsZero() || s.inGrace(token)
	}
	return token.expires.IsZero() || s.now().Before(token.expires)
}

func (s *modelServer) inGrace(token *issuedToken) bool {
	return s.dialect.token.Rotation == provider.RotationGrace && s.now().Sub(token.spent) < s.dialect.token.Grace
}

// find returns a token's entry, or nil.
func (s *modelServer) find(secret credential.Secret) *issuedToken {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokens[secret.Reveal()]
}

// change changes the entry of a token, where there is one.
func (s *modelServer) change(token *issuedToken, change func(*issuedToken)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if token != nil {
		change(token)
	}
}

// lose notes that the answer to a presentation will not arrive.
func (s *modelServer) lose(token *issuedToken) {
	now := s.now()
	s.change(token, func(t *issuedToken) {
		if t.unknown++; t.unknown == 1 {
			t.since = now
		}
	})
}

func (s *modelServer) travels(token *issuedToken, travelling bool) {
	s.change(token, func(t *issuedToken) { t.travelling = travelling })
}

func (s *modelServer) toggle(flag *bool, on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*flag = on
}

// RoundTrip implements [http.RoundTripper], and reports what net/http's own would report.
func (s *modelServer) RoundTrip(r *http.Request) (*http.Response, error) {
	trace := httptrace.ContextClientTrace(r.Context())
	trace.GetConn(r.URL.Host)
	s.mu.Lock()
	down := s.down
	s.mu.Unlock()
	if down {
		return nil, syscall.ECONNREFUSED
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, err
	}
	switch r.URL.Path {
	case "/identity":
		return s.identity(r), nil
	case "/revoke":
		return s.revocation(form), nil
	case "/token":
		return s.carry(r, s.find(credential.NewSecret(form.Get("refresh_token"))), func() *http.Response { return s.token(form) })
	}
	return nil, errors.New("no such endpoint: " + r.URL.Path)
}

func (s *modelServer) identity(r *http.Request) *http.Response {
	bearer := credential.NewSecret(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	if !s.accepts(bearer) {
		return reply(http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return reply(http.StatusOK, map[string]any{"sub": s.tokens[bearer.Reveal()].grant.subject})
}

// revocation follows RFC 7009: what is not known counts as revoked.
func (s *modelServer) revocation(form url.Values) *http.Response {
	s.change(s.find(credential.NewSecret(form.Get("token"))), func(t *issuedToken) {
		t.ended = true
		if t.refresh || s.dialect.minted || s.dialect.token.Rotation == provider.RotationNone {
			t.grant.revoked = true
		}
	})
	return reply(http.StatusOK, map[string]any{})
}

func (s *modelServer) token(form url.Values) *http.Response {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.badSecret {
		return reply(http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
	}
	if form.Get("grant_type") == "client_credentials" {
		return reply(http.StatusOK, s.issue(&issuedGrant{subject: "app"}))
	}
	token := s.tokens[form.Get("refresh_token")]
	switch {
	case token == nil || token.grant.revoked || token.ended:
		return invalidGrant()
	case s.dialect.token.Rotation == provider.RotationStatic:
		answer := s.renew(token)
		delete(answer, "refresh_token")
		return reply(http.StatusOK, answer)
	case !token.spent.IsZero() && !s.inGrace(token):
		if s.dialect.token.ReuseRevokesGrant {
			s.wrong("a spent refresh token was presented where that revokes the grant")
			token.grant.revoked = true
		}
		return invalidGrant()
	}
	if token.spent.IsZero() {
		token.spent = s.now()
	}
	return reply(http.StatusOK, s.renew(token))
}

func (s *modelServer) renew(presented *issuedToken) map[string]any {
	if s.endsAccess {
		for _, token := range s.tokens {
			token.ended = token.ended || token.grant == presented.grant && !token.refresh
		}
	}
	return s.issue(presented.grant)
}

func invalidGrant() *http.Response {
	return reply(http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
}

func reply(status int, body any) *http.Response {
	data, err := json.Marshal(body)
	if err != nil {
		panic(err) // of a map of strings and numbers
	}
	return respond(status, string(data))
}

func respond(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: fmt.Sprint(status), Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)),
	}
}
