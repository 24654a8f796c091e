package sandbox

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// A workspace, a login and a user that are not the configured ones: consenting with them shows what becomes of a client that
// gets the tokens of somebody else.
const (
	OtherTeam  = "T0ELSEWHERE"
	OtherLogin = "somebody-else"
	OtherUser  = "somebody-else@acme.example"
)

const codeLifetime = 10 * time.Minute

// Names of the token endpoints in books and faults, by grant type, because a script wants to hit a refresh and not the
// exchange beside it.
const (
	endpointToken    = "token"
	endpointRefresh  = "token.refresh"
	endpointExchange = "token.exchange"
)

func tokenEndpoint(grantType string) string {
	if grantType == "refresh_token" {
		return endpointRefresh
	}
	return endpointExchange
}

// authRequest is an authorization request (RFC 6749 §4.1.1) that passed its checks and waits for a person.
type authRequest struct {
	state     string
	redirect  *url.URL
	challenge string // S256; empty without PKCE
	nonce     string // for the ID token; empty but where people sign in
	scopes    []string
	expires   time.Time
}

// authCode is a consent whose code was not exchanged yet.
type authCode struct {
	authRequest
	subject string
	expires time.Time
}

// Reasons to show an error page instead of redirecting: RFC 6749 §4.1.2.1 forbids a redirect where client or redirect URI
// cannot be trusted.
var (
	errUnknownClient = errors.New("no app has this client_id")
	errRedirectURI   = errors.New("redirect_uri is not an http(s) URL of this machine (localhost, 127.0.0.1, [::1])")
	errNoScopes      = errors.New("no scopes requested: name them in the scope parameter")
	errNoOpenID      = errors.New("people sign in with scope openid: name it in the scope parameter")
	errChallenge     = errors.New("code_challenge_method has to be S256")
)

