package app

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"tokenkeeper/activities"
	"tokenkeeper/config"
	"tokenkeeper/credential"
)

// noticeAccounts returns the accounts that tell notices, in the order of their targets.
func (a *App) noticeAccounts() []credential.AccountID {
	targets := a.Config().Notices.Targets
	var accounts []credential.AccountID
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		if account := targets[name].Account; !account.IsZero() {
			accounts = append(accounts, account)
		}
	}
	return accounts
}

// checkNotices checks that the channels of notices can be posted to and their mail servers accept us. It sends nothing,
// so it cannot check a webhook. The vault must be open.
func (a *App) checkNotices(ctx context.Context, patience time.Duration) []Finding {
	targets := a.Config().Notices.Targets
	slack := activities.Slack{APIs: a}
	var checks []check
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		switch t := targets[name]; t.Type {
		case config.TargetSlack:
			checks = append(checks, func(ctx context.Context) Finding {
				f := a.checkRoute("channel "+t.Channel, "notices.targets."+name+".channel",
					slack.CheckChannel(ctx, activities.ChannelInput{Account: t.Account, Channel: t.Channel}))
				if f.Subject != "" { // else the check of the account says why it could not be looked at
					f.Subject = "notices to " + f.Subject
				}
				return f
			})
		case config.TargetEmail:
			checks = append(checks, func(ctx context.Context) Finding {
				return a.noticeFinding("notices by mail server "+t.Host, name, message(newMailbox(name, t, t.To[0]).Check(ctx)))
			})
		}
	}
	return slices.DeleteFunc(a.lookAtAll(ctx, patience, checks), func(f Finding) bool { return f.Subject == "" })
}

// noticeFinding makes a finding of what a target answered; problem is "" where all is well.
func (a *App) noticeFinding(subject, target, problem string) Finding {
	if problem == "" {
		return Finding{Subject: subject, OK: true}
	}
	problem, fix, _ := strings.Cut(problem, "; ")
	return Finding{Subject: subject, Problem: problem, Fix: fix, Place: a.Config().Position("notices.targets." + target).String()}
}

// message returns what the error of an Activity says, without what Temporal wraps around it; "" for nil.
func message(err error) string {
	if err == nil {
		return ""
	}
	if failed, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return failed.Message()
	}
	return err.Error()
}

// ErrNoWorker is returned where nothing can happen because no worker runs.
var ErrNoWorker = errors.New("no worker polls the task queue")

// NoticeTargets returns the names of all targets, or of what one target of the configuration stands for.
func (a *App) NoticeTargets(only string) []string {
	plan := a.noticePlan()
	var names []string
	for name, t := range a.Config().Notices.Targets {
		if t.Type == config.TargetLog {
			names = append(names, name)
		}
	}
	for _, t := range plan.Targets {
		names = append(names, t.Name)
	}
	slices.Sort(names)
	return slices.DeleteFunc(names, func(name string) bool {
		entry, _, _ := strings.Cut(name, "/")
		return only != "" && only != name && only != entry
	})
}

// TestNotices has a worker send a test to targets, and returns the result for each. by is who asked for it. Errors:
// [ErrNoWorker], those of Temporal.
func (a *App) TestNotices(ctx context.Context, by string, targets []string) ([]Finding, error) {
	polled, err := a.polled(ctx, a.Config().Temporal.TaskQueue, enums.TASK_QUEUE_TYPE_WORKFLOW)
	if err != nil {
		return nil, err
	}
	if !polled {
		return nil, ErrNoWorker
	}
	results, err := a.Workflows.TestNotice(ctx, activities.TestAnnouncement(by, time.Now()), targets)
	if err != nil {
		return nil, err
	}
	findings := make([]Finding, len(results))
	for i, r := range results {
		entry, _, _ := strings.Cut(r.Target, "/")
		findings[i] = a.noticeFinding("target "+r.Target, entry, r.Error)
	}
	return findings, nil
}
