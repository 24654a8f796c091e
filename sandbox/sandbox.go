package sandbox

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"html/template"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Sandbox is one simulated world. All methods may be called from many goroutines.
type Sandbox struct {
	options Options
	pages   *template.Template
	handler http.Handler
	closed  chan struct{}
	once    sync.Once

	openIDKey *ecdsa.PrivateKey // signs ID tokens

	mu            sync.Mutex // guards everything below
	apps          map[App]*app
	workspace     *workspace
	hub           *hub
	desk          *desk
	ledger        *ledger
	faults        []*scripted
	subscriptions map[App]Subscription
	suspended     bool // the installation of the GitHub App
}

// New returns a sandbox. Serve its Handler, and Close it at the end.
func New(o Options) *Sandbox {
	o = o.withDefaults()
	s := &Sandbox{
		options: o,
		pages:   pageTemplates(),
		closed:  make(chan struct{}),

		openIDKey: newOpenIDKey(),
		apps: map[App]*app{
			Slack: newApp(Slack, o.Slack), GitHub: newApp(GitHub, o.GitHub), Google: newApp(Google, o.Google), Zendesk: newApp(Zendesk, o.Zendesk),
			OpenID: newApp(OpenID, o.OpenID), Model: newApp(Model, o.Model),
		},
		desk:      newDesk(),
		workspace: newWorkspace(o),
		hub:       newHub(o),
		ledger:    newLedger(),

		subscriptions: map[App]Subscription{},
	}
	s.handler = s.routes()
	return s
}

// Handler serves all of the sandbox; it expects to stand at the root of its host.
func (s *Sandbox) Handler() http.Handler { return s.handler }

// Close releases every request that hangs. Call it before closing the HTTP server.
func (s *Sandbox) Close() { s.once.Do(func() { close(s.closed) }) }

// Post puts m into a channel (an id or a name) and returns its ts. A reply or an edit by Ref goes to where its message is.
// It panics where [Sandbox.Deliver] returns an error: a script that posts into nowhere is a mistake of its author.
func (s *Sandbox) Post(channel string, m Message) (ts string) {
	posted, err := s.Deliver(channel, m)
	if err != nil {
		panic(err)
	}
	return posted.TS
}

// Revoke ends every grant of an app, as an administrator who removes it does, and returns how many there were. Who has
// subscribed to the app's events is told.
func (s *Sandbox) Revoke(name App) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, known := s.apps[name]; known {
		s.tellLocked(name, s.endsLocked(a)...)
		return a.revokeAll()
	}
	return 0
}

// ExpireAccessTokens ends the lifetime of every live access token of an app now, and returns how many there were. The
// grants stay.
func (s *Sandbox) ExpireAccessTokens(name App) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, known := s.apps[name]; known {
		return a.expireAccess(s.now())
	}
	return 0
}

// SetClientSecret changes the secret of an app, as an operator does at the provider: clients that still send the old one
// are refused, and no grant is touched.
func (s *Sandbox) SetClientSecret(name App, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, known := s.apps[name]; known {
		a.ClientSecret = secret
	}
}

// SetKey changes what an app's signatures are checked with, as an operator does who deletes a key at the provider.
func (s *Sandbox) SetKey(name App, key *rsa.PublicKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, known := s.apps[name]; known {
		a.Key = key
	}
}

// App returns how an app is registered, defaults filled in.
func (s *Sandbox) App(name App) AppOptions {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a, known := s.apps[name]; known {
		return a.AppOptions
	}
	return AppOptions{}
}

// Options returns the options in force, defaults filled in.
func (s *Sandbox) Options() Options { return s.options }

// IssuedTokens returns every access and refresh token ever issued, in order, for a search through what must not hold them.
func (s *Sandbox) IssuedTokens() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ledger.issued)
}

// State returns what people may see: channels, issues, apps, faults. Links are relative unless Options.PublicURL is set.
func (s *Sandbox) State() State { return s.state(s.options.PublicURL) }

func (s *Sandbox) now() time.Time { return s.options.Now() }