// ask checks an authorization request and keeps it; the returned id stands for it in the consent form, so that nothing a
// browser could change has to come back from it.
func (s *Sandbox) ask(name App, query url.Values) (id string, asked *authRequest, err error) {
	asked, err = parseAuthRequest(name, query)
	if err != nil {
		return "", nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apps[name]
	if query.Get("client_id") != a.ClientID {
		return "", nil, errUnknownClient
	}
	id = rand.Text()
	asked.expires = s.now().Add(codeLifetime)
	a.asked[id] = asked
	return id, asked, nil
}

func parseAuthRequest(name App, query url.Values) (*authRequest, error) {
	redirect, err := url.Parse(query.Get("redirect_uri"))
	if err != nil || !loopback(redirect) {
		return nil, errRedirectURI
	}
	challenge := query.Get("code_challenge")
	if challenge != "" && query.Get("code_challenge_method") != "S256" {
		return nil, errChallenge
	}
	scopes := splitScopes(query.Get("scope"))
	if name == Slack && len(scopes) == 0 {
		return nil, errNoScopes
	}
	if name == OpenID && !slices.Contains(scopes, "openid") {
		return nil, errNoOpenID
	}
	return &authRequest{
		state: query.Get("state"), redirect: redirect, challenge: challenge, nonce: query.Get("nonce"), scopes: scopes,
	}, nil
}

// splitScopes takes commas, as Slack writes them, and spaces.
func splitScopes(list string) []string {
	scopes := strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
	slices.Sort(scopes)
	return slices.Compact(scopes)
}

func loopback(u *url.URL) bool {
	if u.Scheme != "http" && u.Scheme != "https" {
		return false
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// consentAnswer is what a person answered to an authorization request.
type consentAnswer struct {
	request, subject string
	allow            bool
	issuer           string // what the provider calls itself (RFC 9207); empty where it does not
}

// decide ends an authorization request: where to send the browser, or false if there is no such request (any more).
func (s *Sandbox) decide(name App, d consentAnswer) (redirect string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.apps[name]
	asked := a.asked[d.request]
	delete(a.asked, d.request)
	if asked == nil || !s.now().Before(asked.expires) {
		return "", false
	}
	if !d.allow {
		return asked.answer(d.issuer, "error", "access_denied"), true
	}
	code := rand.Text()
	a.codes[code] = &authCode{authRequest: *asked, subject: d.subject, expires: s.now().Add(codeLifetime)}
	return asked.answer(d.issuer, "code", code), true
}

func (r *authRequest) answer(issuer, key, value string) string {
	target := *r.redirect
	query := target.Query()
	query.Set(key, value)
	if issuer != "" {
		query.Set("iss", issuer)
	}
	if r.state != "" {
		query.Set("state", r.state)
	}
	target.RawQuery = query.Encode()
	return target.String()
}

// exchangeError is why a code is refused; each provider has its own words for it.
type exchangeError int

const (
	exchangeOK exchangeError = iota
	exchangeBadCode
	exchangeBadRedirect
	exchangeBadVerifier
)

// redeem is the authorization code grant (RFC 6749 §4.1.3 with RFC 7636). A code is gone after the first try, right or wrong.
func (a *app) redeem(params url.Values, now time.Time) (*authCode, exchangeError) {
	code := a.codes[params.Get("code")]
	delete(a.codes, params.Get("code"))
	switch {
	case code == nil || !now.Before(code.expires):
		return nil, exchangeBadCode
	case !a.redirectMatches(code, params):
		return nil, exchangeBadRedirect
	case code.challenge != "" && !verifies(code.challenge, params.Get("code_verifier")):
		return nil, exchangeBadVerifier
	default:
		return code, exchangeOK
	}
}

// redirectMatches: Slack wants the redirect URI of the authorization request again, GitHub checks it where it is sent.
func (a *app) redirectMatches(code *authCode, params url.Values) bool {
	sent := params.Get("redirect_uri")
	return sent == code.redirect.String() || a.name == GitHub && sent == ""
}

func verifies(challenge, verifier string) bool {
	sum := sha256.Sum256([]byte(verifier))
	return same(challenge, base64.RawURLEncoding.EncodeToString(sum[:]))
}

// clientError is what is wrong with the client of a token request.
type clientError int

const (
	clientOK clientError = iota
	clientUnknown
	clientSecretWrong
)

// authenticate checks client id and secret, from where the app accepts them (RFC 6749 §2.3.1).
func (a *app) authenticate(c *call) clientError {
	id, secret, style := c.params.Get("client_id"), c.params.Get("client_secret"), ClientSecretPost
	if user, password, basic := c.request.BasicAuth(); basic {
		id, secret, style = formDecoded(user), formDecoded(password), ClientSecretBasic
	}
	switch {
	case id != a.ClientID:
		return clientUnknown
	case a.ClientAuthentication != "" && a.ClientAuthentication != style, !same(a.ClientSecret, secret):
		return clientSecretWrong
	default:
		return clientOK
	}
}

// formDecoded undoes the encoding that RFC 6749 §2.3.1 asks of Basic credentials; what is not encoded stays as it is.
func formDecoded(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// exchanged books a redeemed code and starts its grant.
func (s *Sandbox) exchanged(a *app, code *authCode) pair {
	g := a.newGrant(code.subject, code.scopes)
	p := g.issue(s.now())
	s.ledger.exchanged(a.name, p)
	return p
}

// renewed presents a refresh token and books what came of it.
func (s *Sandbox) renewed(a *app, refresh string) (pair, bool) {
	p, spentBefore, ok := a.renew(refresh, s.now())
	s.ledger.refreshed(a.name, p, spentBefore, ok)
	return p, ok
}

// authorizePage shows who wants what, and takeDecision takes the answer of the person.
func (s *Sandbox) authorizePage(name App) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		id, asked, err := s.ask(name, r.URL.Query())
		if err != nil {
			s.errorPage(w, http.StatusBadRequest, err.Error())
			return
		}
		s.consentPage(w, name, id, asked)
	}
}

func (s *Sandbox) takeDecision(name App) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		redirect, ok := s.decide(name, consentAnswer{
			request: r.PostFormValue("request"), subject: s.subject(name, r.PostFormValue("subject")),
			allow: r.PostFormValue("decision") == string(Allow), issuer: s.issuer(name, r),
		})
		if !ok {
			s.errorPage(w, http.StatusBadRequest, "This request was answered before, or it is older than ten minutes.")
			return
		}
		http.Redirect(w, r, redirect, http.StatusFound)
	}
}

// issuer is what a provider calls itself in its answers: GitHub and the OpenID provider do.
func (s *Sandbox) issuer(name App, r *http.Request) string {
	switch name {
	case GitHub:
		return s.base(r) + "/github/login/oauth"
	case OpenID:
		return s.base(r) + openIDRoot
	case Slack, Google, Zendesk, Model:
	}
	return ""
}

// subjects are those a person can consent as, the configured one first.
func (s *Sandbox) subjects(name App) []string {
	switch name {
	case GitHub:
		return []string{s.options.GitHubLogin, OtherLogin}
	case Zendesk:
		return []string{s.options.ZendeskUser, OtherUser}
	case OpenID:
		return s.people()
	case Slack, Google, Model:
	}
	return []string{s.options.Team, OtherTeam}
}

func (s *Sandbox) subject(name App, chosen string) string {
	known := s.subjects(name)
	if slices.Contains(known, chosen) {
		return chosen
	}
	return known[0]
}
