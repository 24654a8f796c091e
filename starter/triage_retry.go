package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"tokenkeeper/internal/app"
	"tokenkeeper/triage"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

func newTriageRetry(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "retry NAME [REPORT...]",
		Short: "Have parked reports try again",
		Long: `Have every report of a triage that is parked try again at the step where it is, or only those that are named, such as
T0123/C0123/1795649604.376413. One that waits for an account which the triage does not use any more counts as parked. A
step that may have done its work before looks for it first, so nothing is done twice. An issue that is not filed yet is
filed where its route leads by then. A report that waits for an account looks at it again.`,
		Example: `  tokenkeeper triage retry acme/bug-reports
  tokenkeeper triage retry acme/bug-reports T0123456789/C0123456789/1795649604.376413`,
		ValidArgsFunction: c.completeTriage,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return oneTriage(cmd, args)
			}
			for _, report := range args[1:] {
				if _, err := triage.ParseKey(report); err != nil {
					return usage(fmt.Sprintf("%s: report %s: %v", cmd.CommandPath(), report, err), cmd.CommandPath()+" --help")
				}
			}
			return oneTriage(cmd, args[:1])
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.retryReports(cmd.Context(), args[0], args[1:]) },
	}
}

// retried is what retry answers. The Signals are durable: without a worker they take effect when one runs.
type retried struct {
	Triage  string   `json:"triage"`
	Reports []string `json:"reports"`
}

// retryReport refuses a report that is another triage's, or nobody's where there is no such triage: who mixes them up may mean
// another report as well.
func retryReport(ctx context.Context, a *app.App, name, report string) error {
	d, err := a.Temporal.DescribeWorkflowExecution(ctx, workflows.ReportWorkflowID(report), "")
	parent := d.GetWorkflowExecutionInfo().GetParentExecution().GetWorkflowId()
	if _, unknown := a.Plan(name); unknown != nil && parent != workflows.TriageWorkflowID(name) {
		return unknownTriage(unknown)
	}
	if owner, ok := strings.CutPrefix(parent, workflows.TriageWorkflowID("")); ok && owner != name {
		return failf("tokenkeeper triage retry "+owner+" "+report, "report %s belongs to triage %s, and not to %s", report, owner, name)
	}
	if err == nil {
		err = a.Workflows.RetryReport(ctx, report)
	}
	if workflows.IsNotFound(err) {
		return failf("tokenkeeper triage status "+name, "report %s is not under way", report)
	}
	return err
}

func (c *cli) retryReports(ctx context.Context, name string, reports []string) error {
	return c.withTemporal(ctx, func(a *app.App) error {
		if len(reports) == 0 {
			parked, err := a.ParkedReports(ctx, name, c.timeout)
			if err != nil {
				return err
			}
			for _, p := range parked {
				reports = append(reports, p.Report)
			}
			if _, err := a.Plan(name); err != nil && len(parked) == 0 { // reports outlive a triage that is no longer configured
				return unknownTriage(err)
			}
		}
		err := app.Each(ctx, len(reports), func(ctx context.Context, i int) error { return retryReport(ctx, a, name, reports[i]) })
		if len(reports) > 0 && known(a, name, err) {
			c.recordTriage(ctx, a, vault.Retried, name, strings.Join(reports, ", "), err)
		}
		if err != nil {
			return err
		}
		return c.print(retried{Triage: name, Reports: orEmpty(reports)}, func(w io.Writer) { tellRetried(w, name, reports) })
	})
}

func tellRetried(w io.Writer, name string, reports []string) {
	if len(reports) == 0 {
		fmt.Fprintf(w, "no report of triage %s is parked\n", name)
		return
	}
	fmt.Fprintf(w, "told to try again: %s\n", strings.Join(reports, ", "))
}
