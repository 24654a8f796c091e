// Package openidtest is an OpenID provider for tests. It signs in at once whoever the test says, demands PKCE and a client
// secret, takes each code once, and lies where it is told to.
package openidtest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// The one client that is registered.
const (
	ClientID     = "tokenkeeper-of-acme"
	ClientSecret = "client-secret-at-the-openid-provider"
)

// Behaviour is what a test changes. The zero value is that of an honest provider at which nobody has an address or a group.
type Behaviour struct {
	// Claims are added to every ID token; one that is nil is left out of it.
	Claims map[string]any
	// UserInfo is what the UserInfo endpoint answers; there is none when it is nil.
	UserInfo map[string]any
	// Sign makes the ID token, instead of the provider's key.
	Sign func(jwt.MapClaims) (string, error)
	// Issuer is sent beside each code when not empty (RFC 9207), and NamesIssuer announces that.
	Issuer      string
	NamesIssuer bool
	// Refusal is the error that the authorize endpoint sends instead of a code.
	Refusal string
	// Discovery replaces fields of the discovery document.
	Discovery map[string]any
	// TokenStatus is what the token endpoint refuses with, as TokenError; 0 for not at all.
	TokenStatus int
	TokenError  string
	// Away has everything fail.
	Away bool
}

// Provider is a provider that serves until its test ends.
type Provider struct {
	*httptest.Server

	now func() time.Time
	key *ecdsa.PrivateKey

	mu          sync.Mutex
	behaviour   Behaviour
	codes       map[string]request // :: code → what it was made for
	access      map[string]bool
	secrets     []string
	discoveries int
}

type request struct{ challenge, redirect, nonce string }

// New starts a provider whose clock is now.
func New(t testing.TB, now func() time.Time) *Provider {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	p := &Provider{now: now, key: key, codes: map[string]request{}, access: map[string]bool{}, secrets: []string{ClientSecret}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	mux.HandleFunc("GET /keys", p.keys)
	mux.HandleFunc("GET /userinfo", p.userInfo)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.Behaviour().Away {
			http.Error(w, "down for maintenance", http.StatusServiceUnavailable)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(p.Close)
	return p
}

// Change changes the behaviour from the next request on.
func (p *Provider) Change(how func(*Behaviour)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	how(&p.behaviour)
}

// Behaviour returns what is in force.
func (p *Provider) Behaviour() Behaviour {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.behaviour
}

// Secrets returns everything that must not be seen outside.
func (p *Provider) Secrets() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.secrets...)
}

// Discoveries returns how often somebody asked for the discovery document.
func (p *Provider) Discoveries() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.discoveries
}

func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	b := p.Behaviour()
	p.mu.Lock()
	p.discoveries++
	p.mu.Unlock()
	document := map[string]any{
		"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
		"id_token_signing_alg_values_supported": []string{"ES256"}, "response_types_supported": []string{"code"},
	}
	if b.UserInfo != nil {
		document["userinfo_endpoint"] = p.URL + "/userinfo"
	}
	if b.NamesIssuer {
		document["authorization_response_iss_parameter_supported"] = true
	}
	maps.Copy(document, b.Discovery)
	reply(w, http.StatusOK, document)
}

func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	b, query := p.Behaviour(), r.URL.Query()
	if query.Get("client_id") != ClientID || query.Get("response_type") != "code" || query.Get("code_challenge_method") != "S256" ||
		len(query.Get("state")) < 32 || len(query.Get("nonce")) < 32 || !strings.Contains(" "+query.Get("scope")+" ", " openid ") {
		http.Error(w, "no authentication request of tokenkeeper", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {query.Get("state")}}
	if b.Issuer != "" {
		answer.Set("iss", b.Issuer)
	}
	if b.Refusal != "" {
		answer.Set("error", b.Refusal)
		answer.Set("error_description", "<script>alert('prose of the provider')</script>")
	} else {
		answer.Set("code", p.newCode(request{query.Get("code_challenge"), query.Get("redirect_uri"), query.Get("nonce")}))
	}
	http.Redirect(w, r, query.Get("redirect_uri")+"?"+answer.Encode(), http.StatusFound) //nolint:gosec // a test asks, and nobody else
}

func (p *Provider) newCode(r request) string {
	code := "openid-code-" + rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codes[code] = r
	p.secrets = append(p.secrets, code, r.nonce)
	return code
}

func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	b := p.Behaviour()
	id, secret := b.client(r)
	asked, known := p.takeCode(r.PostFormValue("code"))
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	switch {
	case b.TokenStatus != 0:
		reply(w, b.TokenStatus, map[string]any{"error": b.TokenError})
	case id != ClientID || secret != ClientSecret:
		reply(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
	case !known, asked.redirect != r.PostFormValue("redirect_uri"), asked.challenge != base64.RawURLEncoding.EncodeToString(challenge[:]):
		reply(w, http.StatusBadRequest, map[string]any{"error": "invalid_grant"})
	default:
		p.issue(w, b, asked)
	}
}

// client returns how a client proves itself, by one of the methods that the discovery document has; basic where it has none.
func (b Behaviour) client(r *http.Request) (id, secret string) {
	methods, said := b.Discovery["token_endpoint_auth_methods_supported"].([]string)
	if id, secret, basic := r.BasicAuth(); basic && (!said || slices.Contains(methods, "client_secret_basic")) {
		return id, secret
	}
	if slices.Contains(methods, "client_secret_post") {
		return r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	return "", ""
}

func (p *Provider) takeCode(code string) (request, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	asked, known := p.codes[code]
	delete(p.codes, code)
	return asked, known
}

func (p *Provider) issue(w http.ResponseWriter, b Behaviour, asked request) {
	claims := jwt.MapClaims{
		"iss": p.URL, "aud": ClientID, "sub": "248289761001", "nonce": asked.nonce,
		"iat": p.now().Unix(), "exp": p.now().Add(5 * time.Minute).Unix(),
	}
	for name, value := range b.Claims {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	sign := b.Sign
	if sign == nil {
		sign = p.Sign
	}
	id, err := sign(claims)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	access := "openid-access-" + rand.Text()
	p.mu.Lock()
	p.access[access] = true
	p.secrets = append(p.secrets, access, id)
	p.mu.Unlock()
	reply(w, http.StatusOK, map[string]any{"access_token": access, "token_type": "Bearer", "expires_in": 300, "id_token": id})
}

// Sign signs claims with the provider's key.
func (p *Provider) Sign(claims jwt.MapClaims) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
	token.Header["kid"] = "1"
	return token.SignedString(p.key)
}

func (p *Provider) keys(w http.ResponseWriter, _ *http.Request) {
	point, err := p.key.PublicKey.Bytes() // 4, X, Y (SEC 1 §2.3.3)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	half := (len(point) - 1) / 2
	reply(w, http.StatusOK, map[string]any{"keys": []any{map[string]any{
		"kty": "EC", "crv": "P-256", "kid": "1", "use": "sig", "alg": "ES256",
		"x": base64.RawURLEncoding.EncodeToString(point[1 : 1+half]), "y": base64.RawURLEncoding.EncodeToString(point[1+half:]),
	}}})
}

func (p *Provider) userInfo(w http.ResponseWriter, r *http.Request) {
	access, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	p.mu.Lock()
	known := p.access[access]
	p.mu.Unlock()
	if !known {
		reply(w, http.StatusUnauthorized, map[string]any{"error": "invalid_token"})
		return
	}
	reply(w, http.StatusOK, p.Behaviour().UserInfo)
}

func reply(w http.ResponseWriter, status int, body map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		panic(err)
	}
}
