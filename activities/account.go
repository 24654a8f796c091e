package activities

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/provider"
	"tokenkeeper/vault"
)

// Vault is what the Activities of an account need of the vault.
type Vault interface {
	records
	presentations
	consents
	strays
	departures
}

type records interface {
	Get(ctx context.Context, account credential.AccountID) (vault.Record, error)
	Swap(ctx context.Context, account credential.AccountID, from credential.Generation, t credential.Tokens) (credential.Generation, error)
	SealTokens(r vault.Record, t credential.Tokens) ([]byte, error)
	OpenTokens(ctx context.Context, account credential.AccountID, g credential.Generation, sealed []byte) (credential.Tokens, error)
}

type departures interface {
	Pending(ctx context.Context) ([]vault.Pending, error)
	OwnerOf(ctx context.Context, connector string, s credential.Subject) (credential.AccountID, bool, error)
	Shred(ctx context.Context, account credential.AccountID, g credential.Generation, unrevoked string) error
	Unrevoked(ctx context.Context, account credential.AccountID) (string, error)
}

type presentations interface {
	Present(ctx context.Context, account credential.AccountID, g credential.Generation, known int, name string) (vault.Presentation, error)
	Withdraw(ctx context.Context, account credential.AccountID, g credential.Generation) error
}

type consents interface {
	PutAuthorization(ctx context.Context, a vault.Authorization) error
	GetAuthorization(ctx context.Context, id string) (vault.Authorization, error)
	Adopt(ctx context.Context, id string) (vault.Record, error)
	Nameless
	quarantine
}

type quarantine interface {
	Quarantine(ctx context.Context, id string, until time.Time) (vault.Authorization, error)
	Accept(ctx context.Context, id string, subject credential.Subject) (vault.Record, error)
}

type strays interface {
	GetStray(ctx context.Context, id string) (vault.Stray, error)
	Retoken(ctx context.Context, id string, t credential.Tokens) error
	Strays(ctx context.Context, account credential.AccountID) ([]credential.Replaced, error)
	DropStray(ctx context.Context, id, unrevoked string) error
	DropShared(ctx context.Context, id string) error
}

// Connection is one connector as its accounts use it.
type Connection struct {
	Provider provider.Provider
	OAuth    *oauth.Client
	// Grant is how the connector gets tokens; authorization_code when empty.
	Grant  provider.Grant
	Scopes []string // asked for when connecting
	// Timeout bounds one request to the authorization server.
	Timeout time.Duration
	// TokenRate is how many requests a second the authorization server gets from all workers together; 0 where nothing
	// limits them.
	TokenRate float64
	// ValidateEvery is the interval between two looks at a token; 0 means never.
	ValidateEvery time.Duration
}

// Connections finds the connector of an account. The error names the account and the connectors there are.
type Connections interface {
	Connection(account credential.AccountID) (Connection, error)
}

