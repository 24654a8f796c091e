package workflows

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"syscall"
	"time"

	"github.com/stretchr/testify/mock"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// fault is what befalls the next attempt to get tokens.
type fault string

const (
	noFault fault = ""

	// Of the network: nothing was sent; sent and not handled; handled and the answer lost; handled long after the client
	// gave up.
	refused   fault = "connection refused"
	unhandled fault = "request lost"
	unheard   fault = "answer lost"
	overdue   fault = "request arrives late"
	// Of the server.
	unavailable503 fault = "503"
	badGateway     fault = "502 of a gateway, handled"
	throttled      fault = "429"
	strange        fault = "400 with an unknown code"
	garbled        fault = "200 with a page, handled"
	// Of the worker: it loses Temporal and goes on, or it dies, at each point of the protocol.
	cutOff            fault = "worker cut off from Temporal, and goes on"
	heldUp            fault = "worker held up before the mark, and goes on"
	diesBeforeMark    fault = "worker dies before the mark"
	diesAfterMark     fault = "worker dies after the mark"
	diesBeforeStoring fault = "worker dies with the answer"
	diesAfterStoring  fault = "worker dies after the swap"
	// Of the vault.
	doesNotStore fault = "vault does not take the answer"
	marksUnheard fault = "vault takes the mark and does not say so"
)

func faults() []fault {
	return []fault{
		refused, unhandled, unheard, overdue, unavailable503, badGateway, throttled, strange, garbled,
		cutOff, cutOff, heldUp, heldUp, diesBeforeMark, diesAfterMark, diesBeforeStoring, diesAfterStoring, doesNotStore, marksUnheard,
	}
}

const (
	// overdueBy is less than half of the grace that the dialects have: later than that no fact of a provider helps.
	overdueBy = 25 * time.Second
	// cutOffFor is nearly as long as a request may take.
	cutOffFor = 9 * time.Second
	// noticedAfter is when Temporal begins another attempt in place of one that it does not hear of any more.
	noticedAfter = 4 * time.Second
)

// takes reports whether the fault is the next, which it then was.
func (m *model) takes(f fault) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.fault != f {
		return false
	}
	m.fault = noFault
	return true
}

// errCutOff is what Temporal makes of an attempt that does not heartbeat any more.
var errCutOff = temporal.NewApplicationErrorWithOptions("activity heartbeat timeout", "", temporal.ApplicationErrorOptions{NextRetryDelay: noticedAfter})

// died unwinds an attempt whose worker was killed: it reports nothing and does nothing more.
type died struct{}

// carry is the network between us and the token endpoint.
func (m *model) carry(r *http.Request, token *issuedToken, serve func() *http.Response) (*http.Response, error) {
	if m.takes(refused) {
		return nil, syscall.ECONNREFUSED
	}
	m.checkPost(token)
	httptrace.ContextClientTrace(r.Context()).WroteHeaders()
	lost := func() { m.server.lose(token) }
	switch {
	case m.takes(unhandled):
		lost()
		return nil, io.EOF
	case m.takes(unheard):
		lost()
		serve()
		return nil, io.EOF
	case m.takes(overdue):
		lost()
		m.later(overdueBy, func() { serve() })
		return nil, context.DeadlineExceeded
	case m.takes(badGateway):
		lost()
		serve()
		return respond(http.StatusBadGateway, "<html>"), nil
	case m.takes(garbled):
		lost()
		serve()
		return respond(http.StatusOK, "<html>"), nil
	case m.takes(unavailable503):
		return respond(http.StatusServiceUnavailable, "<html>"), nil
	case m.takes(strange):
		return reply(http.StatusBadRequest, map[string]any{"error": "never_heard_of"}), nil
	case m.takes(throttled):
		answer := respond(http.StatusTooManyRequests, "")
		answer.Header.Set("Retry-After", "90")
		return answer, nil
	case m.takes(cutOff):
		return m.goOnAlone(r.Context(), token, serve), nil
	}
	return serve(), nil
}

// aloneKey finds the attempt that a request belongs to.
type aloneKey struct{}

// alone is an attempt that Temporal may lose.
type alone struct {
	lost chan struct{} // closed when Temporal takes it for dead
	over chan struct{} // closed at its end
}

func attemptOf(ctx context.Context) *alone {
	a, _ := ctx.Value(aloneKey{}).(*alone) // it is always there: mortal puts it there
	return a
}

// goOnAlone lets Temporal lose the attempt, and its request go on for a while.
func (m *model) goOnAlone(ctx context.Context, token *issuedToken, serve func() *http.Response) *http.Response {
	m.server.travels(token, true)
	m.lost(ctx, func() { m.server.travels(token, false) })
	return serve()
}

// holdUp lets Temporal lose the attempt before it has done anything, and wakes it up later.
func (m *model) holdUp(ctx context.Context) { m.lost(ctx, func() {}) }

// lost lets Temporal lose the attempt, and returns when it goes on.
func (m *model) lost(ctx context.Context, goesOn func()) {
	a := attemptOf(ctx)
	arrive := make(chan struct{})
	m.later(cutOffFor, func() {
		goesOn()
		close(arrive)
		<-a.over
	})
	if !isAlone(ctx) { // who was held up can be cut off as well
		close(a.lost)
	}
	<-arrive
}

// isAlone reports whether Temporal lost the attempt.
func isAlone(ctx context.Context) bool {
	select {
	case <-attemptOf(ctx).lost:
		return true
	default:
		return false
	}
}

