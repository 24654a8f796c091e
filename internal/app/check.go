package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/enums/v1"
	taskqueuepb "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/temporal"
	"golang.org/x/sync/errgroup"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/triage"
	"tokenkeeper/workflows"
)

// Finding is the result of one check.
type Finding struct {
	// Subject is what was checked.
	Subject string `json:"subject"`
	OK      bool   `json:"ok"`
	// Problem and Fix are empty where all is well.
	Problem string `json:"problem,omitempty"`
	Fix     string `json:"fix,omitempty"`
	// Place is where the configuration speaks of it: "file:line:column".
	Place string `json:"place,omitempty"`
}

// checksAtOnce bounds the checks under way together.
const checksAtOnce = 8

// check makes one check. Where that is impossible, because something it depends on is broken, it finds nothing: the check
// of that says so.
type check func(ctx context.Context) Finding

// Check checks everything that has to be right for the work to go on: Temporal and its workers, the vault and its key,
// every connector, every account, every triage and its reports, every channel, repository and template of a triage whose
// account works, and where notices go. Each check takes at most patience.
func (a *App) Check(ctx context.Context, patience time.Duration) []Finding {
	findings := []Finding{{Subject: "configuration " + a.Config().Path, OK: true}}
	reached := a.look(ctx, patience, a.checkTemporal)
	vault := a.look(ctx, patience, a.checkVault)
	findings = append(findings, reached, vault)
	if a.Config().Gateway.TLS.On() {
		findings = append(findings, a.checkCertificate(time.Now()))
	}
	if a.Config().Gateway.BehindProxy() && a.Config().Gateway.AsksWho() {
		findings = append(findings, a.checkProxies())
	}
	findings = append(findings, a.checkLinks())
	if a.Config().Gateway.OIDC.On() {
		findings = append(findings, a.look(ctx, patience, a.checkOpenID))
	}
	if !reached.OK {
		return findings
	}
	checks := []check{a.checkWorkers, a.checkDelivery}
	if a.Config().Model.InUse() {
		checks = append(checks, a.checkModel)
	}
	for _, name := range slices.Sorted(maps.Keys(a.Config().Connectors)) {
		checks = append(checks, func(ctx context.Context) Finding { return a.checkConnector(ctx, name) })
	}
	for _, account := range a.accountsInUse(ctx) {
		checks = append(checks, func(ctx context.Context) Finding { return a.checkAccount(ctx, account) })
	}
	if vault.OK {
		checks = append(checks, a.checkConsents)
	}
	findings = append(findings, a.lookAtAll(ctx, patience, checks)...)
	names := slices.Sorted(maps.Keys(a.Config().Triages))
	var triages []check
	for _, name := range names {
		triages = append(triages, func(ctx context.Context) Finding { return a.checkTriageState(ctx, name, patience) })
	}
	findings = append(findings, a.lookAtAll(ctx, 2*patience, triages)...) // a count, and questions that only a worker answers
	if !vault.OK {
		return findings
	}
	for _, name := range names {
		findings = append(findings, a.CheckTriage(ctx, name, patience)...)
	}
	return append(findings, a.checkNotices(ctx, patience)...)
}

// CheckTriage checks the channels, repositories and templates of one triage. Those whose account has no usable token are
// left out: they cannot be checked, and the check of the account says why. The vault must be open.
func (a *App) CheckTriage(ctx context.Context, name string, patience time.Duration) []Finding {
	t, ok := a.Config().Triage(name)
	if !ok {
		return nil
	}
	slack, github := activities.Slack{APIs: a, Plans: a}, activities.GitHub{APIs: a}
	var checks []check
	seen := map[string]bool{}
	once := func(subject, place string, look func(context.Context) error) {
		if !seen[subject] {
			checks = append(checks, func(ctx context.Context) Finding { return a.checkRoute(subject, place, look(ctx)) })
		}
		seen[subject] = true
	}
	for i, route := range t.Routes {
		path := fmt.Sprintf("triages.%s.routes[%d]", name, i)
		once("channel "+route.Channel, path+".channel", func(ctx context.Context) error {
			return slack.CheckChannel(ctx, activities.ChannelInput{Account: t.Slack, Channel: route.Channel})
		})
		filer := t.Filer(route)
		at := triage.Place{Account: filer, Repository: route.Repository}.Seen(t.GitHub, t.GitHub).String()
		once("repository "+at, path+".repository", func(ctx context.Context) error {
			return github.CheckRepository(ctx, activities.RepositoryInput{Account: filer, Repository: route.Repository})
		})
		if triage.IsTemplateFile(route.Template) {
			once("template "+route.Template+" of "+at, path+".template", func(ctx context.Context) error {
				return github.CheckTemplate(ctx, activities.TemplateInput{Account: filer, Repository: route.Repository, Template: route.Template})
			})
		}
	}
	return slices.DeleteFunc(a.lookAtAll(ctx, patience, checks), func(f Finding) bool { return f.Subject == "" })
}

func (a *App) look(ctx context.Context, patience time.Duration, c check) Finding {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return c(ctx)
}

// lookAtAll makes the checks concurrently and returns the findings in order.
func (a *App) lookAtAll(ctx context.Context, patience time.Duration, checks []check) []Finding {
	findings := make([]Finding, len(checks))
	var group errgroup.Group
	group.SetLimit(checksAtOnce)
	for i, c := range checks {
		group.Go(func() error {
			findings[i] = a.look(ctx, patience, c)
			return nil
		})
	}
	_ = group.Wait() // no check fails: it finds
	return findings
}

