package devserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/log"

	"tokenkeeper/internal/process"
)

// attemptTimeout bounds one question whether the server is ready. Connecting to a port on which nothing listens yet
// fails at once, but gRPC then waits a growing time before it tries again.
const attemptTimeout = 2 * time.Second

// A Server is a dev server that was started. Its methods may be called from any goroutine.
type Server struct {
	options Options

	mu      sync.Mutex // held for the whole of a restart, so that Stop finds the new server
	process *process.Process
}

// Start runs a dev server and returns when it answers. The context bounds the start only; the server runs until
// [Server.Stop] or [Server.Kill], or until this process ends. The error is a [PortTakenError] when a port is in use, and
// [ErrNoCLI] when there is nothing to run.
func Start(ctx context.Context, o Options) (*Server, error) {
	o = o.withDefaults()
	if o.CLI == "" {
		cli, err := FindCLI()
		if err != nil {
			return nil, err
		}
		o.CLI = cli
	}
	o, err := o.withPorts(ctx)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(o.DBFile), 0o700); err != nil {
		return nil, fmt.Errorf("folder of the Temporal database: %w", err)
	}
	s := &Server{options: o}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// withPorts chooses the ports that are still zero, which they are with FreePorts only.
func (o Options) withPorts(ctx context.Context) (Options, error) {
	var err error
	if o.Port == 0 {
		o.Port, err = freePortOtherThan(ctx, o.Host, o.UIPort)
	}
	if err == nil && o.UIPort == 0 {
		o.UIPort, err = freePortOtherThan(ctx, o.Host, o.Port)
	}
	return o, err
}

// start runs the server with the options settled, the first time or again. Nobody else has s, or the caller holds mu.
func (s *Server) start(ctx context.Context) error {
	o := s.options
	if err := errors.Join(
		CheckPort(ctx, "the Temporal server", o.Host, o.Port, o.PortSetting),
		CheckPort(ctx, "the Temporal Web UI", o.Host, o.UIPort, o.UIPortSetting),
	); err != nil {
		return err
	}
	p, err := process.Start(process.Options{
		Name: "the Temporal server", Path: o.CLI, Args: o.arguments(), Env: environment(), LogFile: o.LogFile,
	})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.StartTimeout, fmt.Errorf("waited %s", o.StartTimeout))
	defer cancel()
	if err := p.Await(ctx, s.ready); err != nil {
		return errors.Join(err, p.Kill())
	}
	s.process = p
	return nil
}

// ready returns nil when the frontend is healthy and knows the namespace, of which its health says nothing.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	c, err := client.DialContext(ctx, client.Options{
		HostPort: s.HostPort(), Namespace: s.options.Namespace,
		// Attempts before the server listens are expected to fail; they are no news for anybody's log.
		Logger: log.NewStructuredLogger(slog.New(slog.DiscardHandler)),
	})
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.CheckHealth(ctx, nil); err != nil {
		return err
	}
	// It shows that requests find the namespace: to describe it the server looks elsewhere, where it is sooner.
	_, err = c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{})
	return err
}

// HostPort returns the address of the frontend, for [client.Options] and TEMPORAL_ADDRESS.
func (s *Server) HostPort() string { return hostPort(s.options.Host, s.options.Port) }

// UI returns the URL of the Web UI.
func (s *Server) UI() string { return "http://" + hostPort(s.options.Host, s.options.UIPort) }

// Namespace returns the namespace that was made sure of.
func (s *Server) Namespace() string { return s.options.Namespace }

// DBFile returns the database file. SQLite keeps two more beside it, with -wal and -shm at the end.
func (s *Server) DBFile() string { return s.options.DBFile }

// LogFile returns the file with the server's output, of all its starts.
func (s *Server) LogFile() string { return s.options.LogFile }

// CLI returns the path of the Temporal CLI that is the server.
func (s *Server) CLI() string { return s.options.CLI }

// Process returns the server process; after a restart it is another one.
func (s *Server) Process() *process.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process
}

// Stop ends the server as Ctrl-C does and returns when it has ended. Its data stays in the database file.
func (s *Server) Stop() error { return s.Process().Stop() }

// Kill ends the server at once, as kill -9 does.
func (s *Server) Kill() error { return s.Process().Kill() }

// Restart stops the server, if it still runs, and starts it again on the same ports and the same database file. It
// returns when the server answers again; clients that were connected find it by themselves.
func (s *Server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	// A server that had to be killed is gone as well, and its database is made for that.
	if err := s.process.Stop(); s.process.Running() {
		return err
	}
	return s.start(ctx)
}
