package activities

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"tokenkeeper/credential"
)

// NoticePlan says whom to tell, and how often.
type NoticePlan struct {
	// Log says that notices stand in the log of the worker.
	Log bool
	// Targets are all other targets.
	Targets []PlannedTarget
	// Escalation is when people hear again of trouble that goes on, each counted from the first notice. After the last, they
	// do so at its interval. Empty: they hear once.
	Escalation []time.Duration
	// Quiet is for how long after a notice of recovery new trouble is not told.
	Quiet time.Duration
}

// PlannedTarget is a target by its name.
type PlannedTarget struct {
	Name string
	// Through is the connected account that tells; zero where none is needed.
	Through credential.AccountID
}

// reach returns the targets that hear of a, and those that cannot, because they go through what is broken.
func (p NoticePlan) reach(kind NoticeKind, a Announcement) (targets, untold []string) {
	for _, t := range p.Targets {
		broken := kind != NoticeDeadline && !t.Through.IsZero() && (t.Through == a.Account || t.Through.Connector == a.Connector)
		if broken {
			untold = append(untold, t.Name)
			continue
		}
		targets = append(targets, t.Name)
	}
	return targets, untold
}

// after returns when people who were told stage times before hear again, counted from the first notice; 0 for never.
func (p NoticePlan) after(stage int) time.Duration {
	n := len(p.Escalation)
	switch {
	case n == 0:
		return 0
	case stage < n:
		return p.Escalation[stage]
	}
	return p.Escalation[n-1] * time.Duration(stage-n+2)
}

// Target is a place where people read notices.
type Target interface {
	// Send delivers one letter. One whose ID the target got before must not reach people a second time, so far as the target
	// can tell. The error must hold neither the link nor a secret of the target.
	Send(ctx context.Context, l Letter) error
}

// LogTarget is the log of a worker. Notices are logged where they begin, so only test notices are sent to it.
type LogTarget struct{ Log *slog.Logger }

// Send implements [Target].
func (t LogTarget) Send(ctx context.Context, l Letter) error {
	t.Log.InfoContext(ctx, l.Text, "notice", l.ID)
	return nil
}

