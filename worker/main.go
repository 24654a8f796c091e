// Command tokenkeeper-worker runs the Workflows, the Activities and the gateway of tokenkeeper.
//
// One process does all; flags split the roles. Any number of them may run on one task queue and one vault: Temporal gives
// each piece of work to one of them, and the vault's compare-and-swap keeps what a late one writes from harm.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"go.temporal.io/sdk/client"
	"golang.org/x/sync/errgroup"

	"tokenkeeper/gateway"
	"tokenkeeper/internal/app"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal does not wait for what is under way
	err := run(ctx, os.Args[1:])
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "tokenkeeper-worker:", err)
		os.Exit(1)
	}
}

// roles are what this process does.
type roles struct {
	config  string
	worker  bool
	gateway bool
	verbose bool
	healthy string // the gateway to ask instead, "" for none
}

func parse(args []string) (roles, error) {
	var r roles
	flags := flag.NewFlagSet("tokenkeeper-worker", flag.ContinueOnError)
	flags.StringVar(&r.config, "config", "tokenkeeper.yaml", "configuration `file`")
	flags.BoolVar(&r.worker, "worker", true, "run Workflows and Activities")
	flags.BoolVar(&r.gateway, "gateway", true, "serve the pages on which people connect accounts")
	flags.BoolVar(&r.verbose, "verbose", false, "log at debug level")
	flags.StringVar(&r.healthy, "healthy", "", "start nothing: ask the gateway at `host:port`, or https://host:port, whether it works, exit code 1 if not")
	flags.SetOutput(io.Discard) // main says what is wrong, and once
	err := flags.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		flags.SetOutput(os.Stdout)
		flags.Usage()
		return roles{}, err
	}
	if err != nil {
		return roles{}, fmt.Errorf("%w; see --help", err)
	}
	switch {
	case flags.NArg() > 0:
		return roles{}, fmt.Errorf("unexpected argument %q; see --help", flags.Arg(0))
	case !r.worker && !r.gateway:
		return roles{}, errors.New("--worker=false and --gateway=false leave nothing to do; leave one of them out")
	}
	return r, nil
}

func run(ctx context.Context, args []string) error {
	r, err := parse(args)
	if err != nil {
		return err
	}
	if r.healthy != "" {
		return healthy(ctx, r.healthy)
	}
	log := newLog(r.verbose)
	a, err := app.Open(app.Options{ConfigPath: r.config, Log: log})
	if err != nil {
		return err
	}
	defer closeApp(a)
	defer watch(ctx, a)()
	if err := a.OpenVault(ctx); err != nil {
		if fix := app.VaultFix(err); fix != "" {
			return fmt.Errorf("%w; fix: %s", err, fix)
		}
		return err
	}
	if err := waitForTemporal(ctx, a); err != nil {
		return err
	}
	return serve(ctx, a, r)
}

// serve does what the roles ask for until the process is told to stop. Where one of them fails the other ends as well: a
// process that runs on with half of its work looks alive to whatever should start it again.
func serve(ctx context.Context, a *app.App, r roles) error {
	group, ctx := errgroup.WithContext(ctx)
	if r.gateway {
		listener, server, err := openGateway(ctx, a)
		if err != nil {
			return err
		}
		group.Go(func() error { return serveGateway(ctx, a, server, listener) })
	}
	if r.worker {
		group.Go(func() error { return work(ctx, a) })
	}
	return group.Wait()
}

// watch keeps the configuration current until stop is called: files that change are read anew, on SIGHUP at once.
func watch(ctx context.Context, a *app.App) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	hurry := make(chan os.Signal, 1)
	signal.Notify(hurry, syscall.SIGHUP)
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.Watch(ctx, hurry)
	}()
	return func() {
		signal.Stop(hurry)
		cancel()
		<-done
	}
}

func newLog(verbose bool) *slog.Logger {
	level := slog.LevelInfo
	if verbose {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	slog.SetDefault(log)
	return log
}

func closeApp(a *app.App) {
	if err := a.Close(); err != nil {
		a.Log.Error("closing", "error", err)
	}
}

// temporalPatience is how long a worker waits for a Temporal server that starts beside it.
const temporalPatience = 30 * time.Second

func waitForTemporal(ctx context.Context, a *app.App) error {
	ctx, cancel := context.WithTimeout(ctx, temporalPatience)
	defer cancel()
	for told := false; ; told = true {
		_, err := a.Temporal.CheckHealth(ctx, &client.CheckHealthRequest{})
		if err == nil {
			return a.EnsureSearchAttributes(ctx)
		}
		if !told {
			a.Log.Info("waiting for Temporal", "address", a.TemporalAddress, "at_most", temporalPatience)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waiting for Temporal at %s: %w; start it with make run, or set TEMPORAL_ADDRESS", a.TemporalAddress, err)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// work runs the worker until ctx ends or the worker fails, and lets what is under way end.
func work(ctx context.Context, a *app.App) error {
	w := a.NewWorker()
	if err := w.Start(); err != nil {
		return err
	}
	a.Log.Info("worker is running", "task_queue", a.Config().Temporal.TaskQueue, "vault", a.Vault.Name())
	a.OnReload(a.TellConnectors)
	a.OnReload(a.TellTriages)
	a.ConfigureConnectors(ctx)
	a.TellTriages(ctx, nil)
	a.ValidateAll(ctx)
	ctx, stop := context.WithCancel(ctx)
	var handing sync.WaitGroup
	handing.Go(func() { a.HandOver(ctx) })
	defer handing.Wait()
	defer stop()
	tellFaults(ctx, a)
	var failure error
	select {
	case <-ctx.Done():
	case failure = <-w.Failed():
	}
	w.Stop()
	return failure
}

// checkPatience bounds each look at what a worker needs. A token that is over has to be refreshed first.
const checkPatience = 20 * time.Second

// tellFaults logs what the doctor would find. A channel that went away is no reason to stop refreshing everybody's tokens,
// so the worker goes on.
func tellFaults(ctx context.Context, a *app.App) {
	for _, f := range app.Faults(a.Check(ctx, checkPatience)) {
		if ctx.Err() != nil {
			return
		}
		a.Log.WarnContext(ctx, "something needs a person", "what", f.Subject, "problem", f.Problem, "fix", f.Fix, "place", f.Place)
	}
}

func openGateway(ctx context.Context, a *app.App) (net.Listener, *gateway.Server, error) {
	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", a.Config().Gateway.Listen)
	if err != nil {
		return nil, nil, fmt.Errorf("gateway: %w; stop what uses that port, or change gateway.listen in %s", err, a.Config().Path)
	}
	server, err := a.Gateway()
	if err != nil {
		return nil, nil, errors.Join(err, listener.Close())
	}
	a.Log.Info("gateway is serving", "url", a.Config().Gateway.PublicURL)
	return listener, server, nil
}

// serveGateway serves until ctx ends, and then waits for requests under way. Requests that outlast its patience are no failure.
func serveGateway(ctx context.Context, a *app.App, server *gateway.Server, listener net.Listener) error {
	err := server.Serve(ctx, listener)
	if ctx.Err() == nil {
		return err
	}
	if err != nil {
		a.Log.Warn("the gateway cut off requests that did not end in time", "error", err)
	}
	return nil
}