// serve has the Workflow's Activity done by fn, as a worker does it that can die. heard is told what the Workflow is told.
func serve[In, Out any](m *model, of, fn func(context.Context, In) (Out, error), heard func(In, Out, error)) {
	name := activityName(of)
	m.env.OnActivity(of, mock.Anything, mock.Anything).AfterFn(m.begins(name)).Return(func(ctx context.Context, in In) (Out, error) {
		m.mendInTime(ctx)
		out, err := mortal(ctx, in, fn)
		if err == nil || isFinal(err) {
			if heard != nil {
				heard(in, out, err)
			}
			m.ends(name)
		}
		return out, err
	})
}

// mendInTime ends an outage before the test environment gives an Activity up, which a server never does: 10 attempts.
func (m *model) mendInTime(ctx context.Context) {
	if activity.GetInfo(ctx).Attempt > 7 {
		m.mend()
	}
}

// begins notes that an attempt is under way, and says how long it takes to begin.
func (m *model) begins(name string) func() time.Duration {
	return func() time.Duration {
		m.checkPace()
		m.mu.Lock()
		defer m.mu.Unlock()
		m.attempts[name] = true
		slow := m.slow
		m.slow = 0
		return slow
	}
}

func (m *model) ends(name string) {
	now := m.now()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.settled = now
	delete(m.attempts, name)
}

func isFinal(err error) bool {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	return ok && app.NonRetryable()
}

// mortal runs an attempt that may die or be lost.
func mortal[In, Out any](ctx context.Context, in In, fn func(context.Context, In) (Out, error)) (Out, error) {
	a := &alone{lost: make(chan struct{}), over: make(chan struct{})}
	var out Out
	err := errCutOff
	go func() {
		defer close(a.over)
		defer func() {
			if r := recover(); r != nil {
				if _, ok := r.(died); !ok {
					panic(r)
				}
			}
		}()
		out, err = fn(context.WithValue(ctx, aloneKey{}, a), in)
	}()
	select {
	case <-a.over:
		return out, err
	case <-a.lost:
		var none Out
		return none, errCutOff
	}
}

var errVaultAway = errors.New("the disk is gone")

// modelVault is the vault as the Activities see it: away at times, and a place to die.
type modelVault struct {
	activities.Vault
	m *model
}

func (v *modelVault) away() error {
	v.m.mu.Lock()
	defer v.m.mu.Unlock()
	if v.m.vaultDown {
		return errVaultAway
	}
	return nil
}

func (v *modelVault) Get(ctx context.Context, account credential.AccountID) (vault.Record, error) {
	if err := v.away(); err != nil {
		return vault.Record{}, err
	}
	return v.Vault.Get(ctx, account)
}

func (v *modelVault) Present(ctx context.Context, account credential.AccountID, g credential.Generation, known int, name string) (vault.Presentation, error) {
	if v.m.takes(diesBeforeMark) {
		panic(died{})
	}
	if v.m.takes(heldUp) {
		v.m.holdUp(ctx)
	}
	if err := v.away(); err != nil {
		return vault.Presentation{}, err
	}
	p, err := v.Vault.Present(ctx, account, g, known, name)
	if err == nil && v.m.takes(diesAfterMark) {
		v.m.loseAnswer(ctx, g)
		panic(died{})
	}
	if err == nil && v.m.takes(marksUnheard) {
		if isAlone(ctx) {
			v.m.loseAnswer(ctx, g) // it says that nothing was sent, and is not heard
		}
		return vault.Presentation{}, errVaultAway
	}
	return p, err
}

func (v *modelVault) Withdraw(ctx context.Context, account credential.AccountID, g credential.Generation) error {
	if err := v.away(); err != nil {
		if isAlone(ctx) {
			v.m.loseAnswer(ctx, g) // it says that nothing was spent, and is not heard
		}
		return err
	}
	if record, err := v.Vault.Get(ctx, account); err == nil && isAlone(ctx) && record.Presentations() > 1 {
		v.m.loseAnswer(ctx, g) // nobody knows which of them it takes back
	}
	return v.Vault.Withdraw(ctx, account, g)
}

func (v *modelVault) Swap(ctx context.Context, account credential.AccountID, from credential.Generation, t credential.Tokens) (credential.Generation, error) {
	if v.m.takes(diesBeforeStoring) {
		v.m.loseAnswer(ctx, from)
		panic(died{})
	}
	if err := v.away(); err != nil || v.m.takes(doesNotStore) {
		if isAlone(ctx) {
			v.m.loseAnswer(ctx, from) // it comes back sealed to nobody
		}
		return 0, errVaultAway
	}
	g, err := v.Vault.Swap(ctx, account, from, t)
	if v.m.takes(diesAfterStoring) {
		panic(died{})
	}
	return g, err
}

// loseAnswer notes that we shall not know what came of the presentation of a generation's refresh token, if the vault still has it.
func (m *model) loseAnswer(ctx context.Context, presented credential.Generation) {
	record, err := m.vault.Get(ctx, acmeSlack)
	if err != nil || record.Generation != presented {
		return
	}
	m.server.lose(m.server.find(record.Tokens.Refresh))
}

func (v *modelVault) Adopt(ctx context.Context, id string) (vault.Record, error) {
	if err := v.away(); err != nil {
		return vault.Record{}, err
	}
	r, err := v.Vault.Adopt(ctx, id)
	if v.m.takes(diesAfterStoring) {
		panic(died{})
	}
	return r, err
}

func (v *modelVault) Shred(ctx context.Context, account credential.AccountID, g credential.Generation, unrevoked string) error {
	if err := v.away(); err != nil {
		return err
	}
	v.m.checkShred(ctx)
	err := v.Vault.Shred(ctx, account, g, unrevoked)
	if v.m.takes(diesAfterStoring) {
		panic(died{})
	}
	return err
}
