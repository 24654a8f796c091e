package sandbox

import (
	"crypto/rand"
	"slices"
	"time"
)

// app is a registered OAuth app with everything its authorization server ever issued.
type app struct {
	AppOptions
	name   App
	grants []*grant
	tokens map[string]*token    // :: value → access or refresh token
	codes  map[string]*authCode // :: authorization code → what was consented
	asked  map[string]*authRequest
}

// grant is one consent and the family of tokens that came of it.
type grant struct {
	app     *app
	subject string // Slack team, GitHub login or e-mail address of a Zendesk user
	scopes  []string
	revoked bool
	access  []*token // in order of issue
	// installation: of the app itself, where it is installed, and not of a user.
	installation bool
}

type token struct {
	grant   *grant
	value   string
	refresh bool
	issued  time.Time
	expires time.Time // zero: never
	usedAt  time.Time // of a refresh token: its first use
	revoked bool
}

// pair is what a token endpoint answers.
type pair struct {
	access, refresh *token // refresh is nil where none is issued or the old one stays
}

// tokenState is what is true of a token that a request carries.
type tokenState int

const (
	tokenMissing tokenState = iota
	tokenUnknown
	tokenExpired
	tokenRevoked
	tokenLive
)

func newApp(name App, o AppOptions) *app {
	return &app{
		AppOptions: o, name: name,
		tokens: map[string]*token{}, codes: map[string]*authCode{}, asked: map[string]*authRequest{},
	}
}

func (a *app) newGrant(subject string, scopes []string) *grant {
	g := &grant{app: a, subject: subject, scopes: scopes}
	a.grants = append(a.grants, g)
	return g
}

// issue adds a pair of tokens to the family.
func (g *grant) issue(now time.Time) pair {
	p := pair{access: g.issueAccess(now)}
	if g.app.Rotation != RotationNone {
		p.refresh = g.app.mint(g, refreshPrefix(g.app), true, g.app.RefreshLifetime, now)
	}
	return p
}

func (g *grant) issueAccess(now time.Time) *token {
	t := g.app.mint(g, accessPrefix(g.app), false, g.app.AccessLifetime, now)
	g.access = append(g.access, t)
	g.limitActive(now)
	return t
}

func (a *app) mint(g *grant, prefix string, refresh bool, lifetime time.Duration, now time.Time) *token {
	t := &token{grant: g, value: prefix + rand.Text() + rand.Text(), refresh: refresh, issued: now}
	if lifetime > 0 {
		t.expires = now.Add(lifetime)
	}
	a.tokens[t.value] = t
	return t
}

func accessPrefix(a *app) string {
	switch {
	case a.name == GitHub:
		return "ghu_"
	case a.name == Zendesk:
		return "" // Zendesk's tokens have none
	case a.Rotation == RotationNone:
		return "xoxb-"
	default:
		return "xoxe.xoxb-1-"
	}
}

func refreshPrefix(a *app) string {
	switch a.name {
	case GitHub:
		return "ghr_"
	case Zendesk:
		return ""
	case Slack, Google, OpenID, Model:
	}
	return "xoxe-1-"
}

// limitActive ends the oldest access tokens beyond those that may live side by side.
func (g *grant) limitActive(now time.Time) {
	if g.app.ActiveTokens <= 0 {
		return
	}
	live := slices.DeleteFunc(slices.Clone(g.access), func(t *token) bool { return t.state(now) != tokenLive })
	for len(live) > g.app.ActiveTokens {
		live[0].revoked = true
		live = live[1:]
	}
}

// renew is the refresh grant (RFC 6749 §6): ok is false where the token is refused, spentBefore where it had been used
// up by an earlier refresh.
func (a *app) renew(value string, now time.Time) (p pair, spentBefore, ok bool) {
	t := a.tokens[value]
	if t == nil || !t.refresh {
		return pair{}, false, false
	}
	if a.spent(t, now) {
		if a.Rotation == RotationRevokeFamily || a.Rotation == RotationGraceRevokeFamily {
			t.grant.revoke()
		}
		return pair{}, true, false
	}
	if t.state(now) != tokenLive {
		return pair{}, false, false
	}
	return a.rotate(t, now), false, true
}

func (a *app) rotate(t *token, now time.Time) pair {
	if t.usedAt.IsZero() {
		t.usedAt = now
	}
	if a.OldAccess == OldAccessEnds {
		t.grant.revokeAccess()
	}
	if a.Rotation == RotationStatic {
		return pair{access: t.grant.issueAccess(now)}
	}
	return t.grant.issue(now)
}

// spent reports whether the refresh token was used up by a refresh before.
func (a *app) spent(t *token, now time.Time) bool {
	if t.usedAt.IsZero() || a.Rotation == RotationStatic {
		return false
	}
	graced := a.Rotation == RotationGrace || a.Rotation == RotationGraceRevokeFamily
	return !graced || now.Sub(t.usedAt) > a.Grace
}

// accessState looks up the access token that a request carries.
func (a *app) accessState(value string, now time.Time) (*token, tokenState) {
	if value == "" {
		return nil, tokenMissing
	}
	t := a.tokens[value]
	if t == nil || t.refresh {
		return nil, tokenUnknown
	}
	state := t.state(now)
	return t, state
}

func (t *token) state(now time.Time) tokenState {
	switch {
	case t.revoked || t.grant.revoked:
		return tokenRevoked
	case !t.expires.IsZero() && !now.Before(t.expires):
		return tokenExpired
	default:
		return tokenLive
	}
}

func (g *grant) revoke() { g.revoked = true }

func (g *grant) revokeAccess() {
	for _, t := range g.access {
		t.revoked = true
	}
}

func (a *app) revokeAll() int {
	revoked := 0
	for _, g := range a.grants {
		if !g.revoked {
			g.revoke()
			revoked++
		}
	}
	return revoked
}

func (a *app) expireAccess(now time.Time) int {
	expired := 0
	for _, g := range a.grants {
		for _, t := range g.access {
			if t.state(now) == tokenLive {
				t.expires = now
				expired++
			}
		}
	}
	return expired
}

// seconds is a lifetime as expires_in says it; a fraction counts as a whole second.
func seconds(t *token) int {
	return int((t.expires.Sub(t.issued) + time.Second - 1) / time.Second)
}
