package workflows

import (
	"errors"
	"slices"

	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// setup registers every handler before anything blocks, so that no message finds a Workflow without ears.
func (a *account) setup(ctx workflow.Context) error {
	listen(ctx, a.drain, SignalReauthorized, SignalDisconnect, SignalAwait, SignalValidate, SignalConnector)
	return errors.Join(
		workflow.SetQueryHandlerWithOptions(ctx, QueryStatus, func() (AccountStatus, error) { return a.status(ctx), nil },
			workflow.QueryHandlerOptions{Description: "what is true of this account"}),
		workflow.SetUpdateHandlerWithOptions(ctx, UpdateRefresh, a.onRefresh, workflow.UpdateHandlerOptions{
			Validator:   func(_ workflow.Context, r RefreshRequest) error { return a.admit(r.validate()) },
			Description: `get a newer token; {"generation": 7} reports that generation 7 died`,
		}),
		workflow.SetUpdateHandlerWithOptions(ctx, UpdateReauthorized, a.onReauthorized, workflow.UpdateHandlerOptions{
			Validator:   func(_ workflow.Context, r ReauthorizedRequest) error { return a.admit(r.validate()) },
			Description: `adopt a pending authorization of the vault: {"authorization": "…"}; with "accept_subject" also one that does not fit`,
		}),
		workflow.SetUpdateHandlerWithOptions(ctx, UpdateReject, a.onReject, workflow.UpdateHandlerOptions{
			Validator:   func(_ workflow.Context, r RejectRequest) error { return a.admit(r.validate()) },
			Description: `destroy what is in quarantine: {"authorization": "…"}`,
		}),
		workflow.SetUpdateHandlerWithOptions(ctx, UpdateValidate, a.onValidate, workflow.UpdateHandlerOptions{
			Validator:   func(workflow.Context) error { return a.admit(nil) },
			Description: "ask the provider whether the token still works, and act on the answer",
		}),
		workflow.SetUpdateHandlerWithOptions(ctx, UpdateDisconnect, a.onDisconnect, workflow.UpdateHandlerOptions{
			Validator:   func(workflow.Context, DisconnectRequest) error { return a.admit(nil) },
			Description: `revoke the grant at the provider and destroy it here; {"force": true} destroys it without the provider`,
		}),
	)
}

// admit refuses malformed messages, and all of them when the account is gone.
func (a *account) admit(err error) error {
	if err == nil && a.Status == credential.Disconnected {
		return errors.New("the account is disconnected; connect it again with: tokenkeeper account connect " + a.id.String())
	}
	return err
}

// onRefresh answers when there is a newer generation than the caller's, when only a person can bring one, or when an attempt
// failed and the next one has to wait. Trouble with the provider is never an error of the Update: callers share the Update
// of their generation, and Temporal repeats its answer for the rest of the run.
func (a *account) onRefresh(ctx workflow.Context, r RefreshRequest) (AccountStatus, error) {
	seen := r.Generation
	switch {
	case seen > 0:
		a.report(ctx, seen)
	case !a.Credential.Refreshable && !a.Policy.Minted:
		return a.status(ctx), nil // there is no refresh token to get a token by
	default:
		seen, a.Forced = a.Credential.Generation, true
		if a.Hold.Held { // a person wants to know whether the app is taken now
			a.tryAnyway()
		}
		a.hurry()
	}
	before := a.attempts
	answered := func() bool {
		now := workflow.Now(ctx)
		tried := a.attempts > before && !a.refreshDue(now)
		return a.Credential.Generation > seen || a.hopeless() || tried || now.Before(a.NotBefore) || a.draining
	}
	for {
		had := a.Credential.Generation
		err := workflow.Await(ctx, func() bool { return answered() || a.Credential.Generation != had })
		if err != nil || answered() {
			return a.status(ctx), err
		}
		a.report(ctx, seen) // the vault was ahead of this Workflow, which may have only now the generation that the caller saw die
	}
}

// report notes that a caller saw a generation die. Where the account cannot get another token, this ends its time of serving
// the old one. A generation above the present one counts as the present one: the vault may be ahead of this Workflow, and a
// made-up number must not cause refreshes until it is reached.
func (a *account) report(ctx workflow.Context, seen credential.Generation) {
	if seen < a.Credential.Generation {
		return
	}
	a.Reported = max(a.Reported, a.Credential.Generation)
	a.hurry()
	if a.expired(workflow.Now(ctx)) {
		a.expire(ctx)
	}
}

// hopeless reports whether no attempt will be made before a person acts.
func (a *account) hopeless() bool {
	return a.GrantDead || a.Disconnecting || a.Status.NeedsPerson()
}

// onReauthorized waits for the verdict on the authorization.
func (a *account) onReauthorized(ctx workflow.Context, r ReauthorizedRequest) (AccountStatus, error) {
	a.queueAdoption(r)
	err := workflow.Await(ctx, func() bool {
		_, done := a.verdicts[r.Authorization]
		return done || a.draining || a.Disconnecting
	})
	if err != nil {
		return a.status(ctx), err
	}
	verdict, judged := a.verdicts[r.Authorization]
	switch {
	case !judged && a.Disconnecting:
		verdict = temporal.NewNonRetryableApplicationError(
			"account "+a.id.String()+" is being disconnected, and what it was given goes with it; consent again when that is done", activities.ErrTypeLeaving, nil)
	case !judged:
		verdict = temporal.NewApplicationError(
			"account "+a.id.String()+" continues in a new run, and has not judged the authorization yet", errTypeNoVerdict)
	}
	return a.status(ctx), verdict
}

// errTypeNoVerdict: the authorization still waits. Whoever asks again is told.
const errTypeNoVerdict = "NoVerdict"

func (a *account) queueAdoption(r ReauthorizedRequest) {
	delete(a.verdicts, r.Authorization)
	if r.AcceptSubject != "" {
		if a.Accepts == nil {
			a.Accepts = map[string]credential.Subject{}
		}
		a.Accepts[r.Authorization] = r.AcceptSubject
	}
	if !slices.Contains(a.Adoptions, r.Authorization) {
		a.Adoptions = append(a.Adoptions, r.Authorization)
	}
}

// drain takes every Signal that has arrived.
func (a *account) drain(ctx workflow.Context) {
	takeAll(ctx, a.misread, SignalReauthorized, func(r ReauthorizedRequest) {
		if err := a.admit(r.validate()); err != nil {
			a.warn("Signal " + SignalReauthorized + " refused: " + err.Error())
			return
		}
		a.queueAdoption(r)
	})
	takeAll(ctx, a.misread, SignalDisconnect, a.leave)
	takeAll(ctx, a.misread, SignalValidate, func(r ValidateRequest) { a.askToLook(workflow.Now(ctx), r) })
	takeAll(ctx, a.misread, SignalConnector, func(n ConnectorNews) { a.hearConnector(workflow.Now(ctx), n) })
	takeAll(ctx, a.misread, SignalAwait, func(w Waiter) {
		if w.WorkflowID == "" {
			a.warn("Signal " + SignalAwait + ` refused: workflow_id: missing; want {"workflow_id":"…"}`)
			return
		}
		a.queue(w)
	})
}

// misread notes a Signal whose argument cannot be decoded.
func (a *account) misread(name string, err error) {
	a.warn("Signal " + name + " refused: " + err.Error())
}

// listen calls drain whenever Signals of these names have arrived. It only looks at the channels: a Signal that a blocked
// Receive or Selector was given is no longer in its channel, so the main function, which runs first and drains the channels
// before it ends the run, would miss it.
func listen(ctx workflow.Context, drain func(workflow.Context), names ...string) {
	workflow.Go(ctx, func(ctx workflow.Context) {
		arrived := func() bool {
			return slices.ContainsFunc(names, func(name string) bool { return workflow.GetSignalChannel(ctx, name).Len() > 0 })
		}
		for workflow.Await(ctx, arrived) == nil {
			drain(ctx)
		}
	})
}

// takeAll passes every Signal of a name that has arrived to take, and one that cannot be decoded to misread: the SDK itself
// would drop it without a word.
func takeAll[T any](ctx workflow.Context, misread func(name string, err error), name string, take func(T)) {
	for {
		var raw converter.RawValue
		if !workflow.GetSignalChannel(ctx, name).ReceiveAsync(&raw) {
			return
		}
		var message T
		if payload := raw.Payload(); payload != nil {
			if err := converter.GetDefaultDataConverter().FromPayload(payload, &message); err != nil {
				misread(name, errors.New("it is not the JSON object that this Signal takes"))
				continue
			}
		}
		take(message)
	}
}

// warn keeps the last refused message where an operator looks.
func (a *account) warn(text string) {
	a.Warning = text
	a.log.Warn(text, "account", a.id.String())
}

// adopt has the Activity adopt or refuse the oldest authorization of the queue, and keeps the verdict for the handler that
// waits for it.
func (a *account) adopt(ctx workflow.Context) error {
	id := a.Adoptions[0]
	if a.isVoid(id) {
		a.refuseStray(id)
		return nil
	}
	adopted, err := a.judge(ctx, activities.AdoptInput{Account: a.id, Authorization: id, AcceptSubject: a.Accepts[id]})
	if ctx.Err() != nil {
		return err
	}
	a.Adoptions = a.Adoptions[1:]
	delete(a.Accepts, id)
	if err != nil {
		a.verdicts[id] = a.refused(ctx, err)
		what := "authorization refused: "
		if errorType(err) == activities.ErrTypeUnidentified {
			what = "authorization waits: "
		}
		a.warn(what + rootMessage(err))
		return nil
	}
	a.verdicts[id] = nil
	a.Warning = ""
	a.Replaced = adopted.Replaced
	a.endQuarantine(ctx, id)
	if adopted.Generation == a.Credential.Generation && adopted.IssuedAt.Equal(a.Credential.IssuedAt) {
		return nil // it was adopted before, and whatever became of the grant since is still so
	}
	a.renew(ctx, adopted.Facts)
	a.begin(ctx)
	return nil
}

// changeRevokesApart: an Adopt that accepts another subject revoked the grant before by itself, in its turn.
const changeRevokesApart = "revokes apart"

// judge has an authorization adopted or refused.
func (a *account) judge(ctx workflow.Context, in activities.AdoptInput) (adopted activities.Adopted, err error) {
	const what = "adopt an authorization"
	if in.AcceptSubject != "" && workflow.GetVersion(ctx, changeRevokesApart, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		err = a.inTurn(ctx, what, (*activities.Account).Adopt, in, &adopted)
		return adopted, err
	}
	err = workflow.ExecuteActivity(accountActivity(ctx, what), (*activities.Account).Adopt, in).Get(ctx, &adopted)
	return adopted, err
}
