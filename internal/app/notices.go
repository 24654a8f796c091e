package app

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"tokenkeeper/activities"
	"tokenkeeper/config"
	"tokenkeeper/credential"
	"tokenkeeper/workflows"
)

// noticePatience bounds one request to a webhook. The Standard Webhooks specification suggests 15 to 30 s.
const noticePatience = 20 * time.Second

func (a *App) notices() *activities.Notices {
	return &activities.Notices{
		Plan:    a.noticePlan,
		Target:  a.noticeTarget,
		Post:    a.Workflows.PostNotice,
		Gather:  a.Workflows.GatherNotice,
		Link:    a.ConnectLink,
		Paused:  a.pausedBy,
		Account: a.Workflows.Account,
		Pause:   a.Workflows.Pause,
		Log:     a.Log,

		Troubled: a.troubled,
	}
}

// troubled counts the accounts of a provider that wait for somebody, or will: people hear of those.
func (a *App) troubled(ctx context.Context, provider string) (int64, error) {
	return a.Count(ctx, fmt.Sprintf("%s AND %s = '%s' AND %s IN ('%s', '%s', '%s')", RunningAccounts, workflows.AccountProviderKey.GetName(), provider,
		workflows.AccountStatusKey.GetName(), credential.Degraded, credential.ReauthorizationRequired, credential.ClientMisconfigured))
}

func (a *App) noticePlan() activities.NoticePlan {
	n := a.Config().Notices
	plan := activities.NoticePlan{Escalation: n.Escalation, Quiet: n.Quiet}
	for _, name := range slices.Sorted(maps.Keys(n.Targets)) {
		switch t := n.Targets[name]; t.Type {
		case config.TargetLog:
			plan.Log = true
		case config.TargetEmail:
			for _, address := range t.To {
				plan.Targets = append(plan.Targets, activities.PlannedTarget{Name: mailbox(name, address)})
			}
		default:
			plan.Targets = append(plan.Targets, activities.PlannedTarget{Name: name, Through: t.Account})
		}
	}
	return plan
}

// mailbox names one address of a target of the configuration: ops/jane@example.com.
func mailbox(target, address string) string { return target + "/" + address }

// noticeTarget makes what sends to a target of the configuration, by the name that the plan has for it.
//
//nolint:ireturn // of which type it is, the configuration says
func (a *App) noticeTarget(name string) (activities.Target, error) {
	c := a.Config()
	entry, address, _ := strings.Cut(name, "/")
	t := c.Notices.Targets[entry]
	switch {
	case t.Type == config.TargetWebhook && address == "":
		return a.webhook(name, t), nil
	case t.Type == config.TargetSlack && address == "":
		return &activities.SlackChannel{Name: name, Slack: a.Slack(), Account: t.Account, Channel: t.Channel}, nil
	case t.Type == config.TargetEmail && slices.Contains(t.To, address):
		return newMailbox(entry, t, address), nil
	case t.Type == config.TargetLog && address == "":
		return activities.LogTarget{Log: a.Log}, nil
	}
	return nil, fmt.Errorf("%s has no target %q under notices.targets any more", c.Path, name)
}

func (a *App) webhook(name string, t config.NoticeTarget) *activities.Webhook {
	return &activities.Webhook{
		Name: name, URL: t.Address(), Secret: t.Secret(),
		HTTP: &http.Client{Transport: a.base, Timeout: noticePatience, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // whoever answers instead is not whom the secret is shared with
		}},
	}
}

func newMailbox(name string, t config.NoticeTarget, address string) *activities.Mailbox {
	return &activities.Mailbox{
		Name: name, From: t.From, To: address,
		Server: activities.MailServer{Host: t.Host, Port: t.Port, TLS: activities.MailTLS(t.TLS), User: t.Username, Password: t.Secret()},
	}
}

// pausedPatience bounds how long all triages are asked for a notice.
const pausedPatience = 3 * time.Second

// pausedBy returns the triages that stand still because of an account, in order: those that wait for it, those whose
// reports do, and, where nothing can be read without it, those that will notice with their next poll.
func (a *App) pausedBy(ctx context.Context, n activities.Notice) []string {
	ctx, cancel := context.WithTimeout(ctx, pausedPatience)
	defer cancel()
	paused := slices.Clone(n.Triages)
	triages := a.Config().Triages
	var mu sync.Mutex // guards paused
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(triages)), func(name string) bool { return slices.Contains(n.Triages, name) })
	_ = Each(ctx, len(names), func(ctx context.Context, i int) error { // no error: a triage that does not answer is not known to be paused
		t := triages[names[i]]
		uses := slices.Contains(t.Accounts(), n.Account)
		waits := slices.ContainsFunc(t.Routes, func(r config.Route) bool { return n.Channels[r.Channel] > 0 })
		unread := t.Slack == n.Account && n.Status.NeedsPerson()
		if uses && waits || unread && a.reads(ctx, names[i]) {
			mu.Lock()
			defer mu.Unlock()
			paused = append(paused, names[i])
		}
		return nil
	})
	slices.Sort(paused)
	return paused
}

// reads reports whether a triage runs and would read its channels if it could.
func (a *App) reads(ctx context.Context, name string) bool {
	description, err := a.Temporal.DescribeWorkflowExecution(ctx, workflows.TriageWorkflowID(name), "")
	if err != nil || description.GetWorkflowExecutionInfo().GetCloseTime() != nil {
		return false
	}
	status, err := a.Workflows.TriageStatus(ctx, name)
	return err == nil && (status.State == workflows.TriagePolling || status.State == workflows.TriageWaiting)
}