// Notices brings notices to people. It holds the Activity of the Notice Workflow. A nil one leaves them to the log.
type Notices struct {
	// Plan returns what the configuration says now.
	Plan func() NoticePlan
	// Target finds a target by name. The error names those there are.
	Target func(name string) (Target, error)
	// Post starts the delivery of an announcement to targets; once for each ID.
	Post func(ctx context.Context, a Announcement, targets []string) error
	// Gather is as Post, for what an account announces. Where many do at once it may be told together with others.
	Gather func(ctx context.Context, a Announcement, targets []string) error
	// Link is as [Account.ConnectLink].
	Link func(ctx context.Context, account credential.AccountID, why, episode string) (string, error)
	// Paused returns the triages that stand still because of what a notice tells.
	Paused func(ctx context.Context, n Notice) []string
	// Account and Pause return what an account and the Workflow of a connector say of themselves now; nil where nobody can be asked.
	Account func(ctx context.Context, account credential.AccountID) (credential.AccountStatus, error)
	Pause   func(ctx context.Context, connector string) (Pause, error)
	// Troubled counts the accounts of a provider that do not work now; nil where nobody knows.
	Troubled func(ctx context.Context, provider string) (int64, error)
	Log      *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Told is what follows from a notice. A Workflow plans by it, so that a history has the plan that was in force.
type Told struct {
	// Again is when people hear again if the trouble goes on, counted from its first notice; 0 for never. Nanoseconds.
	Again time.Duration `json:"again,omitempty"`
	// Quiet is for how long from now on new trouble is not told. Nanoseconds.
	Quiet time.Duration `json:"quiet,omitempty"`
}

func (n *Notices) logs() bool { return n == nil || n.Plan().Log }

// tell has an announcement delivered, and returns what follows. It fills in what the plan and the clock add to it.
func (n *Notices) tell(ctx context.Context, kind NoticeKind, a *Announcement) (Told, error) {
	a.Recovery = kind == NoticeRecovery
	if n == nil {
		return Told{}, nil
	}
	plan := n.Plan()
	a.At = time.Now()
	if n.Now != nil {
		a.At = n.Now()
	}
	var targets []string
	targets, a.Untold = plan.reach(kind, *a)
	post := n.Post
	if !a.Account.IsZero() {
		post = n.Gather
	}
	if len(targets) > 0 {
		if err := post(ctx, *a, targets); err != nil {
			return Told{}, fmt.Errorf("starting the delivery of notice %s: %w", a.ID, err)
		}
	}
	if kind == NoticeRecovery {
		return Told{Quiet: plan.Quiet}, nil
	}
	return Told{Again: plan.after(a.Stage)}, nil
}

func (n *Notices) paused(ctx context.Context, notice Notice) []string {
	if n == nil || n.Paused == nil {
		return notice.Triages
	}
	return n.Paused(ctx, notice)
}

// DeliverInput is an announcement for one target.
type DeliverInput struct {
	Target       string       `json:"target"`
	Announcement Announcement `json:"announcement"`
}

// Deliver sends an announcement to one target, with a link where one is needed. A target may have been away for days: where the trouble
// is over by now, as people may have heard already, the letter says so and has no link.
// Errors: [ErrTypeNotConfigured], [ErrTypeRejected], [ErrTypeRateLimited], [ErrTypeOutOfTurn], [ErrTypeProviderUnavailable].
func (n *Notices) Deliver(ctx context.Context, in DeliverInput) error {
	target, err := n.Target(in.Target)
	if err != nil {
		return notConfigured(err)
	}
	letter := n.now(ctx, Letter{Announcement: in.Announcement})
	if letter.Consent {
		letter.Link, err = n.Link(ctx, in.Announcement.Account, in.Announcement.Reason, in.Announcement.Episode)
		if err != nil { // the news is worth more than its link, and Fix says how to get one
			letter.NoLink = noLink(err)
			n.Log.WarnContext(ctx, "no link for a notice", "account", in.Announcement.Account.String(), "error", err)
		}
	}
	return target.Send(ctx, letter)
}

// overPatience bounds the question whether a trouble is over. Who cannot be asked is in trouble still.
const overPatience = 5 * time.Second

// now returns what a letter says if what it tells of is over by now.
func (n *Notices) now(ctx context.Context, l Letter) Letter {
	ctx, cancel := context.WithTimeout(ctx, overPatience)
	defer cancel()
	switch {
	case l.Recovery:
	case len(l.Accounts) > 0 && n.Account != nil:
		return n.nowOfMany(ctx, l)
	case !l.Account.IsZero() && n.Account != nil:
		if since, over := n.over(ctx, l.Announcement); over {
			return l.ended(since)
		}
	case l.Type == "connector."+string(NoticeTrouble) && n.Pause != nil:
		if pause, err := n.Pause(ctx, l.Connector); err == nil && !pause.Refused {
			return l.ended(time.Time{})
		}
	}
	return l
}

// over reports whether what a letter tells of an account is over, and since when; since is zero where nobody knows.
func (n *Notices) over(ctx context.Context, a Announcement) (since time.Time, over bool) {
	status, err := n.Account(ctx, a.Account)
	switch {
	case err != nil || status.Status != credential.Active && status.Status != credential.Disconnected:
		return time.Time{}, false
	case a.Deadline.IsZero():
		return status.Since, true
	}
	return time.Time{}, status.ConsentBy.IsZero() || status.ConsentBy.After(a.Deadline)
}

// askedAtOnce bounds the questions to accounts: each is a task for a worker.
const askedAtOnce = 8

// nowOfMany asks the accounts that a letter names. Where it tells of more, it is over when no account of the provider is in trouble.
func (n *Notices) nowOfMany(ctx context.Context, l Letter) Letter {
	var over atomic.Int64
	var group errgroup.Group
	group.SetLimit(askedAtOnce)
	for _, account := range l.Accounts {
		group.Go(func() error {
			if _, ok := n.over(ctx, l.of(account)); ok {
				over.Add(1)
			}
			return nil
		})
	}
	_ = group.Wait() // who cannot be asked is in trouble still
	l.OverNow = int(over.Load())
	if l.OverNow == len(l.Accounts) && (l.Count <= len(l.Accounts) || n.nobodyTroubled(ctx, l)) {
		return l.ended(time.Time{})
	}
	return l
}

// nobodyTroubled cannot be said of deadlines: an account works until its own.
func (n *Notices) nobodyTroubled(ctx context.Context, l Letter) bool {
	if n.Troubled == nil || !l.Deadline.IsZero() {
		return false
	}
	troubled, err := n.Troubled(ctx, l.Provider)
	return err == nil && troubled == 0
}
