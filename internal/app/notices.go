package app

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"tokenkeeper/activities"
	"tokenkeeper/config"
	"tokenkeeper/credential"
)

// noticePatience bounds one request to a webhook. The Standard Webhooks specification suggests 15 to 30 s.
const noticePatience = 20 * time.Second

func (a *App) notices() *activities.Notices {
	return &activities.Notices{
		Plan:       a.noticePlan,
		Target:     func(name string) (activities.Target, error) { return a.webhook(name) },
		Post:       a.Workflows.PostNotice,
		Link:       a.ConnectLink,
		Dependents: a.triagesOf,
		Log:        a.Log,
	}
}

func (a *App) noticePlan() activities.NoticePlan {
	n := a.Config().Notices
	plan := activities.NoticePlan{Escalation: n.Escalation, Quiet: n.Quiet}
	for _, name := range slices.Sorted(maps.Keys(n.Targets)) {
		if n.Targets[name].Type == config.TargetLog {
			plan.Log = true
			continue
		}
		plan.Targets = append(plan.Targets, name)
	}
	return plan
}

// webhook makes what sends to a target of the configuration. The log needs none: it is written where a notice begins.
func (a *App) webhook(name string) (*activities.Webhook, error) {
	c := a.Config()
	t, ok := c.Notices.Targets[name]
	if !ok || t.Type != config.TargetWebhook {
		return nil, fmt.Errorf("%s has no target %q under notices.targets any more", c.Path, name)
	}
	return &activities.Webhook{
		Name: name, URL: t.Address(), Secret: t.Secret(),
		HTTP: &http.Client{Transport: a.base, Timeout: noticePatience, CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // whoever answers instead is not whom the secret is shared with
		}},
	}, nil
}

// triagesOf returns the triages that use an account, in order.
func (a *App) triagesOf(account credential.AccountID) []string {
	triages := a.Config().Triages
	return slices.DeleteFunc(slices.Sorted(maps.Keys(triages)), func(name string) bool {
		return triages[name].Slack != account && triages[name].GitHub != account
	})
}
