package connector

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/sync/singleflight"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
	"tokenkeeper/vault"
)

// TokenSource reads access tokens. *vault.Cache is one.
type TokenSource interface {
	// Access returns a token that is valid by the clock from memory, or else what the vault holds.
	Access(ctx context.Context, account credential.AccountID) (vault.Access, error)
	// Reload returns what the vault holds.
	Reload(ctx context.Context, account credential.AccountID) (vault.Access, error)
}

// Owner is what may have a grant refreshed.
type Owner interface {
	// Refresh reports that generation seen of the account is dead, and waits for the outcome: a newer generation, or a
	// state in which there is none for now. Any number of calls for one generation cause at most one refresh.
	Refresh(ctx context.Context, account credential.AccountID, seen credential.Generation) (Answer, error)
}

// Answer is what the owner says of an account.
type Answer struct {
	Generation credential.Generation
	Status     credential.Status
	Reason     string
	RetryAt    time.Time // next attempt, where one is planned
}

// Flights joins the requests of one process that saw the same generation die. The zero value is ready; one is shared by
// all transports of a process.
type Flights struct {
	group singleflight.Group
}

// Transport carries requests of one account. Safe for concurrent use; must not be copied.
type Transport struct {
	Account  credential.AccountID
	Provider provider.Provider // with the connector's overrides applied
	Tokens   TokenSource
	Owner    Owner
	Flights  *Flights
	// Base sends the requests; nil means [http.DefaultTransport].
	Base http.RoundTripper
	// Timeout bounds each sending of a request up to the end of its answer's body; 0 means 15 s, which is longer than
	// GitHub works on one request before it gives up.
	Timeout time.Duration
	// Patience bounds one wait for the owner; 0 means 12 s. It is longer than a refresh takes and shorter than the
	// Activity around it.
	Patience time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

var _ http.RoundTripper = (*Transport)(nil)

// RoundTrip sends the request with the account's token, and again with a newer one if the provider says that the token is
// dead; a token that the owner got for this request and that is refused all the same is not replaced. It returns
// *[UnavailableError] when there is no usable token and *[HostError] when the host must not get one. Answers that say
// anything else (403, 404, 429, 5xx) pass untouched.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	defer closeBody(req)
	if !t.Provider.MayReceiveToken(req.URL) {
		return nil, &HostError{Account: t.Account, Host: req.URL.Host, Allowed: t.Provider.API.Hosts}
	}
	call, err := newCall(req)
	if err != nil {
		return nil, fmt.Errorf("account %s: %w", t.Account, err)
	}
	token, asked, err := t.usable(req.Context())
	if err != nil {
		return nil, err
	}
	for replays := 0; ; replays++ {
		resp, err := t.send(call, token)
		last := asked && replays > 0 || replays == maxReplays || !call.replayable()
		if err != nil || last || !t.saysDead(resp) {
			return resp, err
		}
		drop(resp)
		if token, asked, err = t.newer(req.Context(), token.Generation); err != nil {
			return nil, err
		}
	}
}

// maxReplays bounds how often one request is sent again: once with a token that somebody else had got, which may be dead
// as well by now, and once with the one that the owner got for us.
const maxReplays = 2

// usable returns a token that has not expired by the clock. An expired one is refreshed first: there is no point in
// sending a request that cannot succeed. asked reports whether the owner was asked for it.
func (t *Transport) usable(ctx context.Context) (token vault.Access, asked bool, err error) {
	token, err = t.Tokens.Access(ctx, t.Account)
	if errors.Is(err, vault.ErrNotFound) {
		return vault.Access{}, true, t.absent(ctx)
	}
	if err != nil {
		return vault.Access{}, false, fmt.Errorf("reading the token of account %s: %w", t.Account, err)
	}
	if token.ExpiresAt.IsZero() || t.now().Before(token.ExpiresAt) {
		return token, false, nil
	}
	return t.newer(ctx, token.Generation)
}

