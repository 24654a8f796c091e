package gateway

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
	"tokenkeeper/vault"
)

const (
	eventsPath = "/events/"
	// maxEvent is for what a provider tells. GitHub allows itself 25 MiB, for pushes and the like; what is of use here has
	// some KiB, and an installation that names its repositories one for every 150 bytes.
	maxEvent = 1 << 20
	// eventLimit leaves time for the answer: Slack waits for 3 s, and sends what was not taken once more after that.
	eventLimit = 2 * time.Second
	// tellLimit bounds how long accounts are told of one event: there may be thousands, of which a busy server takes some hundred
	// a second.
	tellLimit = 5 * time.Minute
)

// EventSource is a provider that tells by itself what happens.
type EventSource string

// The sources. Each has its own way to sign.
const (
	SlackEvents  EventSource = "slack"
	GitHubEvents EventSource = "github"
)

// Hints takes what providers tell. Nothing of it is believed: whoever is told looks for himself.
type Hints interface {
	// EventSecret returns what the events of a connector are signed with, and who signs. The secret is zero where the
	// connector takes none.
	EventSecret(connector string) (EventSource, credential.Secret)
	// GrantEnded has accounts look at their tokens that belong to the OAuth app of the connector and to a subject of which
	// ended is true. It returns those that were asked.
	GrantEnded(ctx context.Context, connector string, ended func(credential.Subject) bool) ([]credential.AccountID, error)
	// ChannelActive says that somebody wrote in a channel that the OAuth app of the connector is in. It does not wait, and
	// any number of calls costs no more than a poll of the channel now and then.
	ChannelActive(connector, channel string)
	// ThreadActive says that somebody wrote in the thread of a message or edited it, or that its issue was closed or
	// reopened, as the OAuth app of the connector was told. It does not wait, and any number of calls costs no more than a
	// look now and then. The message may be no report.
	ThreadActive(connector string, message triage.Key)
}

// deliveries are remembered once they are acted on, so that what is sent again does nothing; and what came of an event is told in
// the audit log.
type deliveries interface {
	// HasDelivery reports whether a delivery of this hash is remembered.
	HasDelivery(ctx context.Context, hash []byte) (bool, error)
	KeepDelivery(ctx context.Context, d vault.Delivery) error
	Audit(ctx context.Context, e vault.Event) error
}

// news is what an event says, as far as it matters here.
type news struct {
	name string // as the provider calls it
	// challenge is to be sent back: the provider asks whether we are we.
	challenge string
	// key tells the event from all others, and was signed; keep is for how long it has to be remembered.
	key  string
	keep time.Duration
	// ended says whose grants may have ended; nil for nobody's.
	ended func(credential.Subject) bool
	// active is the channel in which somebody wrote; "" for none.
	active string
	// turned is the message whose thread or issue changed; the zero key for none.
	turned triage.Key
}

// dialect is how one provider speaks.
type dialect struct {
	source    EventSource
	signature string // the header with the signature
	// read checks the signature first. Its errors are errSignature, and others for what is signed and cannot be read.
	read func(header http.Header, body []byte, secret credential.Secret) (news, error)
}

var errSignature = errors.New("it is not signed with the secret of this connector, or its time is not now")

// takeEvents serves POST /events/{source}/{connector}.
func (s *Server) takeEvents(d dialect) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		connector := r.PathValue("connector")
		secret, ok := s.eventSecret(d.source, connector)
		if !ok {
			plain(w, http.StatusNotFound, "this connector takes no events: see connectors.NAME.events in tokenkeeper.yaml")
			return
		}
		log := s.log().With("source", d.source, "connector", connector)
		if r.Header.Get(d.signature) == "" { // not worth reading
			s.refuseEvent(r.Context(), w, log, errSignature)
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			s.refuseEvent(r.Context(), w, log, err)
			return
		}
		n, err := d.read(r.Header, body, secret)
		if err != nil {
			s.refuseEvent(r.Context(), w, log, err)
			return
		}
		if n.challenge != "" {
			plain(w, http.StatusOK, n.challenge)
			return
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), eventLimit)
		defer cancel()
		if err := s.heed(ctx, event{news: n, source: d.source, connector: connector, remote: s.remote(r)}, log); err != nil {
			log.WarnContext(ctx, "event is not taken", "event", n.name, "error", err)
			plain(w, http.StatusServiceUnavailable, "not now; send it again")
			return
		}
		plain(w, http.StatusOK, "")
	}
}

