package workflows

import (
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// Condition is what is true of a connector.
type Condition string

// The conditions of a connector.
const (
	ConnectorActive Condition = "active"
	// ConnectorThrottled: the provider asked one account to wait, and all of them do.
	ConnectorThrottled Condition = "throttled"
	// ConnectorRefused: the provider refuses the app. Only one account sends a request now and then, to try.
	ConnectorRefused Condition = "client_misconfigured"
)

// ConnectorInput starts a Connector: {"connector":"slack"}.
type ConnectorInput struct {
	Connector string `json:"connector"`
	// State is carried over Continue-As-New; leave it out.
	State *ConnectorState `json:"state,omitempty"`
}

// ConnectorState is all that a connector remembers. Its accounts are not in it: Temporal's visibility finds those that wait.
type ConnectorState struct {
	Status Condition `json:"status"`
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since"`
	// Until is the end of a pause that the provider asked for.
	Until time.Time `json:"until,omitzero"`
	// Episode counts the periods in which the provider refused the app.
	Episode int `json:"episode,omitempty"`
	// Ended is when the last of them ended. A refusal of a request that began before that is out of date.
	Ended time.Time `json:"ended,omitzero"`
	// Refused are some of the accounts that were refused; the first of them tries next.
	Refused []credential.AccountID `json:"refused,omitempty"`
	Tries   int                    `json:"tries,omitempty"`
	// Pause is how long the last pause between two tries was; the next one is twice as long. Nanoseconds.
	Pause   time.Duration `json:"pause,omitempty"`
	NextTry time.Time     `json:"next_try,omitzero"`
	// Noticed says that a notice about the present refusal went out.
	Noticed bool    `json:"noticed,omitempty"`
	Telling Telling `json:"telling,omitzero"`
	// Late are accounts that reported a refusal from before the last episode ended; each is told to go on.
	Late []credential.AccountID `json:"late,omitempty"`
	// Releases is how many more times the accounts that wait are told to go on, and Release is when the next time is due.
	Releases int       `json:"releases,omitempty"`
	Release  time.Time `json:"release,omitzero"`
	// Configured is when a worker last read the connector's configuration.
	Configured time.Time `json:"configured,omitzero"`
	// Warning is the last message that was refused, and why.
	Warning string `json:"warning,omitempty"`
}

const (
	// tryEvery is how soon one account tries after the app was refused, or after its configuration was read anew. The
	// pauses between tries double up to maxTryEvery: what does not pass in minutes needs a person, and a change of the
	// configuration is tried at once.
	tryEvery    = time.Minute
	maxTryEvery = 15 * time.Minute
	// changePauses: before it, every pause was tryEvery.
	changePauses = "growing pauses between tries"
	// maxRefused is how many accounts are kept as candidates for the next try.
	maxRefused = 8
	// settled is how long the app has to be accepted before a notice says so: while one worker has the new secret and
	// another the old one, it is accepted and refused in turn.
	settled = 30 * time.Second
	// afterwards is when the waiting accounts are told a second time, for those that began to wait during the first.
	afterwards = 30 * time.Second
	// maxThrottled bounds the wait that a provider can ask for.
	maxThrottled = time.Hour
)

// registration is a running [Connector]: its state and what surrounds it.
type registration struct {
	ConnectorState
	name  string
	shown Condition
	news  int // messages taken, so that a wait notices
}

// Connector knows the state of one OAuth app: whether the provider accepts it, and until when the provider asked to wait.
// There is one for each connector of the configuration. Its accounts report what they meet, and it tells those that wait
// when to go on. No account depends on it: each refreshes its tokens whether or not it runs.
func Connector(ctx workflow.Context, in ConnectorInput) error {
	queue := workflow.GetInfo(ctx).TaskQueueName
	if want := ConnectorWorkflowID(queue, in.Connector); in.Connector == "" || workflow.GetInfo(ctx).WorkflowExecution.ID != want {
		return badInput("connector: %q: want the name in tokenkeeper.yaml, and Workflow id %s on task queue %s", in.Connector, want, queue)
	}
	c := &registration{name: in.Connector, ConnectorState: ConnectorState{Status: ConnectorActive, Since: workflow.Now(ctx)}}
	if in.State != nil {
		c.ConnectorState = *in.State
	}
	if err := c.setup(ctx); err != nil {
		return err
	}
	return c.run(ctx)
}

func (c *registration) run(ctx workflow.Context) error {
	for {
		acted, err := c.step(ctx)
		if err != nil {
			return err
		}
		if err := c.publish(ctx); err != nil {
			return err
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			c.drain(ctx)
			state := c.ConnectorState
			return workflow.NewContinueAsNewError(ctx, Connector, ConnectorInput{Connector: c.name, State: &state})
		}
		if acted {
			continue
		}
		if err := c.wait(ctx); err != nil {
			return err
		}
	}
}

// step does the one thing that is due now.
func (c *registration) step(ctx workflow.Context) (acted bool, err error) {
	now := workflow.Now(ctx)
	switch {
	case len(c.Late) > 0:
		late := c.Late[0]
		c.Late = c.Late[1:]
		return true, c.tell(ctx, late, false)
	case c.due(now, c.tryAt()):
		return true, c.try(ctx)
	case c.due(now, c.noticeAt()):
		return true, c.notify(ctx)
	case c.due(now, c.releaseAt()):
		return true, c.release(ctx)
	case c.due(now, c.throttledUntil()):
		c.enter(now, ConnectorActive, "")
		return true, nil
	}
	return false, nil
}

func (c *registration) due(now, at time.Time) bool { return !at.IsZero() && !now.Before(at) }

// tryAt returns when the next account tries, or zero.
func (c *registration) tryAt() time.Time {
	if c.Status != ConnectorRefused {
		return time.Time{}
	}
	return c.NextTry
}

// noticeAt returns when the next notice is due, or zero: the first about a refusal at once, unless a quiet time lasts; the
// following ones as planned; the one about its end when the app has been accepted for as long as settled.
func (c *registration) noticeAt() time.Time {
	switch {
	case c.Status == ConnectorRefused && !c.Noticed:
		return latest(c.Since, c.Telling.Quiet)
	case c.Status == ConnectorRefused:
		return c.Telling.Again
	case c.Noticed:
		return c.Ended.Add(settled)
	}
	return time.Time{}
}

// releaseAt returns when the waiting accounts have to be told to go on, or zero.
func (c *registration) releaseAt() time.Time {
	if c.Releases == 0 || c.Status == ConnectorRefused {
		return time.Time{}
	}
	return c.Release
}

func (c *registration) throttledUntil() time.Time {
	if c.Status != ConnectorThrottled {
		return time.Time{}
	}
	return c.Until
}

// wait sleeps until something is due or a message comes.
func (c *registration) wait(ctx workflow.Context) error {
	heard := c.news
	wake := func() bool { return c.news != heard || workflow.GetInfo(ctx).GetContinueAsNewSuggested() }
	next, what := time.Time{}, ""
	for _, candidate := range []struct {
		at   time.Time
		what string
	}{
		{c.tryAt(), "let one account try"}, {c.noticeAt(), "tell people"}, {c.releaseAt(), "tell the accounts that wait"},
		{c.throttledUntil(), "end of the provider's limit"},
	} {
		if !candidate.at.IsZero() && (next.IsZero() || candidate.at.Before(next)) {
			next, what = candidate.at, candidate.what
		}
	}
	if next.IsZero() {
		return workflow.Await(ctx, wake)
	}
	return sleepUntil(ctx, max(next.Sub(workflow.Now(ctx)), time.Millisecond), wake, what)
}

// try has one account send its request although the app was refused.
func (c *registration) try(ctx workflow.Context) error {
	c.Pause = c.nextPause(ctx)
	c.NextTry = workflow.Now(ctx).Add(c.Pause)
	if len(c.Refused) == 0 { // every account that met the refusal is gone, so the next request of any other one is the try
		c.reopen(workflow.Now(ctx))
		return nil
	}
	account := c.Refused[0]
	c.Refused = append(c.Refused[1:], account)
	c.Tries++
	return c.tell(ctx, account, true)
}

// nextPause returns the time from this try to the next one.
func (c *registration) nextPause(ctx workflow.Context) time.Duration {
	if c.Pause == 0 || workflow.GetVersion(ctx, changePauses, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return tryEvery
	}
	return min(2*c.Pause, maxTryEvery)
}

// tell sends an account the news: to go on, or to try. One whose Workflow is gone no longer counts among those that may try,
// and where it was to try, another one does at once.
func (c *registration) tell(ctx workflow.Context, account credential.AccountID, try bool) error {
	err := workflow.SignalExternalWorkflow(ctx, AccountWorkflowID(account), "", SignalConnector, ConnectorNews{Episode: c.Episode, Try: try}).Get(ctx, nil)
	if err == nil || ctx.Err() != nil {
		return ctx.Err()
	}
	c.Refused = slices.DeleteFunc(c.Refused, func(a credential.AccountID) bool { return a == account })
	if try {
		c.NextTry = workflow.Now(ctx)
	}
	return nil
}

func (c *registration) notify(ctx workflow.Context) error {
	kind := c.Telling.next(workflow.Now(ctx), c.Noticed, c.Status != ConnectorRefused)
	c.Noticed = kind != activities.NoticeRecovery
	notice := activities.ConnectorNotice{Connector: c.name, Kind: kind, Reason: c.Reason, Since: c.Since, Key: c.Telling.key(kind),
		Episode: c.Telling.episode(), Began: c.Telling.Began}
	if c.Noticed {
		notice.Stage = c.Telling.Stage
	}
	var told activities.Told
	err := workflow.ExecuteActivity(accountActivity(ctx, "tell people: "+string(kind)), (*activities.Connector).Alert, notice).Get(ctx, &told)
	if err == nil {
		c.Telling.heed(workflow.Now(ctx), kind, told)
	}
	return err
}

func (c *registration) release(ctx workflow.Context) error {
	c.Releases--
	c.Release = workflow.Now(ctx).Add(afterwards)
	options := workflow.GetActivityOptions(accountActivity(ctx, "tell the accounts that wait"))
	options.StartToCloseTimeout = time.Hour // of 10,000 accounts, one after the other; it heartbeats
	var told int
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, options), (*activities.Connector).Release,
		activities.ReleaseInput{Connector: c.name, Episode: c.Episode}).Get(ctx, &told)
	if err == nil {
		workflow.GetLogger(ctx).Info("accounts of the connector were told to go on", "connector", c.name, "accounts", told)
	}
	return err
}