// Account holds the Activities of the ConnectedAccount Workflow.
type Account struct {
	Vault       Vault
	Connections Connections
	// Pauses holds back requests while the authorization server of their connector refuses the app or asked to wait; nil
	// holds back none.
	Pauses *Pauses
	// Count returns about how many accounts a connector has; nil where nobody knows.
	Count func(ctx context.Context, connector string) (int, error)
	// ConnectLink returns a link, good once, to the page on which a person consents for the account. While it is good, every
	// call for one episode returns the same link. It is secret, and goes to people only.
	ConnectLink func(ctx context.Context, account credential.AccountID, why, episode string) (string, error)
	// Granted is called when an account has its first grant, or the first after a disconnect, and returns at once. Workflows
	// that need the account may wait without having asked it, because it had no Workflow then; Granted has them told. nil
	// tells nobody.
	Granted func(account credential.AccountID)
	// Notices brings notices to people; nil leaves them to the log.
	Notices *Notices
	Log     *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Facts is what may be known of a credential outside the vault.
type Facts struct {
	Generation       credential.Generation `json:"generation"`
	Subject          credential.Subject    `json:"subject,omitempty"`
	Display          string                `json:"display,omitempty"`
	Scopes           []string              `json:"scopes,omitempty"`
	IssuedAt         time.Time             `json:"issued_at"`
	ExpiresAt        time.Time             `json:"expires_at,omitzero"`
	RefreshExpiresAt time.Time             `json:"refresh_expires_at,omitzero"`
	Refreshable      bool                  `json:"refreshable"`
}

func factsOf(r vault.Record) Facts {
	return Facts{
		Generation: r.Generation, Subject: r.Subject, Display: r.Display,
		Scopes: r.Tokens.Scopes, IssuedAt: r.Tokens.IssuedAt, ExpiresAt: r.Tokens.ExpiresAt,
		RefreshExpiresAt: r.Tokens.RefreshExpiresAt, Refreshable: r.Tokens.Refreshable(),
	}
}

// AccountInput names an account.
type AccountInput struct {
	Account credential.AccountID `json:"account"`
	// Refused: the provider has refused the grant, so that no earlier presentation of the refresh token can have brought
	// tokens.
	Refused bool `json:"refused,omitempty"`
	// Marks are what the last attempt at a refresh left.
	Marks
}

// Description is what an account Workflow learns when it begins.
type Description struct {
	Provider string `json:"provider"`
	Policy   Policy `json:"policy"`
	// Credential is nil when the vault holds none.
	Credential *Facts `json:"credential,omitempty"`
	// Replaced are grants that are to be revoked: those of other subjects, and consents in quarantine that no Workflow knows of any more.
	Replaced []credential.Replaced `json:"replaced,omitempty"`
}

// DescribeInput names an account.
type DescribeInput struct {
	Account credential.AccountID `json:"account"`
	// Await has the Activity retried until it reaches a worker whose configuration has the connector.
	Await bool `json:"await,omitempty"`
}

// awaitConnector is the pause between two tries of an Activity whose connector the configuration lacks. Workers notice a new
// configuration within seconds.
const awaitConnector = 30 * time.Second

// Describe returns the account's provider and what the vault holds of it, so that an account whose Workflow was lost goes on
// with its grant. Errors: [ErrTypeNotConfigured], which is retried where in.Await is set.
func (a *Account) Describe(ctx context.Context, in DescribeInput) (Description, error) {
	conn, err := a.Connections.Connection(in.Account)
	switch {
	case err != nil && in.Await:
		return Description{}, again(ErrTypeNotConfigured, err.Error(), awaitConnector)
	case err != nil:
		return Description{}, notConfigured(err)
	}
	d := Description{Provider: conn.Provider.ID, Policy: conn.policy()}
	if d.Replaced, err = a.Vault.Strays(ctx, in.Account); err != nil {
		return Description{}, fmt.Errorf("describing account %s: %w", in.Account, err)
	}
	record, err := a.Vault.Get(ctx, in.Account)
	switch {
	case errors.Is(err, vault.ErrNotFound):
		return d, nil
	case err != nil:
		return Description{}, fmt.Errorf("describing account %s: %w", in.Account, err)
	}
	facts := factsOf(record)
	d.Credential = &facts
	return d, nil
}

// NoticeKind says what a notice is about.
type NoticeKind string

// The kinds of notice.
const (
	NoticeTrouble  NoticeKind = "trouble"
	NoticeRecovery NoticeKind = "recovery"
	// NoticeDeadline: the account works, and will not beyond a time that only a person can put off.
	NoticeDeadline NoticeKind = "deadline"
)

// Notice is news of an account that a person should have.
type Notice struct {
	Account credential.AccountID `json:"account"`
	Kind    NoticeKind           `json:"kind"`
	Status  credential.Status    `json:"status"`
	Reason  string               `json:"reason"`
	Since   time.Time            `json:"since"`
	Waiting int                  `json:"waiting"`
	// Deadline is by when a person has to consent again, in a [NoticeDeadline].
	Deadline time.Time `json:"deadline,omitzero"`
	// Reports counts the reports among those that wait.
	Reports int `json:"reports,omitempty"`
	// Code says what trouble it is where the status does not say what people can do: [CodeUnreadable],
	// [CodeUnsure].
	Code string `json:"code,omitempty"`
	// Stage counts the notices of the same trouble before this one.
	Stage int `json:"stage,omitempty"`
	// Key tells the notices of one account apart: the same for every attempt at one, and for no other.
	Key string `json:"key,omitempty"`
	// Episode is the same for all notices of one trouble of the account, and Began when people first heard of it.
	Episode string    `json:"episode,omitempty"`
	Began   time.Time `json:"began,omitzero"`
	// Until is when the access token ends, while it still serves.
	Until time.Time `json:"until,omitzero"`
	// Triages are those that wait for the account, and Channels count the reports that do by their channel.
	Triages  []string       `json:"triages,omitempty"`
	Channels map[string]int `json:"channels,omitempty"` // :: C0123456789 → reports
}

func (n Notice) key() string {
	return cmp.Or(n.Key, fmt.Sprintf("%s/%d", n.Kind, n.Since.UnixNano())) // an older Workflow gives none
}

// Notify tells people that an account needs them, will need them, or works again.
func (a *Account) Notify(ctx context.Context, n Notice) (Told, error) {
	announced := a.announcement(ctx, n)
	told, err := a.Notices.tell(ctx, n.Kind, &announced)
	if err == nil && a.Notices.logs() {
		a.logNotice(ctx, n, announced)
	}
	return told, err
}

func (a *Account) logNotice(ctx context.Context, n Notice, announced Announcement) {
	level, text := slog.LevelWarn, "account needs a person: open the link and consent"
	switch {
	case n.Kind == NoticeDeadline:
		text = "account needs a person soon: open the link and consent before the deadline"
	case n.Kind == NoticeRecovery && n.Status == credential.Disconnected:
		level, text = slog.LevelInfo, announced.Text
	case n.Kind == NoticeRecovery, n.Status == credential.Active:
		level, text = slog.LevelInfo, "account works again"
	case n.Code != "":
		level, text = slog.LevelError, announced.Text
	case n.Status == credential.ClientMisconfigured:
		level, text = slog.LevelError, "the provider refuses the app of this connector: correct client id and secret in tokenkeeper.yaml"
	}
	letter := Letter{Announcement: announced}
	if level == slog.LevelWarn {
		letter.Link, letter.NoLink = a.link(ctx, announced)
	}
	attrs := letter.attrs()
	if n.Kind == NoticeDeadline {
		attrs = append(attrs, "left", n.Deadline.Sub(a.now()).Round(time.Minute))
	}
	a.Log.Log(ctx, level, text, attrs...)
}

// link returns where to consent, or why there is no link. A notice without a link is better than none, and says how to get
// one.
func (a *Account) link(ctx context.Context, of Announcement) (link, none string) {
	why := of.Reason
	if !of.Deadline.IsZero() {
		why = "the consent ends soon"
	}
	link, err := a.ConnectLink(ctx, of.Account, why, of.Episode)
	if err != nil {
		a.Log.WarnContext(ctx, "no link for a notice", "account", of.Account.String(), "error", err)
		return "", noLink(err)
	}
	return link, ""
}

func (a *Account) now() time.Time {
	if a.Now == nil {
		return time.Now()
	}
	return a.Now()
}