func (a *App) checkTemporal(ctx context.Context) Finding {
	f := Finding{Subject: fmt.Sprintf("Temporal at %s, namespace %s", a.TemporalAddress, a.Namespace)}
	if _, err := a.Temporal.CheckHealth(ctx, nil); err != nil {
		f.Problem, f.Fix = "it does not answer: "+err.Error(), "start it with `make run`, or set TEMPORAL_ADDRESS to where it runs"
		return f
	}
	missing, err := a.missingSearchAttributes(ctx)
	switch {
	case err != nil:
		f.Problem, f.Fix = err.Error(), "set TEMPORAL_NAMESPACE, or: temporal operator namespace create --namespace "+a.Namespace
	case len(missing) > 0:
		f.Problem, f.Fix = "search attributes are missing: "+strings.Join(slices.Sorted(maps.Keys(missing)), ", "), registerCommand(missing)
	default:
		f.OK = true
	}
	return f
}

// checkVault opens the vault and leaves it open for the checks that need it.
func (a *App) checkVault(ctx context.Context) Finding {
	f := Finding{Subject: vaultSubject(a.Config().Vault), Place: a.Config().Position("vault").String()}
	if a.Vault == nil {
		if err := a.OpenVault(ctx); err != nil {
			f.Problem, f.Fix = err.Error(), VaultFix(err)
			return f
		}
	}
	f.OK, f.Place = true, ""
	return f
}

func (a *App) checkWorkers(ctx context.Context) Finding {
	queue := a.Config().Temporal.TaskQueue
	f := Finding{Subject: "workers of task queue " + queue}
	polled, err := a.polled(ctx, queue, enums.TASK_QUEUE_TYPE_WORKFLOW)
	switch {
	case err != nil:
		f.Problem = "asking Temporal for them: " + err.Error()
	case !polled:
		f.Problem, f.Fix = "none polls it, so nothing is refreshed and nothing is filed", "start one with `make run` or bin/tokenkeeper-worker"
	default:
		f.OK = true
	}
	return f
}

// polled reports whether a worker asked for tasks of the queue within the last minutes.
func (a *App) polled(ctx context.Context, queue string, kind enums.TaskQueueType) (bool, error) {
	answer, err := a.Temporal.WorkflowService().DescribeTaskQueue(ctx, &workflowservice.DescribeTaskQueueRequest{
		Namespace: a.Namespace, TaskQueue: &taskqueuepb.TaskQueue{Name: queue}, TaskQueueType: kind,
	})
	return len(answer.GetPollers()) > 0, err
}

// accountsInUse returns the accounts that the configuration names or the vault holds, each once, in order.
func (a *App) accountsInUse(ctx context.Context) []credential.AccountID {
	used := map[credential.AccountID]bool{}
	for _, account := range a.ConfiguredAccounts() {
		used[account] = true
	}
	if a.Vault != nil {
		held, err := a.Vault.Accounts(ctx)
		if err != nil {
			a.Log.WarnContext(ctx, "listing the accounts of the vault", "error", err)
		}
		for _, summary := range held {
			used[summary.Account] = true
		}
	}
	return slices.SortedFunc(maps.Keys(used), func(x, y credential.AccountID) int { return strings.Compare(x.String(), y.String()) })
}

func (a *App) checkAccount(ctx context.Context, account credential.AccountID) Finding {
	f := Finding{Subject: "account " + account.String()}
	if _, err := a.Config().ConnectorOf(account); err != nil {
		f.Problem, f.Fix = err.Error(), "add the connector again, or: tokenkeeper account disconnect "+account.String()+" --force"
		return f
	}
	status, err := a.Workflows.Account(ctx, account)
	switch {
	case workflows.IsNotFound(err):
		f.Problem, f.Fix = "nobody connected it", "tokenkeeper account connect "+account.String()
	case err != nil:
		f.Problem, f.Fix = "it does not answer: "+err.Error(), "see whether a worker runs"
	case status.Status == credential.Active:
		f.OK = true
	default:
		f.Problem, f.Fix = accountProblem(status), Remedy(account, status.Status)
	}
	return f
}

// checkRoute makes a finding of what an API says about a channel or repository; the zero one where it could not be asked.
func (a *App) checkRoute(subject, path string, err error) Finding {
	if err == nil {
		return Finding{Subject: subject, OK: true}
	}
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	if ok && app.Type() != activities.ErrTypeRejected {
		return Finding{}
	}
	text := err.Error()
	if ok {
		text = app.Message()
	}
	about, _, _ := strings.Cut(subject, " via ") // the text names the account where that matters
	problem, fix, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(text, "looking at "), about+": "), "; ")
	return Finding{Subject: subject, Problem: problem, Fix: fix, Place: a.Config().Position(path).String()}
}

// Faults returns the findings that are bad.
func Faults(findings []Finding) []Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f Finding) bool { return f.OK })
}

// String writes "place: subject: problem; fix: what to do", leaving out what is not known.
func (f Finding) String() string {
	text := f.Subject + ": " + cmp.Or(f.Problem, "ok")
	if f.Place != "" {
		text = f.Place + ": " + text
	}
	if f.Fix != "" {
		text += "; fix: " + f.Fix
	}
	return text
}
