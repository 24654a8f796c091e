package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/internal/app"
	"tokenkeeper/triage"
)

type triageReports struct {
	Triages []gateway.TriageView `json:"triages"`
}

func newTriageStatus(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "status [NAME]",
		Short: "Show what triages do, and when they last worked",
		Long: `Show one triage or all: what it does, which accounts it waits for, when each channel was last read, and how many
reports are under way, wait for people's answer, are done, or parked because a provider refuses them. A triage "last
worked" when Slack last answered it.
Where a language model reads the messages: the tokens of today, and since when the rules stand in for it.

A parked report waits for a person; after mending the cause, send it on its way with tokenkeeper triage retry.`,
		Example: `  tokenkeeper triage status
  tokenkeeper triage status acme/bug-reports --json`,
		ValidArgsFunction: c.completeTriage,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			return oneTriage(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error { return c.triageStatus(cmd.Context(), args) },
	}
}

func (c *cli) triageStatus(ctx context.Context, names []string) error {
	return c.withTemporal(ctx, func(a *app.App) error {
		if a.Config().Model.InUse() {
			if err := c.openVault(ctx, a); err != nil {
				c.notef("note: what the model costs is not known: %v", err)
			}
		}
		reports, err := a.LookAtTriages(ctx, c.timeout, names...)
		if err != nil {
			return err
		}
		idle := len(reports) == 1 && reports[0].State == gateway.TriageNotRunning
		if idle {
			if _, err := a.Plan(reports[0].Triage); err != nil {
				return unknownTriage(err)
			}
		}
		if err := c.print(triageReports{Triages: reports}, func(w io.Writer) { tellTriages(w, time.Now(), reports) }); err != nil {
			return err
		}
		if idle {
			return notRunning(a, reports[0].Triage)
		}
		return nil
	})
}

func tellTriages(w io.Writer, now time.Time, reports []gateway.TriageView) {
	if len(reports) == 0 {
		fmt.Fprintln(w, "no triages; add one under triages: in the configuration")
	}
	for i, r := range reports {
		if i > 0 {
			fmt.Fprintln(w)
		}
		tellTriage(w, now, r)
	}
}

func tellTriage(w io.Writer, now time.Time, r gateway.TriageView) {
	fmt.Fprintf(w, "%s: %s%s\n", r.Triage, r.State, lastWorked(now, r))
	switch r.State {
	case gateway.TriageNotRunning:
		fmt.Fprintf(w, "  fix: tokenkeeper triage start %s\n", r.Triage)
		return
	case gateway.TriageNoWorker:
		fmt.Fprintln(w, "  no worker answers, so nothing is read or filed now; fix: make run")
	}
	if r.Backlog != "" {
		fmt.Fprintf(w, "  %s\n", r.Backlog)
	}
	if r.Trouble != "" {
		fmt.Fprintf(w, "  %s\n    fix: correct tokenkeeper.yaml; it goes on by itself, and nothing is lost meanwhile\n", printable(r.Trouble))
	}
	if r.Outdated {
		fmt.Fprintf(w, "  it runs with other settings than this configuration has; workers have it take them over within seconds\n"+
			"    fix: if they do not, tokenkeeper triage reload %s\n", r.Triage)
	}
	for _, down := range r.Waiting {
		fmt.Fprintf(w, "  waits for account %s, which is %s\n", down.Account, down.Status)
		tellRemedy(w, down.Account, down.Status)
	}
	tellChannels(w, now, r.Channels)
	if r.Watch != nil {
		fmt.Fprintf(w, "threads and issues: not all follow each other%s: %s\n", sinceWhen(now, r.Watch.FailingSince), printable(r.Watch.Trouble))
	}
	tellModel(w, now, r.Model)
	fmt.Fprintf(w, "reports: %d under way, %d done, %d failed, %s parked\n",
		r.Reports.UnderWay(), r.Reports.Done, r.Reports.Failed, parkedCount(r.Reports))
	if r.Reports.Unheard > 0 && r.State != gateway.TriageNoWorker {
		fmt.Fprintf(w, "  %d did not say in time how they are\n    fix: give them more: tokenkeeper triage status %s --timeout 1m\n",
			r.Reports.Unheard, r.Triage)
	}
	if r.Reports.Asking > 0 {
		fmt.Fprintf(w, "  waiting for an answer: %d\n", r.Reports.Asking)
	}
	for _, down := range r.Reports.Waiting {
		fmt.Fprintf(w, "  %d wait for account %s, which is %s\n", down.Reports, down.Account, down.Status)
		tellRemedy(w, down.Account, down.Status)
	}
	for _, s := range r.Reports.Slow {
		fmt.Fprintf(w, "  slow %s: trying to %s since %s\n", s.Report, s.Step, relative(now, s.Since))
	}
	for _, p := range r.Reports.Parked {
		fmt.Fprintf(w, "  parked %s: %s\n", p.Report, printable(p.Reason))
	}
	if len(r.Reports.Parked) > 0 {
		fmt.Fprintf(w, "    fix: mend the cause, then: tokenkeeper triage retry %s\n", r.Triage)
	}
}

