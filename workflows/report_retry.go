package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
)

// replan reads the configuration anew, which whoever asks for another try may have changed: which accounts the triage uses and,
// while the issue is not filed, which repository is its. A triage that is not configured any more goes on with what it had.
func (r *reporter) replan(ctx workflow.Context) {
	var plan activities.Plan
	err := workflow.ExecuteActivity(planActivity(ctx), (*activities.Triage).Plan, activities.PlanInput{Triage: r.in.Triage}).Get(ctx, &plan)
	if err != nil {
		return
	}
	r.slack, r.github = plan.Slack, plan.GitHub
	if r.Step == stepFile {
		r.reroute(ctx)
	}
}

// changeReroutes: a report was tried in the repository that was chosen first, whatever its route said when it was retried.
const changeReroutes = "report-reroutes"

// reroutePatience bounds the choice of another route. Without one the report goes where it went before.
const reroutePatience = time.Minute

// reroute chooses the route anew: it may be the repository that GitHub refuses. The one of before is looked through first, as
// are all that the report may have gone to: an attempt whose answer was lost may have filed it there.
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
	former := r.draft.Issue.Owner + "/" + r.draft.Issue.Repo
	if now.Issue.Owner+"/"+now.Issue.Repo == former {
		return // what is filed is what was read, and what people were asked about
	}
	if !r.in.New {
		r.before = slices.Concat(r.before, now.Elsewhere)
	}
	r.before = append(r.before, former)
	slices.Sort(r.before)
	r.before = slices.Compact(r.before)
	r.draft.Issue, r.draft.Source = now.Issue, now.Source
}
