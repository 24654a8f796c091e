package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"tokenkeeper/config"
	"tokenkeeper/internal/app"
)

func newDoctor(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Check everything, and say how to mend what is wrong",
		Long: `Check the configuration, Temporal, the vault and its key, every account, channel and repository, and print each
fault with the place in the configuration it belongs to and what to do. A worker checks the same when it has started, and
logs each fault.

The exit code is 1 when something is wrong, and 5 when the configuration cannot be used at all.`,
		Example: `  tokenkeeper doctor
  tokenkeeper doctor --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.doctor(cmd.Context()) },
	}
}

// diagnosis is what the doctor prints.
type diagnosis struct {
	OK       bool          `json:"ok"`
	Findings []app.Finding `json:"findings"`
}

func (c *cli) doctor(ctx context.Context) error {
	a, err := c.open()
	if faults, ok := errors.AsType[*config.Error](err); ok {
		return c.diagnose(misconfigurations(faults), exitConfig)
	}
	if err != nil {
		return err
	}
	findings := a.Check(ctx, c.timeout)
	return errors.Join(c.diagnose(findings, exitFailure), ctx.Err(), a.Close())
}

func misconfigurations(faults *config.Error) []app.Finding {
	var findings []app.Finding
	for _, p := range faults.Problems {
		subject := "configuration"
		if p.Path != "" {
			subject = p.Path
		}
		findings = append(findings, app.Finding{
			Subject: subject, Problem: p.Message, Fix: p.Fix,
			Place: config.Position{File: p.File, Line: p.Line, Column: p.Column}.String(),
		})
	}
	return findings
}

// diagnose prints the findings. The error has the code when there is a bad one among them.
func (c *cli) diagnose(findings []app.Finding, code int) error {
	bad := 0
	for _, f := range findings {
		if !f.OK {
			bad++
		}
	}
	err := c.print(diagnosis{OK: bad == 0, Findings: orEmpty(findings)}, func(w io.Writer) { tellFindings(w, findings) })
	if err != nil || bad == 0 {
		return err
	}
	return &failure{
		code: code, err: fmt.Errorf("%d of %d checks found something wrong", bad, len(findings)),
		fix: "mend what is listed, then run tokenkeeper doctor again",
	}
}

func tellFindings(w io.Writer, findings []app.Finding) {
	for _, f := range findings {
		if f.OK {
			fmt.Fprintf(w, "ok    %s\n", printable(f.Subject))
			continue
		}
		fmt.Fprintf(w, "FAIL  %s: %s\n", printable(f.Subject), printable(f.Problem))
		if f.Place != "" {
			fmt.Fprintf(w, "      %s\n", printable(f.Place))
		}
		if f.Fix != "" {
			fmt.Fprintf(w, "      fix: %s\n", printable(f.Fix))
		}
	}
}