// parkedCount says how many reports are parked, in so far as that is known.
func parkedCount(r gateway.ReportsView) string {
	if r.Unheard > 0 {
		return fmt.Sprintf("at least %d", len(r.Parked))
	}
	return fmt.Sprint(len(r.Parked))
}

// tellModel says what the model costs, and whether the rules stand in for it.
func tellModel(w io.Writer, now time.Time, m *gateway.ModelView) {
	if m == nil {
		return
	}
	fmt.Fprintf(w, "model %s: %s\n", printable(m.Model), m.Cost())
	if !m.FailingSince.IsZero() {
		fmt.Fprintf(w, "  the rules stand in since %s, because the model %s\n", relative(now, m.FailingSince), printable(m.Failure))
	}
}

// lastWorked says when the triage last did its work, as far as that is known.
func lastWorked(now time.Time, r gateway.TriageView) string {
	switch {
	case r.State == gateway.TriageNotRunning, r.State == gateway.TriageNoWorker:
		return ""
	case r.Worked.IsZero():
		return ", has not worked yet"
	}
	return ", last worked " + relative(now, r.Worked)
}

// trouble says what is wrong with a channel, and since when.
func trouble(now time.Time, ch gateway.ChannelView) string {
	if ch.Trouble == "" || ch.FailingSince.IsZero() {
		return ch.Trouble
	}
	return "since " + relative(now, ch.FailingSince) + ": " + ch.Trouble
}

// sinceWhen says since when, as far as that is known.
func sinceWhen(now, at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return " since " + relative(now, at)
}

func tellRemedy(w io.Writer, account credential.AccountID, status credential.Status) {
	if fix := app.Remedy(account, status); fix != "" {
		fmt.Fprintf(w, "    fix: %s\n", fix)
	}
}

func tellChannels(w io.Writer, now time.Time, channels []gateway.ChannelView) {
	if len(channels) == 0 {
		return
	}
	rows := make([][]string, len(channels))
	for i, ch := range channels {
		rows[i] = []string{
			ch.Channel, destination(ch), relative(now, ch.LastPoll), relative(now, ch.NextPoll), positive(int(ch.Attempts)),
			positive(ch.Messages), relative(now, triage.Key{TS: ch.Watermark}.Time()), trouble(now, ch),
		}
	}
	table(w, []string{"CHANNEL", "REPOSITORY", "LAST READ", "NEXT", "ATTEMPTS", "MESSAGES", "READ UP TO", "TROUBLE"}, rows)
	for _, ch := range channels {
		if ch.Mode == gateway.ModeDryRun {
			fmt.Fprintf(w, "  %s: what would be filed is in the log of the workers; it is not filed later either\n", ch.Channel)
		}
		if ch.Note != "" {
			fmt.Fprintf(w, "  %s: %s\n", ch.Channel, ch.Note)
		}
	}
}

// destination says where the reports of a channel go, and whether they do.
func destination(ch gateway.ChannelView) string {
	if ch.Mode == "" {
		return ch.Repository
	}
	return ch.Repository + " (" + ch.Mode + ")"
}
