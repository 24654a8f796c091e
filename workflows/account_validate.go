package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

const (
	// lookedRecently is for how long a look answers the wishes for one that come after it: each worker that starts asks for
	// one.
	lookedRecently = time.Minute
	// doubt is for how long after a refresh an identity endpoint is not believed that refuses the token which the refresh
	// brought.
	doubt = time.Hour
)

// Looks is what looking at the token found.
type Looks struct {
	// Asked: somebody wants a look.
	Asked bool `json:"asked,omitempty"`
	// Again: while a look was under way, the provider said that the grant ended. The look may have come before that, so
	// another one follows.
	Again bool `json:"again,omitempty"`
	// Alive is when the token was last found alive, as far as the Workflow knows. The looks of a running watch that find
	// nothing stand only in its heartbeat; [Client.Account] adds them.
	Alive time.Time `json:"alive,omitzero"`
	// Note says why the last look told nothing.
	Note string `json:"note,omitempty"`
	// Dead is the highest generation that a look found dead.
	Dead credential.Generation `json:"dead,omitempty"`
	// Doubted is the generation whose refresh was caused by a look that found the one before it dead. If a look finds it
	// dead as well, and at once, then the endpoint is in doubt and not the token: refreshing again and again would help
	// nobody.
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

// keepWatch starts the watch where there is a token that serves, and stops it where there is none or the interval has
// changed.
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

// hear takes the result of a watch that ended. keepWatch starts the next one.
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

// heed acts on the result of a look. Only a dead token changes the account; that the provider is away, or refuses to tell,
// is just noted.
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

// foundDead treats a token that a look found dead as if a caller had reported it.
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
