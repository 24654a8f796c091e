package sandbox

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"time"
)

const (
	openIDRoot = "/openid" // the issuer is the base with this at its end
	openIDKey  = "1"       // the one key's kid
	mailDomain = "acme.example"

	idTokenLifetime = 5 * time.Minute
)

// OtherPerson is somebody whom the OpenID provider knows, and who does not belong to the organization.
const OtherPerson = "somebody-else@elsewhere.example"

// newOpenIDKey returns the key that ID tokens are signed with, another one in each sandbox.
func newOpenIDKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic("sandbox: " + err.Error()) // of a curve that is not there
	}
	return key
}

func (s *Sandbox) openIDRoutes(mux *http.ServeMux) {
	for pattern, route := range map[string]struct {
		name string
		run  handling
	}{
		"GET " + openIDRoot + "/.well-known/openid-configuration": {"discovery", s.openIDDiscovery},
		"GET " + openIDRoot + "/keys":                             {"keys", s.openIDKeys},
		"POST " + openIDRoot + "/token":                           {endpointToken, s.openIDToken},
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, OpenID, route.name, route.run) })
	}
}

// openIDDiscovery is the provider's metadata (OpenID Connect Discovery 1.0 §3).
func (s *Sandbox) openIDDiscovery(c *call) answer {
	issuer := c.base + openIDRoot
	return jsonAnswer(http.StatusOK, map[string]any{
		"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token", "jwks_uri": issuer + "/keys",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"}, "code_challenge_methods_supported": []string{"S256"},
		"scopes_supported": []string{"openid", "profile", "email"}, "authorization_response_iss_parameter_supported": true,
	})
}

// openIDKeys is the JWK Set (RFC 7517 §5, RFC 7518 §6.2.1).
func (s *Sandbox) openIDKeys(*call) answer {
	point, err := s.openIDKey.PublicKey.Bytes() // 4, x, y (SEC 1 §2.3.3)
	if err != nil {
		return textAnswer(http.StatusInternalServerError, "text/plain", err.Error())
	}
	half := (len(point) - 1) / 2
	return jsonAnswer(http.StatusOK, map[string]any{"keys": []any{map[string]any{
		"kty": "EC", "crv": "P-256", "kid": openIDKey, "use": "sig", "alg": "ES256",
		"x": base64.RawURLEncoding.EncodeToString(point[1 : 1+half]), "y": base64.RawURLEncoding.EncodeToString(point[1+half:]),
	}}})
}

// openIDToken turns a code into an ID token (OpenID Connect Core 1.0 §3.1.3). Its access token opens nothing.
func (s *Sandbox) openIDToken(c *call) answer {
	a := s.apps[OpenID]
	if a.authenticate(c) != clientOK {
		return googleFailure(http.StatusUnauthorized, "invalid_client", "Client authentication failed.")
	}
	if grant := c.params.Get("grant_type"); grant != "authorization_code" {
		return googleFailure(http.StatusBadRequest, "unsupported_grant_type", "Only authorization_code is supported.")
	}
	code, failure := a.redeem(c.params, s.now())
	if failure != exchangeOK {
		return googleFailure(http.StatusBadRequest, "invalid_grant", "The code, its redirect_uri or its code_verifier is wrong.")
	}
	id, err := s.idToken(c.base+openIDRoot, code)
	if err != nil {
		return textAnswer(http.StatusInternalServerError, "text/plain", err.Error())
	}
	return jsonAnswer(http.StatusOK, map[string]any{
		"access_token": rand.Text(), "token_type": "Bearer", "expires_in": int(idTokenLifetime / time.Second), "id_token": id,
	}).with("Cache-Control", "no-store")
}

// idToken says who signed in: a person of the workspace, the first of whom is in group sre as well.
func (s *Sandbox) idToken(issuer string, code *authCode) (string, error) {
	said := map[string]any{
		"iss": issuer, "aud": s.apps[OpenID].ClientID, "iat": s.now().Unix(), "exp": s.now().Add(idTokenLifetime).Unix(),
		"sub": "U0ELSEWHERE", "name": "Somebody Else", "email": code.subject, "email_verified": true, "groups": []string{},
	}
	if code.nonce != "" {
		said["nonce"] = code.nonce
	}
	if i := slices.IndexFunc(s.options.Users, func(u User) bool { return addressOf(u) == code.subject }); i >= 0 {
		said["sub"], said["name"], said["groups"] = s.options.Users[i].ID, s.options.Users[i].Real, []string{"staff"}
		if i == 0 {
			said["groups"] = []string{"staff", "sre"}
		}
	}
	return s.signJWT(said)
}

// signJWT signs with ES256 (RFC 7515 §3.1, RFC 7518 §3.4).
func (s *Sandbox) signJWT(claims map[string]any) (string, error) {
	body, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"ES256","kid":"`+openIDKey+`"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	digest := sha256.Sum256([]byte(signed))
	x, y, err := ecdsa.Sign(rand.Reader, s.openIDKey, digest[:])
	if err != nil {
		return "", err
	}
	const size = 32 // of each half
	signature := append(x.FillBytes(make([]byte, size)), y.FillBytes(make([]byte, size))...)
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

func addressOf(u User) string { return u.Name + "@" + mailDomain }

// people are those who can sign in.
func (s *Sandbox) people() []string {
	var all []string
	for _, u := range s.options.Users {
		all = append(all, addressOf(u))
	}
	return append(all, OtherPerson)
}