// absent asks the owner what the state of an account without a token is.
func (t *Transport) absent(ctx context.Context) error {
	answer, err := t.ask(ctx, 0)
	if err != nil {
		return err
	}
	return t.unavailable(answer, 0)
}

// newer returns a token of a generation above seen, and reports whether the owner was asked for it.
func (t *Transport) newer(ctx context.Context, seen credential.Generation) (token vault.Access, asked bool, err error) {
	if token, err := t.Tokens.Reload(ctx, t.Account); err == nil && token.Generation > seen {
		return token, false, nil
	}
	answer, askErr := t.ask(ctx, seen)
	// The vault is read whatever the owner said: its answer may be lost although the refresh succeeded.
	token, err = t.Tokens.Reload(ctx, t.Account)
	if err == nil && token.Generation > seen {
		return token, true, nil
	}
	if askErr != nil {
		return vault.Access{}, true, askErr
	}
	if err != nil && !errors.Is(err, vault.ErrNotFound) {
		return vault.Access{}, true, fmt.Errorf("reading the token of account %s: %w", t.Account, err)
	}
	return vault.Access{}, true, t.unavailable(answer, seen)
}

// ask waits for the owner in one flight per process and generation. The flight does not end with the caller that began
// it, because others may wait for it too.
func (t *Transport) ask(ctx context.Context, seen credential.Generation) (Answer, error) {
	key := t.Account.String() + "/g" + strconv.FormatInt(int64(seen), 10)
	flight := t.Flights.group.DoChan(key, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), t.patience())
		defer cancel()
		return t.Owner.Refresh(ctx, t.Account, seen)
	})
	select {
	case <-ctx.Done():
		return Answer{}, ctx.Err()
	case result := <-flight:
		if result.Err != nil {
			return Answer{}, &UnavailableError{Account: t.Account, Status: credential.Degraded, Generation: seen,
				Reason: "its owner Workflow did not answer in time: " + result.Err.Error()}
		}
		answer, _ := result.Val.(Answer) // nothing else is ever in it
		return answer, nil
	}
}

func (t *Transport) unavailable(answer Answer, seen credential.Generation) error {
	return &UnavailableError{Account: t.Account, Status: answer.Status, Reason: answer.Reason, RetryAt: answer.RetryAt, Generation: seen}
}

func (t *Transport) send(c *call, token vault.Access) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(c.req.Context(), t.timeout())
	req, err := c.with(ctx, token)
	if err != nil {
		cancel()
		return nil, err
	}
	resp, err := t.base().RoundTrip(req)
	if err != nil {
		cancel()
		return nil, err
	}
	resp.Body = &timedBody{ReadCloser: resp.Body, cancel: cancel}
	return resp, nil
}

// timedBody ends the timeout of its request when it is closed.
type timedBody struct {
	io.ReadCloser
	cancel context.CancelFunc
}

func (b *timedBody) Close() error {
	defer b.cancel()
	return b.ReadCloser.Close()
}

func (t *Transport) base() http.RoundTripper {
	if t.Base == nil {
		return http.DefaultTransport
	}
	return t.Base
}

func (t *Transport) timeout() time.Duration {
	if t.Timeout <= 0 {
		return 15 * time.Second
	}
	return t.Timeout
}

func (t *Transport) patience() time.Duration {
	if t.Patience <= 0 {
		return 12 * time.Second
	}
	return t.Patience
}

func (t *Transport) now() time.Time {
	if t.Now == nil {
		return time.Now()
	}
	return t.Now()
}

func closeBody(req *http.Request) {
	if req.Body != nil {
		_ = req.Body.Close() // a RoundTripper closes it whatever happens; its error concerns nobody
	}
}

// drop reads a refused answer to its end, so that its connection can be used again.
func drop(resp *http.Response) {
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
	_ = resp.Body.Close()
}
