package activities_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
	"tokenkeeper/vault"
)

// ran is how an Activity went.
type ran[Out any] struct {
	out    Out
	err    error
	failed []error // of the attempts before the last
	beats  []string
}

// wait returns when the next attempt is due by the error itself.
func (r ran[Out]) wait(t *testing.T) time.Duration {
	t.Helper()
	return applicationError(t, r.err).NextRetryDelay()
}

func applicationError(t *testing.T, err error) *temporal.ApplicationError {
	t.Helper()
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	require.True(t, ok, "%v", err)
	return app
}

// fails requires an error of a type with words in it.
func (r ran[Out]) fails(t *testing.T, kind string, words ...string) {
	t.Helper()
	failsWith(t, r.err, kind, words...)
}

func failsWith(t *testing.T, err error, kind string, words ...string) {
	t.Helper()
	assert.Equal(t, kind, applicationError(t, err).Type(), "%v", err)
	for _, word := range words {
		assert.ErrorContains(t, err, word)
	}
}

// once runs the first attempt of an Activity.
func once[In, Out any](w *world, fn func(context.Context, In) (Out, error), in In) ran[Out] {
	return attempt(w, w.t.Context(), nil, fn, in)
}

// attempt runs the first attempt of an Activity in a context, with the heartbeat details that an earlier one left.
//
//nolint:revive // the world comes first in every helper
func attempt[In, Out any](w *world, ctx context.Context, details any, fn func(context.Context, In) (Out, error), in In) ran[Out] {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(w.account.Log))
	env := suite.NewTestActivityEnvironment()
	env.SetWorkerOptions(worker.Options{BackgroundActivityContext: ctx})
	var r ran[Out]
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) { r.beats = append(r.beats, w.hear(details)) })
	if details != nil {
		env.SetHeartbeatDetails(details)
	}
	env.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: "tried"})
	value, err := env.ExecuteActivity("tried", in)
	if r.err = err; err == nil {
		require.NoError(w.t, value.Get(&r.out))
	}
	w.keep(r.out, err)
	return r
}

// died is what Temporal makes of an attempt whose worker was killed.
var errDied = errors.New("activity heartbeat timeout")

// retried runs an Activity as a Workflow does: until it succeeds, fails for good, or 10 attempts are over. The clock moves
// on by what each failure asks for. between is called before each attempt, 1 for the first; when it returns an error, the
// attempt takes effect, and its worker dies before it can report.
func retried[In, Out any](w *world, fn func(context.Context, In) (Out, error), in In, between func(attempt int32) error) ran[Out] {
	return retriedUpTo(w, 10, fn, in, between)
}

// retriedUpTo is retried with another number of attempts.
func retriedUpTo[In, Out any](w *world, attempts int32, fn func(context.Context, In) (Out, error), in In, between func(attempt int32) error) ran[Out] {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(w.account.Log))
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	var r ran[Out]
	env.SetOnActivityHeartbeatListener(func(_ *activity.Info, details converter.EncodedValues) { r.beats = append(r.beats, w.hear(details)) })
	env.RegisterActivityWithOptions(func(ctx context.Context, in In) (Out, error) {
		dies := between(activity.GetInfo(ctx).Attempt)
		out, err := fn(ctx, in)
		if dies != nil {
			activity.RecordHeartbeat(ctx)
			err = dies
		}
		w.keep(out, err)
		if err != nil {
			r.failed = append(r.failed, err)
			w.clock.advance(delayOf(err))
		}
		return out, err
	}, activity.RegisterOptions{Name: "tried"})
	env.ExecuteWorkflow(func(ctx workflow.Context) error {
		ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
			StartToCloseTimeout: time.Minute, HeartbeatTimeout: 10 * time.Second,
			RetryPolicy: &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 1, MaximumAttempts: attempts},
		})
		r.err = workflow.ExecuteActivity(ctx, "tried", in).Get(ctx, &r.out)
		return nil
	})
	if r.err != nil {
		r.failed = r.failed[:len(r.failed)-1]
	}
	return r
}

func delayOf(err error) time.Duration {
	if app, ok := errors.AsType[*temporal.ApplicationError](err); ok && app.NextRetryDelay() > 0 {
		return app.NextRetryDelay()
	}
	return time.Second
}

func always(int32) error { return nil }

// noResult gives an Activity without a result the shape of the others.
func noResult[In any](fn func(context.Context, In) error) func(context.Context, In) (struct{}, error) {
	return func(ctx context.Context, in In) (struct{}, error) { return struct{}{}, fn(ctx, in) }
}

// keep remembers what an attempt would leave in history.
func (w *world) keep(out any, err error) {
	data, encoding := json.Marshal(out)
	assert.NoError(w.t, encoding, "a result that cannot enter history")
	fmt.Fprintf(&w.heard, "%s\n", data)
	if err != nil {
		failure := temporal.GetDefaultFailureConverter().ErrorToFailure(err)
		fmt.Fprintf(&w.heard, "%v\n%+v\n%s\n", err, err, failure.String())
	}
}

