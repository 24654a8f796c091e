package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

const (
	// lookedRecently makes one look of the wishes of many: each worker that starts asks for one.
	lookedRecently = time.Minute
	// doubt is how long an identity endpoint is not believed that refuses what a refresh just brought.
	doubt = time.Hour
)

// Looks is what looking at the token found.
type Looks struct {
	// Asked: somebody wants a look.
	Asked bool `json:"asked,omitempty"`
	// Again: the provider said that the grant ended while a look was under way, which may have come before the end.
	Again bool `json:"again,omitempty"`
	// Alive is when the token was last found alive, as far as the Workflow was told: the looks of the watch that find nothing
	// are heard of in its heartbeat only.
	Alive time.Time `json:"alive,omitzero"`
	// Note says why the last look told nothing.
	Note string `json:"note,omitempty"`
	// Dead is the highest generation that a look found dead.
	Dead credential.Generation `json:"dead,omitempty"`
	// Doubted is the generation that a refresh brings because a look found the one before it dead. If it is found dead as
	// well and at once, the endpoint is in doubt and not the token, and refreshing on and on would help nobody.
	Doubted credential.Generation `json:"doubted,omitempty"`
}

// watch is the Activity that looks at the token from time to time. It ends by itself when it finds one dead, and costs the
// history nothing while it does not: one event when it begins, 0 an hour, and 15 for a dead token that is found and replaced
// (measured on a server). A timer and an Activity for each look of 15 minutes would have 44 an hour.
type watch struct {
	found workflow.Future
	stop  workflow.CancelFunc
	every time.Duration
}

// ready reports whether the watch found something.
func (w *watch) ready() bool { return w != nil && w.found.IsReady() }

// keepWatch has a watch going exactly while there is a token that serves.
func (a *account) keepWatch(ctx workflow.Context) {
	every := a.lookEvery()
	if a.watch != nil && a.watch.every != every {
		a.watch.stop()
		a.watch = nil
	}
	if a.watch != nil || every == 0 {
		return
	}
	watching, stop := workflow.WithCancel(ctx)
	// Whoever consented or refreshed was told just now that the token works.
	last := latest(latest(a.Looks.Alive, a.Credential.IssuedAt), latest(a.LastRefresh, a.heard))
	a.watch = &watch{every: every, stop: stop, found: workflow.ExecuteActivity(
		accountActivity(watching, "look at the token from time to time"), (*activities.Account).Validate, activities.ValidateInput{
			Account: a.id, Every: every, NotBefore: last.Add(every), Known: a.Looks.Dead,
		})}
}

// lookEvery returns the interval of the watch, 0 for none.
func (a *account) lookEvery() time.Duration {
	if a.Credential.Generation == 0 || a.Disconnecting || a.Status.NeedsPerson() {
		return 0
	}
	return a.id.Every(a.Policy.ValidateEvery)
}

// hear takes what the watch found. Another watch begins with the next wait.
func (a *account) hear(ctx workflow.Context) error {
	var v activities.Validation
	err := a.watch.found.Get(ctx, &v)
	a.watch = nil
	if err != nil && ctx.Err() == nil {
		a.heard = workflow.Now(ctx) // whatever ended it must not end the next one at once
		a.log.Warn("the look at the token ended", "account", a.id.String(), "error", err)
		return nil
	}
	return a.heed(ctx, v, err)
}

// askToLook notes that somebody who does not wait wants a look.
func (a *account) askToLook(now time.Time, r ValidateRequest) {
	if r.Ended {
		a.Looks.Again = a.looking
		a.Looks.Asked = true
		return
	}
	if now.Sub(a.Looks.Alive) >= lookedRecently {
		a.Looks.Asked = true
	}
}

// onValidate answers when the token was looked at and what follows from that was tried once.
func (a *account) onValidate(ctx workflow.Context) (AccountStatus, error) {
	a.Looks.Asked = true
	before := a.looks
	err := workflow.Await(ctx, func() bool {
		return a.looks > before && !a.refreshDue(workflow.Now(ctx)) || a.Disconnecting || a.draining
	})
	return a.status(ctx), err
}

// look asks the provider once.
func (a *account) look(ctx workflow.Context) error {
	var v activities.Validation
	a.looking = true
	err := workflow.ExecuteActivity(accountActivity(ctx, "look at the token"), (*activities.Account).Validate,
		activities.ValidateInput{Account: a.id}).Get(ctx, &v)
	a.looking = false
	a.Looks.Asked, a.Looks.Again = a.Looks.Again, false
	a.looks++
	return a.heed(ctx, v, err)
}

// heed acts on a look. Nothing but a dead token changes the account: an outage or a policy is a note.
func (a *account) heed(ctx workflow.Context, v activities.Validation, err error) error {
	if ctx.Err() != nil {
		return err
	}
	if err != nil {
		a.Looks.Note = rootMessage(err)
		return nil
	}
	if v.Policy != nil {
		a.Policy = *v.Policy
	}
	a.Looks.Note = v.Note
	switch v.Verdict {
	case activities.TokenAlive:
		a.Looks.Alive = v.At
	case activities.TokenDead:
		a.foundDead(ctx, v.Generation)
	case activities.TokenUnclear:
	}
	return nil
}

// foundDead has a dead token replaced on the way that a caller's report takes.
func (a *account) foundDead(ctx workflow.Context, dead credential.Generation) {
	a.Looks.Dead = max(a.Looks.Dead, dead)
	if dead == a.Looks.Doubted && workflow.Now(ctx).Sub(a.LastRefresh) < doubt {
		a.Looks.Note = fmt.Sprintf("the identity endpoint refuses generation %d as it did the one before, although a refresh "+
			"brought it: it is not believed; check the endpoints and scopes of the connector", dead)
		a.log.Warn("validation is in doubt", "account", a.id.String(), "note", a.Looks.Note)
		return
	}
	a.Looks.Doubted = dead + 1
	a.report(ctx, dead)
}
