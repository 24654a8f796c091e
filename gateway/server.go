package gateway

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net/netip"
	"net/url"
	"time"

	"golang.org/x/sync/singleflight"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// Vault keeps what the gateway must not forget between two requests.
type Vault interface {
	// Audit writes down what somebody did.
	Audit(ctx context.Context, e vault.Event) error
	logins
	authorizations
	links
	deliveries
}

// logins are consents under way.
type logins interface {
	PutLogin(ctx context.Context, l vault.Login) error
	// TakeLogin returns a login at most once, and [vault.ErrNotFound] for one that is unknown, taken or expired.
	TakeLogin(ctx context.Context, stateHash []byte) (vault.Login, error)
}

// authorizations are what consents brought, until their accounts take them.
type authorizations interface {
	PutAuthorization(ctx context.Context, a vault.Authorization) error
	activities.Nameless
}

// links lead people here. Each method that looks one up returns [vault.ErrNotFound] for one that is unknown, void,
// used or expired, except that a login may outlast its link: see SpendLink.
type links interface {
	// NewLink makes a link, and voids those of before.
	NewLink(ctx context.Context, r vault.LinkRequest) (vault.LinkKeys, error)
	GetLink(ctx context.Context, hash []byte) (vault.Link, error)
	// OpenLink binds a link to the first browser, and person if known; [vault.ErrOtherBrowser] and [vault.ErrOtherPerson] for
	// all others.
	// A wrong code is a [vault.WrongCodeError]. The link comes with both errors.
	OpenLink(ctx context.Context, o vault.Opening) (vault.Link, error)
	// SpendLink returns nil once, and [vault.ErrNotFound] then, and for a link that a newer one voided.
	SpendLink(ctx context.Context, hash []byte) error
}

var _ Vault = (*vault.Vault)(nil)

// Connections finds the connector of an account. The error says that there is none.
type Connections interface {
	Connection(account credential.AccountID) (activities.Connection, error)
}

// Owner speaks to the Workflow that owns an account.
type Owner interface {
	// Account returns what the account says of itself; an error that wraps [serviceerror.NotFound] when it has no Workflow.
	Account(ctx context.Context, account credential.AccountID) (credential.AccountStatus, error)
	// Reauthorized hands over a pending authorization and waits for the verdict. A refusal is an application error of
	// type [activities.ErrTypeAuthorizationRejected] whose message is meant for people; after any other error the
	// authorization may be handed over again.
	Reauthorized(ctx context.Context, account credential.AccountID, authorization string) (credential.AccountStatus, error)
	deeds
}

// Server is the gateway. Set the fields before the first call of a method and leave them alone from then on.
type Server struct {
	Vault       Vault
	Connections Connections
	Owner       Owner
	// Board is what the status page shows; there is none when it is nil.
	Board Board
	// Hints takes what providers tell by themselves; no events are taken when it is nil.
	Hints Hints
	// PublicURL is how a browser reaches the gateway. The redirect URL registered at a connector's provider is this with
	// /oauth/callback/ and the connector's name at its end.
	PublicURL *url.URL
	// RequireCode has nobody begin but by a link with a confirmation code, not even on loopback.
	RequireCode bool
	// RequireSignIn has nobody begin but by a link, and signed in with OpenID; the one who begins has to be the one who comes
	// back.
	RequireSignIn bool
	// LinkLife returns how long the links of the status page are good; [vault.LinkLife] when nil.
	LinkLife func() time.Duration
	// Health returns what keeps the process from working, an [UnhealthyError] if its name may be shown. Nil means that
	// being reachable is enough.
	Health func(ctx context.Context) error
	// Tokens returns what people and programs sign in with now; nil where there are none. Without Tokens and OpenID nobody is
	// asked: on loopback whoever comes is an operator, anywhere else a stranger.
	Tokens func() Tokens
	// OpenID lets people sign in where their organization does; nil where it has no such place.
	OpenID *OpenID
	// Sessions is needed with Tokens or OpenID.
	Sessions Sessions
	// TrustedProxies are believed when they say whom they forward for, and whether he came over TLS. With any, and without
	// TLS of its own, the gateway refuses at an https PublicURL what did not come by one over TLS.
	TrustedProxies []netip.Prefix
	// TLS has Serve speak TLS, with certificates from there.
	TLS *tls.Config
	// Log is slog.Default() when nil.
	Log *slog.Logger
	// Now is the clock; time.Now when nil.
	Now func() time.Time

	lookout    lookout
	live       hub
	telling    singleflight.Group // :: hash of an event → its accounts are being told
	limits     limits
	forwarders forwarders
}

func (s *Server) log() *slog.Logger {
	if s.Log == nil {
		return slog.Default()
	}
	return s.Log
}

func (s *Server) now() time.Time {
	if s.Now == nil {
		return time.Now()
	}
	return s.Now()
}