// hear remembers heartbeat details, and returns them as text.
func (w *world) hear(details converter.EncodedValues) string {
	if !details.HasValues() {
		return ""
	}
	var value json.RawMessage
	assert.NoError(w.t, details.Get(&value))
	fmt.Fprintf(&w.heard, "%s\n", value)
	return string(value)
}

// clock is a time that moves when a test says so.
type clock struct {
	mu  sync.Mutex
	now time.Time // guarded by mu
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// record is a text that many write to.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer // guarded by mu
}

func (r *record) Write(data []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(data)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

var errAway = errors.New("the disk is gone")

// shakyVault is a vault whose methods fail by name.
type shakyVault struct {
	*vault.Vault

	mu      sync.Mutex
	failing map[string]bool // guarded by mu
	unheard string          // guarded by mu; a method that takes effect, and answers as if it were away
	held    string          // guarded by mu; a method that waits for as long as its caller does
}

// hold has a method wait until its caller gives up, until the next fail.
func (v *shakyVault) hold(method string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.held = method
}

// wait returns why a method that is held has ended, nil for any other.
func (v *shakyVault) wait(ctx context.Context, method string) error {
	v.mu.Lock()
	held := v.held == method
	v.mu.Unlock()
	if !held {
		return nil
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(20 * time.Second): // longer than any caller of a test waits
		return errAway
	}
}

// mute has what a method did be heard by nobody, until the next fail.
func (v *shakyVault) mute(method string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.unheard = method
}

// heard is the answer of a method that ended with err.
func (v *shakyVault) heard(method string, err error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.unheard == method {
		return errors.Join(errAway, err)
	}
	return err
}

func (v *shakyVault) fail(methods ...string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.failing)
	v.unheard, v.held = "", ""
	for _, method := range methods {
		v.failing[method] = true
	}
}

func (v *shakyVault) broken(method string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.failing[method] {
		return errAway
	}
	return nil
}

func (v *shakyVault) Get(ctx context.Context, account credential.AccountID) (vault.Record, error) {
	if err := errors.Join(v.broken("Get"), v.wait(ctx, "Get")); err != nil {
		return vault.Record{}, err
	}
	return v.Vault.Get(ctx, account)
}

func (v *shakyVault) Present(ctx context.Context, account credential.AccountID, g credential.Generation, known int, name string) (vault.Presentation, error) {
	if err := errors.Join(v.broken("Present"), v.wait(ctx, "Present")); err != nil {
		return vault.Presentation{}, err
	}
	p, err := v.Vault.Present(ctx, account, g, known, name)
	return p, v.heard("Present", err)
}

func (v *shakyVault) Withdraw(ctx context.Context, account credential.AccountID, g credential.Generation) error {
	if err := v.broken("Withdraw"); err != nil {
		return err
	}
	return v.heard("Withdraw", v.Vault.Withdraw(ctx, account, g))
}

func (v *shakyVault) Swap(ctx context.Context, account credential.AccountID, from credential.Generation, t credential.Tokens) (credential.Generation, error) {
	if err := v.broken("Swap"); err != nil {
		return 0, err
	}
	return v.Vault.Swap(ctx, account, from, t)
}

func (v *shakyVault) SealTokens(r vault.Record, t credential.Tokens) ([]byte, error) {
	if err := v.broken("SealTokens"); err != nil {
		return nil, err
	}
	return v.Vault.SealTokens(r, t)
}

func (v *shakyVault) Shred(ctx context.Context, account credential.AccountID, g credential.Generation, unrevoked string) error {
	if err := v.broken("Shred"); err != nil {
		return err
	}
	return v.Vault.Shred(ctx, account, g, unrevoked)
}

// consent has a person consent, and puts what comes of it into the vault as a pending authorization.
func (w *world) consent(account credential.AccountID, subject string) (authorization string) {
	w.t.Helper()
	conn, err := w.Connection(account)
	require.NoError(w.t, err)
	verifier := credential.NewSecret("verifier-verifier-verifier-verifier-verifier")
	redirect, err := sandbox.Decide(w.t.Context(), nil, conn.OAuth.AuthorizeURL("state", verifier), subject, sandbox.Allow)
	require.NoError(w.t, err)
	tokens, err := conn.OAuth.Exchange(w.t.Context(), codeIn(w.t, redirect), verifier)
	require.NoError(w.t, err)
	identity, err := conn.OAuth.Identify(w.t.Context(), tokens.Access)
	require.NoError(w.t, err)
	if tokens.Scopes == nil {
		tokens.Scopes = identity.Scopes
	}
	return w.pend(vault.Authorization{Account: account, Subject: identity.Subject, Display: identity.Display, Tokens: tokens})
}

// pend puts an authorization into the vault.
func (w *world) pend(a vault.Authorization) string {
	w.t.Helper()
	w.consents++
	a.ID = fmt.Sprintf("authorization-%d", w.consents)
	a.ExpiresAt = w.clock.Now().Add(30 * time.Minute)
	require.NoError(w.t, w.vault.PutAuthorization(w.t.Context(), a))
	return a.ID
}