// reopen ends an episode: the provider accepts the app again.
func (c *registration) reopen(now time.Time) {
	c.Ended, c.Refused, c.Tries, c.Pause, c.NextTry = now, nil, 0, 0, time.Time{}
	c.Releases, c.Release = 2, now
	c.enter(now, ConnectorActive, "")
}

func (c *registration) enter(now time.Time, status Condition, reason string) {
	if c.Status != status {
		c.Since = now
	}
	c.Status, c.Reason = status, reason
}

// publish shows the condition in the search attributes and in the Web UI, where it changed.
func (c *registration) publish(ctx workflow.Context) error {
	workflow.SetCurrentDetails(ctx, c.details())
	if c.shown == c.Status {
		return nil
	}
	c.shown = c.Status
	return workflow.UpsertTypedSearchAttributes(ctx, ConnectorStatusKey.ValueSet(string(c.Status)))
}

func (c *registration) details() string {
	text := fmt.Sprintf("**%s** since %s", c.Status, formatTime(c.Since))
	if c.Reason != "" {
		text += "\n- reason: " + c.Reason
	}
	if at := c.tryAt(); !at.IsZero() {
		text += "\n- one account tries: " + formatTime(at)
	}
	if at := c.throttledUntil(); !at.IsZero() {
		text += "\n- until: " + formatTime(at)
	}
	if c.Warning != "" {
		text += "\n- warning: " + c.Warning
	}
	return text
}

func (c *registration) status() ConnectorStatus {
	return ConnectorStatus{
		Connector: c.name, Status: c.Status, Reason: c.Reason, Since: c.Since, Until: c.throttledUntil(), Episode: c.Episode,
		Tries: c.Tries, NextTry: c.tryAt(), Configured: c.Configured, Warning: c.Warning,
	}
}
