package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// replan reads the configuration again, because the person who asks for another try may have changed it: the accounts of the
// triage and, while the issue is not filed, its repository. Where the triage is no longer configured, the Report keeps what
// it had.
func (r *reporter) replan(ctx workflow.Context) {
	var plan activities.Plan
	err := workflow.ExecuteActivity(planActivity(ctx), (*activities.Triage).Plan, activities.PlanInput{Triage: r.in.Triage}).Get(ctx, &plan)
	if err != nil {
		return
	}
	r.slack = plan.Slack
	if r.Issue == nil {
		r.fileWith(plan.FilerInstead(r.draft.GitHub, r.key.Channel, r.repository()))
	}
	if r.Step == stepFile {
		r.reroute(ctx)
	}
}

// repository is the one that the report goes to.
func (r *reporter) repository() string { return r.draft.Issue.Owner + "/" + r.draft.Issue.Repo }

// fileWith has another account file the report. The places where the former account may have filed it are still looked
// through, with that account.
func (r *reporter) fileWith(account credential.AccountID) {
	was := r.draft.GitHub
	if account == was {
		return
	}
	if r.Step == stepFile {
		r.filedMaybe(triage.Place{Repository: r.repository()})
	}
	seen := func(places []triage.Place) (now []triage.Place) {
		for _, at := range places {
			now = append(now, at.Seen(was, account))
		}
		return now
	}
	r.before, r.draft.Elsewhere, r.draft.GitHub = seen(r.before), seen(r.draft.Elsewhere), account
}

// filedMaybe notes places where an attempt may have filed the report.
func (r *reporter) filedMaybe(places ...triage.Place) {
	r.before = slices.Concat(r.before, places)
	slices.SortFunc(r.before, triage.Place.Compare)
	r.before = slices.Compact(r.before)
}

// changeReroutes: before it, every retry used the repository that was chosen first, whatever the configuration said by then.
const changeReroutes = "report-reroutes"

// reroutePatience bounds the choice of another route. Where it fails, the report goes where it went before.
const reroutePatience = time.Minute

// reroute chooses the route again, because the repository may be what GitHub refuses. The former repository stays among the
// places that are looked through before anything is filed: an attempt whose answer was lost may have filed the report there.
func (r *reporter) reroute(ctx workflow.Context) {
	if workflow.GetVersion(ctx, changeReroutes, workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return
	}
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: reroutePatience, ScheduleToCloseTimeout: reroutePatience, HeartbeatTimeout: heartbeatTimeout,
		Summary: "choose the route anew", RetryPolicy: wary(),
	})
	var now activities.Draft
	err := workflow.ExecuteActivity(ctx, (*activities.Slack).Read, activities.ReadInput{
		Triage: r.in.Triage, Report: r.key, Answered: r.draft.Answered,
	}).Get(ctx, &now)
	if err != nil || now.Verdict != activities.IsReport {
		workflow.GetLogger(ctx).Info("a report keeps its route", "report", r.Report, "verdict", now.Verdict, "error", err)
		return
	}
	r.draft.Answered = now.Answered
	former := triage.Place{Account: r.draft.GitHub, Repository: r.repository()}
	if r.fileWith(now.GitHub); now.Issue.Owner+"/"+now.Issue.Repo == former.Repository {
		return // what is filed is what was read, and what people were asked about
	}
	if !r.in.New {
		r.filedMaybe(now.Elsewhere...)
	}
	r.filedMaybe(former.Seen(now.GitHub, now.GitHub))
	r.draft.Issue, r.draft.Source, r.draft.Edited = now.Issue, now.Source, now.Edited
}