// eventSecret never returns an empty one: the signature of nothing with nothing is easily made.
func (s *Server) eventSecret(source EventSource, connector string) (credential.Secret, bool) {
	if s.Hints == nil {
		return credential.Secret{}, false
	}
	of, secret := s.Hints.EventSecret(connector)
	return secret, of == source && !secret.IsZero()
}

// refuseEvent says no more than the sender needs: it may be anybody.
func (s *Server) refuseEvent(ctx context.Context, w http.ResponseWriter, log *slog.Logger, err error) {
	status, text := http.StatusBadRequest, "this cannot be read: "+err.Error()
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		status, text = http.StatusRequestEntityTooLarge, "events of more than 1 MiB are not taken"
	} else if errors.Is(err, errSignature) {
		status, text = http.StatusUnauthorized, err.Error()
	}
	log.WarnContext(ctx, "event is refused", "status", status, "error", text)
	plain(w, status, text)
}

// event is news, and where it came from.
type event struct {
	news

	source    EventSource
	connector string
	remote    string
}

func (e event) hash() []byte {
	sum := sha256.Sum256([]byte(string(e.source) + "\x00" + e.connector + "\x00" + e.key))
	return sum[:]
}

// heed acts on an event, unless it did before. What takes longer than the provider waits goes on without the request: were it cut
// off, each attempt of the provider's would tell the same first accounts again, and never the others. An event that comes again
// meanwhile waits for the same telling. Messages are not remembered: they are many, and what one causes is bounded however often it
// comes.
func (s *Server) heed(ctx context.Context, e event, log *slog.Logger) error {
	if e.active != "" {
		s.Hints.ChannelActive(e.connector, e.active)
	}
	if e.turned != (triage.Key{}) {
		s.Hints.ThreadActive(e.connector, e.turned)
	}
	if e.active != "" || e.turned != (triage.Key{}) {
		return nil
	}
	if e.ended == nil {
		log.DebugContext(ctx, "event is of no interest", "event", e.name)
		return nil
	}
	telling := context.WithoutCancel(ctx)
	told := s.telling.DoChan(string(e.hash()), func() (any, error) {
		ctx, cancel := context.WithTimeout(telling, tellLimit)
		defer cancel()
		return struct{}{}, s.tell(ctx, e, log)
	})
	select {
	case result := <-told:
		return result.Err
	case <-ctx.Done():
		return fmt.Errorf("its accounts are told still: %w", ctx.Err())
	}
}

// tell has the accounts look whose grants an event ends, unless the vault remembers it. It is remembered after everybody was told: a
// crash in between has it told again when the provider sends it again, which costs a look, and the other order would lose it. After an
// error nothing is remembered.
func (s *Server) tell(ctx context.Context, e event, log *slog.Logger) error {
	known, err := s.Vault.HasDelivery(ctx, e.hash())
	if err != nil {
		return err
	}
	if known {
		log.InfoContext(ctx, "event came again", "event", e.name)
		return nil
	}
	accounts, err := s.Hints.GrantEnded(ctx, e.connector, e.ended)
	log.InfoContext(ctx, "event says that grants ended", "event", e.name, "accounts", len(accounts))
	s.recordEnded(ctx, e, accounts, log)
	if err != nil {
		log.WarnContext(ctx, "not everybody was told of an event", "event", e.name, "error", err)
		return err
	}
	return s.Vault.KeepDelivery(ctx, vault.Delivery{Hash: e.hash(), ExpiresAt: s.now().Add(e.keep)})
}

// recordEnded writes to the audit log what the accounts were told.
func (s *Server) recordEnded(ctx context.Context, e event, accounts []credential.AccountID, log *slog.Logger) {
	for _, account := range accounts {
		err := s.Vault.Audit(ctx, vault.Event{
			Actor: string(e.source), Action: vault.GrantEnded, Account: account, Remote: e.remote, Outcome: vault.Done,
			Detail: e.name + ": the account looks whether it is true",
		})
		if err != nil {
			log.WarnContext(ctx, "the audit log lacks an event", "event", e.name, "account", account.String(), "error", err)
		}
	}
}

// isEvent reports whether a request is a provider's, and not a browser's.
func isEvent(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, eventsPath) }

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // whoever went away does not want it
}
