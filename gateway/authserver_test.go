package gateway_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"tokenkeeper/provider"
)

const (
	clientID     = "client-of-ours"
	clientSecret = "client-secret-of-ours"
)

// authServer is an authorization server that consents at once, demands PKCE, and takes each code once.
type authServer struct {
	*httptest.Server

	t *testing.T

	mu       sync.Mutex
	codes    map[string]request // :: code → what it was issued for
	access   map[string]bool
	issued   []string                                     // every code, token and verifier that was ever seen
	subject  string                                       // who consents
	scopes   string                                       // what is granted; "" says nothing
	issuer   string                                       // sent as iss when not empty
	refusal  string                                       // error of the authorize endpoint
	answer   func(w http.ResponseWriter, form url.Values) // of the token endpoint, instead of tokens
	identity int                                          // status of the identity endpoint when not 0
	outages  int                                          // the identity endpoint is away for so many requests
	arrived  func()                                       // called by the identity endpoint before it answers
	noPKCE   bool                                         // it knows nothing of it
	tried    bool                                         // somebody was at the token endpoint
}

type request struct {
	challenge string
	redirect  string
}

func newAuthServer(t *testing.T) *authServer {
	t.Helper()
	a := &authServer{
		t: t, codes: map[string]request{}, access: map[string]bool{}, subject: "U1", scopes: "read write",
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", a.authorize)
	mux.HandleFunc("POST /token", a.token)
	mux.HandleFunc("GET /me", a.me)
	a.Server = httptest.NewServer(mux)
	t.Cleanup(a.Close)
	return a
}

func (a *authServer) provider() provider.Provider {
	return provider.Provider{
		ID: "fake", Name: "Fake & Co",
		Endpoints:            provider.Endpoints{Authorize: a.URL + "/authorize", Token: a.URL + "/token", Identity: a.URL + "/me", API: a.URL + "/"},
		ClientAuthentication: provider.ClientSecretPost,
		Authorization:        provider.Authorization{PKCE: true},
		Token:                provider.Token{Rotation: provider.RotationSingleUse},
		Identity:             provider.Identity{Subject: "{id}", Display: "{login}"},
	}
}

func (a *authServer) authorize(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	query := r.URL.Query()
	assert.Equal(a.t, clientID, query.Get("client_id"))
	assert.Equal(a.t, "code", query.Get("response_type"))
	if a.noPKCE {
		assert.False(a.t, query.Has("code_challenge"))
	} else {
		assert.Equal(a.t, "S256", query.Get("code_challenge_method"))
	}
	assert.Equal(a.t, "read write", query.Get("scope"))
	assert.GreaterOrEqual(a.t, len(query.Get("state")), 32)
	answer := url.Values{"state": {query.Get("state")}}
	if a.issuer != "" {
		answer.Set("iss", a.issuer)
	}
	if a.refusal != "" {
		answer.Set("error", a.refusal)
		answer.Set("error_description", "<script>alert('prose of the provider')</script>")
	} else {
		code := "code-" + rand.Text()
		a.codes[code] = request{challenge: query.Get("code_challenge"), redirect: query.Get("redirect_uri")}
		a.issued = append(a.issued, code)
		answer.Set("code", code)
	}
	http.Redirect(w, r, query.Get("redirect_uri")+"?"+answer.Encode(), http.StatusFound)
}

func (a *authServer) token(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tried = true
	assert.NoError(a.t, r.ParseForm())
	verifier := r.PostForm.Get("code_verifier")
	if verifier != "" {
		a.issued = append(a.issued, verifier)
	}
	if a.answer != nil {
		a.answer(w, r.PostForm)
		return
	}
	asked, known := a.codes[r.PostForm.Get("code")]
	delete(a.codes, r.PostForm.Get("code"))
	sum := sha256.Sum256([]byte(verifier))
	switch {
	case r.PostForm.Get("client_id") != clientID || r.PostForm.Get("client_secret") != clientSecret:
		reply(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
	case !known, asked.redirect != r.PostForm.Get("redirect_uri"),
		!a.noPKCE && asked.challenge != base64.RawURLEncoding.EncodeToString(sum[:]):
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
	default:
		access, refresh := "access-"+rand.Text(), "refresh-"+rand.Text()
		a.access[access] = true
		a.issued = append(a.issued, access, refresh)
		reply(w, http.StatusOK, map[string]any{
			"access_token": access, "refresh_token": refresh, "token_type": "bearer", "expires_in": 3600, "scope": a.scopes,
		})
	}
}

func (a *authServer) me(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.arrived != nil {
		a.arrived()
	}
	if a.outages > 0 {
		a.outages--
		reply(w, http.StatusServiceUnavailable, map[string]any{})
		return
	}
	if a.identity != 0 {
		reply(w, a.identity, map[string]any{})
		return
	}
	access, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !a.access[access] {
		reply(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
		return
	}
	reply(w, http.StatusOK, map[string]any{"id": a.subject, "login": "person " + a.subject})
}

// secrets is everything that must not be seen outside.
func (a *authServer) secrets() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string{clientSecret}, a.issued...)
}

// asked reports whether somebody was at the token endpoint.
func (a *authServer) asked() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.tried
}

func (a *authServer) change(how func(*authServer)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	how(a)
}

func reply(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		panic(err)
	}
}
