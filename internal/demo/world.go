package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/internal/devserver"
	"tokenkeeper/internal/process"
	"tokenkeeper/sandbox"
	"tokenkeeper/vault"
)

const (
	triageName = "acme/bug-reports"
	// The lifetimes are those of the story: short enough that every token dies many times in a minute and a half.
	slackLifetime  = 10 * time.Second
	githubLifetime = 8 * time.Second

	slackClientID  = "1111111111.2222222222"
	githubClientID = "Iv23liSandboxTriage0"
)

var (
	slackAccount  = credential.AccountID{Organization: "acme", User: "triage", Connector: "slack"}
	githubAccount = credential.AccountID{Organization: "acme", User: "triage", Connector: "github"}
)

// world is everything that runs.
type world struct {
	narrator *narrator
	options  Options
	ports    Ports
	dir      string
	settings map[string]string // environment of workers and client

	sandbox *sandbox.Sandbox
	serving *http.Server
	server  *devserver.Server
	app     *app.App

	mu       sync.Mutex          // guards what follows
	workers  [2]*process.Process // nil until they are started
	kills    int
	restarts int
}

// open starts all parts but the workers, cheapest first, so that what is missing is told before anything runs.
func open(ctx context.Context, o Options) (*world, error) {
	w := &world{narrator: newNarrator(o.Out), options: o}
	ports, err := o.Ports.settle(ctx, o.FreePorts)
	if err != nil {
		return nil, err
	}
	w.ports = ports
	w.settings = map[string]string{ //nolint:gosec // opens nothing but the sandbox
		"TEMPORAL_ADDRESS": at(ports.Temporal), "TEMPORAL_NAMESPACE": "default",
		"SLACK_CLIENT_SECRET": "demo-slack-client-secret", "GITHUB_CLIENT_SECRET": "demo-github-client-secret",
	}
	for _, start := range []func(context.Context) error{w.prepare, w.serveSandbox, w.startTemporal, w.openApp} {
		if err := start(ctx); err != nil {
			return nil, errors.Join(err, w.close())
		}
	}
	return w, nil
}

// prepare makes the folder with configuration and key.
func (w *world) prepare(context.Context) error {
	w.dir = w.options.Dir
	if w.dir == "" {
		dir, err := os.MkdirTemp("", "tokenkeeper-demo-")
		if err != nil {
			return fmt.Errorf("making a folder for the demo: %w", err)
		}
		w.dir = dir
	}
	if err := os.MkdirAll(w.dir, 0o700); err != nil {
		return fmt.Errorf("making a folder for the demo: %w", err)
	}
	if _, err := vault.CreateKeyset(w.path("vault.key")); err != nil {
		return fmt.Errorf("%w; name an empty folder", err)
	}
	return os.WriteFile(w.path("tokenkeeper.yaml"), []byte(w.configuration()), 0o600)
}

func (w *world) path(name string) string { return filepath.Join(w.dir, name) }

func (w *world) serveSandbox(ctx context.Context) error {
	w.sandbox = sandbox.New(sandbox.Options{
		PublicURL: w.sandboxURL(),
		Slack: sandbox.AppOptions{
			ClientID: slackClientID, ClientSecret: w.settings["SLACK_CLIENT_SECRET"], AccessLifetime: slackLifetime,
			Rotation: sandbox.RotationRevokeFamily, OldAccess: sandbox.OldAccessLives,
		},
		GitHub: sandbox.AppOptions{
			ClientID: githubClientID, ClientSecret: w.settings["GITHUB_CLIENT_SECRET"], AccessLifetime: githubLifetime,
			Rotation: sandbox.RotationSingleUse, OldAccess: sandbox.OldAccessEnds,
		},
	})
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", at(w.ports.Sandbox))
	if err != nil {
		return fmt.Errorf("listening for the sandbox: %w", err)
	}
	w.serving = &http.Server{Handler: w.sandbox.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = w.serving.Serve(listener) }() // ends with close; a sandbox that fails shows in every act
	return nil
}

func (w *world) sandboxURL() string { return "http://" + at(w.ports.Sandbox) }

func (w *world) startTemporal(ctx context.Context) error {
	server, err := devserver.Start(ctx, devserver.Options{
		CLI: w.options.CLI, Dir: w.dir, Port: w.ports.Temporal, UIPort: w.ports.TemporalUI,
	})
	w.server = server
	return err
}

// openApp opens what the command line uses, with the demo's settings and nothing of the user's own.
func (w *world) openApp(context.Context) error {
	a, err := app.Open(app.Options{ConfigPath: w.path("tokenkeeper.yaml"), Env: func(name string) (string, bool) {
		value, ok := w.settings[name]
		return value, ok
	}})
	w.app = a
	return err
}

// startWorker starts worker 0, which serves the gateway, or worker 1.
func (w *world) startWorker(ctx context.Context, i int) error {
	args := []string{"--config", w.path("tokenkeeper.yaml"), fmt.Sprintf("--gateway=%t", i == 0)}
	p, err := process.Start(process.Options{
		Name: fmt.Sprintf("worker %d", i+1), Path: w.options.Worker, Args: args, Env: w.environment(),
		LogFile: w.path(fmt.Sprintf("worker-%d.log", i+1)), Grace: 45 * time.Second,
	})
	if err != nil {
		return err
	}
	w.mu.Lock()
	w.workers[i] = p
	w.mu.Unlock()
	if i > 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return p.Await(ctx, w.gatewayHealthy)
}

// environment is that of this process, with the demo's settings in the place of any Temporal settings.
func (w *world) environment() []string {
	var env []string
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if _, ours := w.settings[name]; !ours && !strings.HasPrefix(name, "TEMPORAL_") {
			env = append(env, pair)
		}
	}
	for name, value := range w.settings {
		env = append(env, name+"="+value)
	}
	return env
}

func (w *world) gatewayHealthy(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, w.app.Config().Gateway.PublicURL+"/healthz", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body) // only the status matters
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("the gateway answers HTTP %d", response.StatusCode)
	}
	return nil
}

// stop ends workers and server, so that every file is written. Repeating it is fine.
func (w *world) stop() error {
	var errs []error
	for _, worker := range w.running() {
		errs = append(errs, worker.Stop())
	}
	if w.server != nil {
		errs = append(errs, w.server.Stop())
	}
	return errors.Join(errs...)
}

// close ends everything.
func (w *world) close() error {
	var errs []error
	if w.app != nil {
		errs = append(errs, w.app.Close())
	}
	if w.sandbox != nil {
		w.sandbox.Close() // lets hanging answers go, or the workers would wait for them
	}
	errs = append(errs, w.stop())
	if w.serving != nil {
		errs = append(errs, w.serving.Close())
	}
	return errors.Join(errs...)
}
