package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"tokenkeeper/internal/app"
	"tokenkeeper/internal/devserver"
	"tokenkeeper/internal/process"
	"tokenkeeper/provider"
)

// followEvery is how often the worker's log is looked at.
const followEvery = 100 * time.Millisecond

// runFlags say what to run, and where.
type runFlags struct {
	worker       string
	data         string
	port, uiPort int
}

func newRun(c *cli) *cobra.Command {
	var flags runFlags
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the worker, and a Temporal dev server if there is none",
		Long: `Run everything on this machine until Ctrl-C: the worker with the gateway, and, unless TEMPORAL_ADDRESS is set or a
server answers on the usual port, the Temporal dev server with its Web UI. Its database is a file, so a restart loses
nothing. The key of the vault has to be there: make it once with "tokenkeeper vault init".

The worker's log is printed and kept with that of the server under --data.`,
		Example: `  tokenkeeper run
  tokenkeeper run --config acme.yaml --temporal-port 7234`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.run(cmd.Context(), flags) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.worker, "worker", "", "the worker `binary`; by default tokenkeeper-worker beside this one")
	f.StringVar(&flags.data, "data", "", "`folder` for database and logs; by default tokenkeeper-data beside the configuration")
	f.IntVar(&flags.port, "temporal-port", 0, "port of the Temporal dev server; 7233 by default")
	f.IntVar(&flags.uiPort, "temporal-ui-port", 0, "port of its Web UI; 8233 by default")
	return cmd
}

func (c *cli) run(ctx context.Context, flags runFlags) error {
	worker, err := findWorker(flags.worker)
	if err != nil {
		return err
	}
	flags.worker = worker
	var server *devserver.Server
	err = c.withApp(func(a *app.App) (err error) { // a faulty configuration or a vault without a key is reported before anything starts
		if err := c.openVault(ctx, a); err != nil {
			return err
		}
		if flags.data == "" {
			flags.data = filepath.Join(filepath.Dir(a.Config().Path), "tokenkeeper-data")
		}
		server, err = c.ownTemporal(ctx, a, flags)
		return err
	})
	if err != nil {
		return err
	}
	if server == nil {
		return c.runWorker(ctx, flags, nil, nil)
	}
	settings := []string{"TEMPORAL_ADDRESS=" + server.HostPort(), "TEMPORAL_NAMESPACE=" + server.Namespace()}
	err = c.runWorker(ctx, flags, settings, server.Process().Done())
	return errors.Join(err, server.Process().Err(), server.Stop())
}

// findWorker returns the worker's binary: the one that was named, or the one beside this program.
func findWorker(named string) (string, error) {
	if named == "" {
		self, err := os.Executable()
		if err != nil {
			return "", fmt.Errorf("looking for the worker: %w", err)
		}
		named = filepath.Join(filepath.Dir(self), "tokenkeeper-worker")
	}
	if _, err := os.Stat(named); err != nil {
		return "", failf("build it with `make build`, or name it with --worker", "the worker is missing: %w", err)
	}
	return named, nil
}

// ownTemporal starts a Temporal server, and returns nil where there already is one to use.
func (c *cli) ownTemporal(ctx context.Context, a *app.App, flags runFlags) (*devserver.Server, error) {
	may := c.mayStartTemporal(a.TemporalAddress)
	if !may || flags.port == 0 { // a port asks for a server of our own, whatever else runs
		unreachable := c.reach(ctx, a)
		switch {
		case unreachable == nil:
			return nil, c.tellTemporal(temporalInUse{Address: a.TemporalAddress})
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !may:
			return nil, unreachableElsewhere(unreachable)
		}
	}
	server, err := devserver.Start(ctx, devserver.Options{Dir: flags.data, Port: flags.port, UIPort: flags.uiPort})
	if err != nil {
		return nil, err
	}
	if err := c.tellTemporal(temporalInUse{Address: server.HostPort(), UI: server.UI(), Log: server.LogFile()}); err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	return server, nil
}

// unreachableElsewhere is for a server that the user named: this command must not start another one instead.
func unreachableElsewhere(err error) error {
	f := explain(err)
	f.fix = "start the server, or let `make run` start one of its own: without TEMPORAL_ADDRESS and a profile that names another machine"
	return f
}

// temporalInUse is the server that a run works with; where it was started here, with its Web UI and log.
type temporalInUse struct {
	Address string `json:"temporal"`
	UI      string `json:"web_ui,omitempty"`
	Log     string `json:"log,omitempty"`
}

func (c *cli) tellTemporal(t temporalInUse) error {
	return c.print(t, func(w io.Writer) { details(w, []fact{{"Temporal", t.Address}, {"Web UI", t.UI}, {"log", t.Log}}) })
}

// logs returns where the worker's log goes: with --json, standard output is for the one document.
func (c *cli) logs() io.Writer {
	if c.asJSON {
		return c.stderr
	}
	return c.stdout
}

// mayStartTemporal reports whether a server of our own is what the user wants: nobody said where another one is.
func (c *cli) mayStartTemporal(address string) bool {
	if named, set := c.env("TEMPORAL_ADDRESS"); set && named != "" {
		return false
	}
	host, _, err := net.SplitHostPort(address)
	return err == nil && provider.IsLoopback(host)
}

// runWorker runs the worker until ctx ends, or the worker does, or the server that it was started with.
func (c *cli) runWorker(ctx context.Context, flags runFlags, settings []string, server <-chan struct{}) error {
	log := filepath.Join(flags.data, "worker.log")
	from, err := sizeOf(log)
	if err != nil {
		return err
	}
	worker, err := process.Start(process.Options{
		Name: "the worker", Path: flags.worker, Args: []string{"--config", c.configPath},
		Env: overridden(os.Environ(), settings), LogFile: log,
		Grace: 45 * time.Second, // the worker's own patience with Activities under way is 40 s
	})
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.Go(func() error { return follow(log, from, c.logs(), worker.Done()) })
	select {
	case <-ctx.Done():
		c.notef("stopping")
	case <-worker.Done():
	case <-server:
	}
	err = errors.Join(worker.Stop(), group.Wait())
	if ctx.Err() == nil && err == nil && worker.Err() != nil {
		return failf("see what it said last, above and in "+log, "%w", worker.Err())
	}
	return err
}

// overridden returns the environment, with settings in place of the variables of the same name.
func overridden(pairs, settings []string) []string {
	kept := slices.DeleteFunc(slices.Clone(pairs), func(pair string) bool {
		name, _, _ := strings.Cut(pair, "=")
		return slices.ContainsFunc(settings, func(s string) bool { return strings.HasPrefix(s, name+"=") })
	})
	return append(kept, settings...)
}

// sizeOf returns the size of a file, 0 for one that does not exist yet.
func sizeOf(path string) (int64, error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// follow copies what is appended to a file after an offset, until done is closed, and then the rest. The worker writes to
// the file itself, so that a terminal that blocks never blocks the worker.
func follow(path string, from int64, to io.Writer, done <-chan struct{}) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("following the worker's log: %w", err)
	}
	defer func() { _ = file.Close() }() // nothing was written
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		return fmt.Errorf("following the worker's log: %w", err)
	}
	again := time.NewTicker(followEvery)
	defer again.Stop()
	for ended := false; ; {
		if _, err := io.Copy(to, file); err != nil || ended {
			return err
		}
		select {
		case <-done:
			ended = true
		case <-again.C:
		}
	}
}
