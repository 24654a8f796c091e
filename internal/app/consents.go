package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/oauth"
	"tokenkeeper/vault"
)

const (
	// handOverEvery is how often a worker looks for consents that wait.
	handOverEvery = time.Minute
	// maxHandOverPause bounds the pause before one is handed over again, or its provider asked again whose it is.
	maxHandOverPause = 15 * time.Minute
	// handOverPatience bounds each attempt: a request may take 30 s.
	handOverPatience = 45 * time.Second
)

// Consents lists what people consented to and no account has taken yet, the oldest first. The vault must be open.
func (a *App) Consents(ctx context.Context) ([]vault.Pending, error) {
	if a.Vault == nil {
		return nil, errVaultClosed
	}
	all, err := a.Vault.Pending(ctx)
	return slices.DeleteFunc(all, func(p vault.Pending) bool { return a.mints(p.Account) }), err
}

// mints reports whether nobody consents for an account: what waits of it is on its way from one step of an Activity to the next.
func (a *App) mints(account credential.AccountID) bool {
	c, err := a.Config().ConnectorOf(account)
	return err == nil && c.Grant.Mints()
}

// HandOver hands the consents that wait to their accounts, at once and then each minute until ctx ends. The page that a person came
// back to may have had no verdict, or its process may have died: nobody knows of such a consent any more, and only the vault has it.
// Where the provider did not say whose one is, it is asked first. Handing over what an account has taken changes nothing.
func (a *App) HandOver(ctx context.Context) { a.handOver(ctx, handOverEvery) }

func (a *App) handOver(ctx context.Context, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	h := handOver{app: a, tried: map[string]handOverTry{}}
	for {
		h.round(ctx, time.Now(), interval)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// handOver is what one process has handed over before.
type handOver struct {
	app   *App
	tried map[string]handOverTry // :: authorization → its last attempt
}

type handOverTry struct {
	next  time.Time
	pause time.Duration
}

// round hands over what is due.
func (h *handOver) round(ctx context.Context, now time.Time, pause time.Duration) {
	waiting, err := h.app.Consents(ctx)
	if err != nil {
		if ctx.Err() == nil {
			h.app.Log.WarnContext(ctx, "nobody knows whether consents wait for their accounts; looking again", "in", pause, "error", err)
		}
		return
	}
	due := h.due(waiting, now, pause)
	_ = Each(ctx, len(due), func(ctx context.Context, i int) error { // no failure of one concerns the others
		ctx, cancel := context.WithTimeout(ctx, handOverPatience)
		defer cancel()
		if err := h.app.handOverOne(ctx, due[i]); err != nil && !errors.Is(err, vault.ErrNotFound) { // taken meanwhile
			h.app.Log.WarnContext(ctx, "a consent still waits for its account",
				"account", due[i].Account.String(), "until", due[i].ExpiresAt, "error", err)
		}
		return nil
	})
}

// due returns those whose turn it is, and notes when the next one is. Each pause is twice as long as the one before.
func (h *handOver) due(waiting []vault.Pending, now time.Time, pause time.Duration) []vault.Pending {
	tried := make(map[string]handOverTry, len(waiting)) // forgets those that are gone
	var due []vault.Pending
	for _, p := range waiting {
		last, known := h.tried[p.ID]
		if known && now.Before(last.next) {
			tried[p.ID] = last
			continue
		}
		pauses := max(pause, min(2*last.pause, maxHandOverPause))
		tried[p.ID] = handOverTry{next: now.Add(pauses - pause/2), pause: pauses} // a tick may come a little early
		due = append(due, p)
	}
	h.tried = tried
	return due
}

func (a *App) handOverOne(ctx context.Context, p vault.Pending) error {
	if p.Holder.Subject == "" {
		if err := a.identify(ctx, p); err != nil {
			return err
		}
	}
	if err := a.Workflows.HandOver(ctx, p.Account, p.ID); err != nil {
		return err
	}
	a.Log.InfoContext(ctx, "a consent that waited was handed to its account", "account", p.Account.String(), "since", p.CreatedAt)
	return nil
}

func (a *App) identify(ctx context.Context, p vault.Pending) error {
	conn, err := a.Connection(p.Account)
	if err != nil {
		return err
	}
	authorization, err := a.Vault.GetAuthorization(ctx, p.ID)
	if err != nil {
		return err
	}
	_, err = conn.Identify(ctx, a.Vault, authorization)
	if oauth.KindOf(err) == credential.DeadGrant {
		return fmt.Errorf("the consent is of no use any more, and somebody has to consent again: %w", err)
	}
	return err
}

// handedOverBy is how old a consent is that should have been taken: workers look each minute.
const handedOverBy = 3 * time.Minute

// checkConsents finds the consents that have waited for too long.
func (a *App) checkConsents(ctx context.Context) Finding {
	f := Finding{Subject: "consents"}
	waiting, err := a.Consents(ctx)
	if err != nil {
		f.Problem = err.Error()
		return f
	}
	var late []string
	nameless := false
	for _, p := range waiting {
		if time.Since(p.CreatedAt) < handedOverBy {
			continue
		}
		late = append(late, fmt.Sprintf("that for account %s, until %s", p.Account, p.ExpiresAt.UTC().Format(time.RFC3339)))
		nameless = nameless || p.Holder.Subject == ""
	}
	if len(late) == 0 {
		f.OK = true
		return f
	}
	f.Problem = "not taken yet: " + strings.Join(late, "; ")
	f.Fix = "see whether a worker runs, which hands them over, and what its log says"
	if nameless {
		f.Fix += "; whose a consent is the provider has to say first"
	}
	return f
}
