package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/temporal"

	"tokenkeeper/activities"
	"tokenkeeper/internal/app"
	"tokenkeeper/triage"
)

func newTriagePreview(c *cli) *cobra.Command {
	since, flags := age(7*day), previewFlags{}
	cmd := &cobra.Command{
		Use:   "preview NAME",
		Short: "Show what a triage would have filed",
		Long: `Read what people posted to the channels of a triage lately, and show what would be filed of it under the configuration
as it is: title, repository, labels, severity, template, and why or why not. Nothing is filed and nothing is posted, and the
triage need not run. What was filed already is shown all the same. The rules read the messages; with --model the language model of
the configuration does, which costs its tokens and counts towards model.daily_tokens.

It costs a request for every 200 messages, and two of GitHub for each repository with a report, more where its templates have to
be searched for the one for bugs. Where GitHub does not show them, reports are shown without. Where Slack limits reading it waits,
and says so; Ctrl-C ends it.`,
		Example: `  tokenkeeper triage preview acme/bug-reports
  tokenkeeper triage preview acme/bug-reports --since 36h --reports
  tokenkeeper triage preview acme/bug-reports --since 36h --model`,
		ValidArgsFunction: c.completeTriage,
		Args:              oneTriage,
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.previewTriage(cmd.Context(), args[0], time.Now().Add(-time.Duration(since)), flags)
		},
	}
	cmd.Flags().Var(&since, "since", "how far to look back")
	cmd.Flags().BoolVar(&flags.reports, "reports", false, "leave out what would not be filed")
	cmd.Flags().BoolVar(&flags.model, "model", false, "have the language model of the configuration read the messages")
	return cmd
}

type previewFlags struct{ reports, model bool }

func (c *cli) previewTriage(ctx context.Context, name string, since time.Time, flags previewFlags) error {
	return c.withApp(func(a *app.App) error {
		if _, err := a.Plan(name); err != nil {
			return unknownTriage(err)
		}
		if flags.model && !a.Config().Model.InUse() {
			return noModel(a)
		}
		if err := c.openVault(ctx, a); err != nil {
			return err
		}
		preview, err := a.Preview(ctx, name, app.PreviewOptions{Since: since, ByModel: flags.model, Waiting: func(channel string, pause time.Duration) {
			c.notef("note: Slack limits reading; channel %s goes on in %s", channel, pause.Round(time.Second))
		}})
		if err != nil {
			return explainActivity(err)
		}
		read := len(preview.Messages)
		c.noteReaders(a, flags.model, preview.Messages)
		c.noteUntemplated(preview.Messages)
		if flags.reports {
			preview.Messages = slices.DeleteFunc(preview.Messages, func(p activities.Previewed) bool { return p.Verdict == activities.NotReport })
		}
		return c.print(preview, func(w io.Writer) { tellPreview(w, preview, read) })
	})
}

// noteReaders says where somebody else read the messages than would in the triage.
func (c *cli) noteReaders(a *app.App, byModel bool, messages []activities.Previewed) {
	if !byModel && a.Config().Model.InUse() {
		c.notef("note: the rules read these messages; with --model the model reads them, as it does in the triage")
	}
	unread := slices.DeleteFunc(slices.Clone(messages), func(p activities.Previewed) bool { return p.Unread == "" })
	if len(unread) > 0 {
		c.notef("note: the rules read %d of these messages in the place of the model; the first because it %s", len(unread), unread[0].Unread)
	}
}

// noteUntemplated says why reports are shown without the template that their route wants, once for each reason.
func (c *cli) noteUntemplated(messages []activities.Previewed) {
	reports := map[string]int{} // :: reason → how many
	for _, p := range messages {
		if p.Untemplated != "" {
			reports[p.Untemplated]++
		}
	}
	for _, reason := range slices.Sorted(maps.Keys(reports)) {
		c.notef("note: without a template: %d; %s", reports[reason], reason)
	}
}

// explainActivity makes a failure of the error of an Activity that was run here.
func explainActivity(err error) error {
	refused, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok {
		return err
	}
	var down activities.Unavailable
	if refused.Type() == activities.ErrTypeAccountUnavailable && refused.Details(&down) == nil {
		return needsPerson(down.Account, down.Status, down.Reason)
	}
	problem, fix, _ := strings.Cut(refused.Message(), "; ")
	return failf(fix, "%s", problem)
}

func tellPreview(w io.Writer, preview app.Preview, read int) {
	headings := []string{"POSTED", "CHANNEL", "BECOMES", "REPOSITORY", "LABELS", "SEVERITY", "TITLE", "WHY"}
	templated := slices.ContainsFunc(preview.Messages, func(p activities.Previewed) bool { return p.Template != "" })
	if templated {
		headings = append(headings, "TEMPLATE")
	}
	var rows [][]string
	filed := 0
	for _, p := range preview.Messages {
		if p.Verdict != activities.NotReport {
			filed++
		}
		row := []string{
			p.Report.Time().Local().Format(time.DateTime), p.Report.Channel, becomes(p.Verdict), p.Place().String(), strings.Join(p.Labels, ", "),
			p.Severity, clip(p.Title, 60), clip(p.Reason, 80),
		}
		if templated {
			row = append(row, p.Template)
		}
		rows = append(rows, row)
	}
	fmt.Fprintf(w, "%s since %s: %d of %d messages would be filed\n", preview.Triage, preview.Since.Local().Format(time.DateTime), filed, read)
	if len(rows) > 0 {
		table(w, headings, rows)
	}
	var over []string
	for _, reason := range slices.Sorted(maps.Keys(preview.PassedOver)) {
		over = append(over, fmt.Sprintf("%d %s", preview.PassedOver[reason], skipped(reason)))
	}
	if len(over) > 0 {
		fmt.Fprintf(w, "passed over: %s\n", strings.Join(over, ", "))
	}
}

func becomes(verdict activities.Verdict) string {
	switch verdict {
	case activities.IsReport:
		return "an issue"
	case activities.WouldAsk:
		return "a question"
	case activities.WouldFile:
		return "a line in the log"
	default:
		return "nothing"
	}
}

// skipped names a kind of message that is never looked into.
func skipped(reason string) string {
	switch reason {
	case triage.SkipOwn:
		return "of our own"
	case triage.SkipBot:
		return "of apps"
	case triage.SkipReply:
		return "replies"
	case triage.SkipEmpty:
		return "empty"
	case triage.SkipSubtype:
		return "joins, topics and the like"
	}
	return "without a key"
}
