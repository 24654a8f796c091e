package vault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/vault/internal/storage"
)

// Action is what somebody did, or tried to.
type Action string

// What people do to accounts.
const (
	LinkMinted Action = "link-minted"
	LinkOpened Action = "link-opened"
	Consent    Action = "consent"
	Imported   Action = "import"
	// Connect starts an account that needs nobody's consent. For any other account LinkMinted is what there is to record.
	Connect    Action = "connect"
	Refresh    Action = "refresh"
	Validated  Action = "validate"
	Disconnect Action = "disconnect"
	// Called is a request by hand with the account's token.
	Called Action = "call"
	// Accepted and Rejected speak of what was in quarantine.
	Accepted Action = "accept"
	Rejected Action = "reject"
	// GrantEnded is recorded when a provider says, in a signed event, that a grant ended; the account then checks whether
	// that is true.
	GrantEnded Action = "grant-ended"
	// Started and those that follow speak of a triage, or of its reports.
	Started  Action = "start"
	Paused   Action = "pause"
	Resumed  Action = "resume"
	Reloaded Action = "reload"
	Retried  Action = "retry"
	// Rotated is recorded when a key of the vault was staged or put in force, or old keys were dropped; it concerns no
	// account.
	Rotated Action = "rotate"
	// NoticesTested is a notice that means nothing, sent to people.
	NoticesTested Action = "notices-test"
	// SignedIn and SignedOut are what people do on the pages; they concern no account.
	SignedIn  Action = "sign-in"
	SignedOut Action = "sign-out"
)

// What becomes of grants, whoever asked for it and by whatever way: the vault writes it down together with the change, as done
// by [AccountOwner].
const (
	Adopted     Action = "adopted"
	Quarantined Action = "quarantined"
	Discarded   Action = "discarded" // from quarantine, or after another took its place
	Shredded    Action = "shredded"
)

// AccountOwner is the actor of what an account's Workflow does.
const AccountOwner = "account"

// Outcome is how an action ended.
type Outcome string

// The ways in which an action ends.
const (
	Done    Outcome = "done"
	Denied  Outcome = "denied"  // by a person, or by the provider
	Refused Outcome = "refused" // by tokenkeeper
	Failed  Outcome = "failed"  // something was broken
)

// Event is one line of the audit log: who did what to which account or triage, from where, and how it ended. Nothing in it is secret,
// and whoever records one keeps it so: it is neither sealed nor ever deleted.
type Event struct {
	ID      int64                `json:"id"` // counts up; set by the vault
	At      time.Time            `json:"at"` // zero means now
	Actor   string               `json:"actor"`
	Action  Action               `json:"action"`
	Account credential.AccountID `json:"account,omitzero"` // zero for what concerns none
	Triage  string               `json:"triage,omitempty"` // "" for what concerns none
	Remote  string               `json:"remote,omitempty"` // the address it came from; "" for what was done on this machine
	Outcome Outcome              `json:"outcome"`
	Detail  string               `json:"detail,omitempty"`
}

// maxAuditText bounds, in bytes, each text of an event, so that nobody outside can make the log grow fast.
const maxAuditText = 500

func (e Event) validate() error {
	switch {
	case e.Actor == "":
		return errors.New("it names nobody who did it")
	case e.Action == "":
		return errors.New("it names no action")
	case e.Outcome == "":
		return errors.New("it has no outcome")
	}
	return nil
}

// Audit adds an event to the audit log. No statement of ours changes or deletes one, and the database refuses to.
func (v *Vault) Audit(ctx context.Context, e Event) error {
	err := e.validate()
	if err == nil {
		err = v.store.Write(ctx, func(tx storage.Queryer) error { return v.audit(ctx, tx, e) })
	}
	if err != nil {
		return fmt.Errorf("writing %s to the audit log: %w", strings.Join(strings.Fields(string(e.Action)+" "+e.Account.String()+" "+e.Triage), " "), err)
	}
	return nil
}

// audit is Audit inside a transaction, so that a change and its record become true together.
func (v *Vault) audit(ctx context.Context, tx storage.Queryer, e Event) error {
	if e.At.IsZero() {
		e.At = v.now()
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO audit (at, actor, action, account, remote, outcome, detail, triage)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		micros(e.At), auditText(e.Actor), auditText(string(e.Action)), e.Account.String(), auditText(e.Remote),
		auditText(string(e.Outcome)), auditText(e.Detail), auditText(e.Triage))
	return err
}

// auditGrant writes down what became of a grant.
func (v *Vault) auditGrant(ctx context.Context, tx storage.Queryer, action Action, account credential.AccountID, detail string) error {
	return v.audit(ctx, tx, Event{Actor: AccountOwner, Action: action, Account: account, Outcome: Done, Detail: detail})
}

// auditText makes a text storable in both databases. Recording the event matters more than the exact bytes of a strange
// name.
func auditText(text string) string {
	if len(text) > maxAuditText {
		text = text[:maxAuditText]
	}
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "")
}

// AuditFilter chooses events. The zero value chooses all.
type AuditFilter struct {
	Account credential.AccountID // zero means every account, and what concerns none
	Triage  string               // "" means every triage, and what concerns none
	Since   time.Time
}

// AuditTrail returns the newest events that the filter chooses, newest first, at most limit of them.
func (v *Vault) AuditTrail(ctx context.Context, f AuditFilter, limit int) ([]Event, error) {
	var events []Event
	err := v.store.Read(ctx, func(q storage.Queryer) error {
		var err error
		events, err = auditTrail(ctx, q, f, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the audit log: %w", err)
	}
	return events, nil
}

func auditTrail(ctx context.Context, q storage.Queryer, f AuditFilter, limit int) ([]Event, error) {
	query, args := `SELECT id, at, actor, action, account, remote, outcome, detail, triage FROM audit WHERE at >= $1`, []any{micros(f.Since)}
	if !f.Account.IsZero() {
		args = append(args, f.Account.String())
		query += fmt.Sprintf(` AND account = $%d`, len(args))
	}
	if f.Triage != "" {
		args = append(args, f.Triage)
		query += fmt.Sprintf(` AND triage = $%d`, len(args))
	}
	rows, err := q.QueryContext(ctx, fmt.Sprintf(`%s ORDER BY id DESC LIMIT %d`, query, limit), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var events []Event
	for rows.Next() {
		e, err := scanEvent(rows)
		if err != nil {
			return nil, err
		}
		events = append(events, e)
	}
	return events, rows.Err()
}

func scanEvent(row scanner) (Event, error) {
	var (
		e       Event
		at      int64
		account string
	)
	if err := row.Scan(&e.ID, &at, &e.Actor, &e.Action, &account, &e.Remote, &e.Outcome, &e.Detail, &e.Triage); err != nil {
		return Event{}, err
	}
	e.At = fromMicros(at)
	err := e.Account.UnmarshalText([]byte(account))
	return e, err
}
