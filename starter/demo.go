package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"tokenkeeper/internal/demo"
)

// demoFlags say how to tell the story.
type demoFlags struct {
	worker      string
	data        string
	interactive bool
	stay        bool
	freePorts   bool
	seed        uint64
	ports       demo.Ports
}

func newDemo(c *cli) *cobra.Command {
	var flags demoFlags
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "See bug reports become issues while everything breaks; no accounts needed",
		Long: `Start a Temporal dev server, a simulated Slack and GitHub and two workers on this machine, connect two accounts, and
have people report bugs for a minute and a half, while tokens live seconds, refresh tokens are good once, providers
limit, fail, hang and lose answers, a worker is killed, Temporal restarts, and the Slack app is removed.

It ends with a table of what the simulated providers counted, and with exit code 0 only if nothing was lost, nothing was
filed twice, and no token stands in clear in any file. DEMO_JSON names a file for the same as JSON.`,
		Example: `  tokenkeeper demo
  tokenkeeper demo --interactive
  tokenkeeper demo --stay --temporal-port 7243`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.demo(cmd.Context(), flags) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.worker, "worker", "", "the worker `binary`; by default tokenkeeper-worker beside this one")
	f.StringVar(&flags.data, "data", "", "empty `folder` for databases and logs; by default a temporary one")
	f.BoolVar(&flags.interactive, "interactive", false, "print the reauthorization link and wait until you have consented")
	f.BoolVar(&flags.stay, "stay", false, "keep everything running at the end, until Ctrl-C")
	f.BoolVar(&flags.freePorts, "free-ports", false, "choose free ports instead of the usual ones")
	f.Uint64Var(&flags.seed, "seed", 0, "another number, other messages; by default a new one each time")
	f.IntVar(&flags.ports.Temporal, "temporal-port", 0, "port of the Temporal dev server; 7233 by default")
	f.IntVar(&flags.ports.TemporalUI, "temporal-ui-port", 0, "port of its Web UI; 8233 by default")
	f.IntVar(&flags.ports.Gateway, "gateway-port", 0, "port of the pages for people; 8780 by default")
	f.IntVar(&flags.ports.Sandbox, "sandbox-port", 0, "port of the simulated Slack and GitHub; 8790 by default")
	return cmd
}

func (c *cli) demo(ctx context.Context, flags demoFlags) error {
	worker, err := findWorker(flags.worker)
	if err != nil {
		return err
	}
	if flags.seed == 0 {
		flags.seed = uint64(time.Now().UnixNano())
	}
	result, err := demo.Run(ctx, demo.Options{
		Worker: worker, Dir: flags.data, Out: c.logs(), Interactive: flags.interactive, Stay: flags.stay,
		FreePorts: flags.freePorts, Ports: flags.ports, Seed: flags.seed,
	})
	if err != nil {
		return err
	}
	if path, ok := c.env("DEMO_JSON"); ok && path != "" {
		if err := result.Write(path); err != nil {
			return err
		}
	}
	if c.asJSON {
		err = c.print(result, func(io.Writer) {})
	}
	if err == nil && !result.OK {
		err = failf(fmt.Sprintf("look into the logs, and repeat it with --seed %d", flags.seed), "the demo did not keep its promises")
	}
	return err
}
