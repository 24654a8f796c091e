package devserver

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"
)

func startServer(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Kill(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func dial(t *testing.T, s *Server) client.Client {
	t.Helper()
	c, err := client.DialContext(t.Context(), client.Options{HostPort: s.HostPort(), Namespace: s.Namespace()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// listener takes a port for the time of the test.
func listener(t *testing.T) int {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	address, ok := l.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatalf("address is %v", l.Addr())
	}
	return address.Port
}

func TestAServerKeepsItsDataOverStopKillAndRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "for it")
	s := startServer(t, Options{Dir: dir, FreePorts: true, Namespace: "tokenkeeper"})
	c := dial(t, s)

	run, err := c.ExecuteWorkflow(t.Context(), client.StartWorkflowOptions{ID: "account/acme/triage/slack", TaskQueue: "nobody"}, "Waiting")
	if err != nil {
		t.Fatal(err)
	}
	address, ui, first := s.HostPort(), s.UI(), s.Process()

	stillThere := func() {
		t.Helper()
		found, err := c.DescribeWorkflow(t.Context(), run.GetID(), run.GetRunID())
		if err != nil {
			t.Fatal(err)
		}
		if found.Status != enums.WORKFLOW_EXECUTION_STATUS_RUNNING {
			t.Errorf("status is %s", found.Status)
		}
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	stillThere()
	if first.Running() || first == s.Process() {
		t.Error("the first server is still there")
	}
	if s.HostPort() != address || s.UI() != ui {
		t.Errorf("moved to %s and %s", s.HostPort(), s.UI())
	}

	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	stillThere()

	begin := time.Now()
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	t.Logf("stopped in %s", time.Since(begin))
	for _, port := range []int{s.options.Port, s.options.UIPort} {
		if err := CheckPort(t.Context(), "the test", "127.0.0.1", port, "none"); err != nil {
			t.Errorf("after Stop: %v", err)
		}
	}
	for _, file := range []string{s.DBFile(), s.LogFile()} {
		if filepath.Dir(file) != dir {
			t.Errorf("%s is not in %s", file, dir)
		}
		if _, err := os.Stat(file); err != nil {
			t.Error(err)
		}
	}
}

func TestAServerHasTheSearchAttributes(t *testing.T) {
	s := startServer(t, Options{Dir: t.TempDir(), FreePorts: true})
	c := dial(t, s)
	answer, err := c.OperatorService().ListSearchAttributes(t.Context(),
		&operatorservice.ListSearchAttributesRequest{Namespace: s.Namespace()})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]enums.IndexedValueType{
		"AccountStatus":   enums.INDEXED_VALUE_TYPE_KEYWORD,
		"AccountProvider": enums.INDEXED_VALUE_TYPE_KEYWORD,
		"TokenExpiresAt":  enums.INDEXED_VALUE_TYPE_DATETIME,
		"AccountHeldBy":   enums.INDEXED_VALUE_TYPE_KEYWORD,
		"ConnectorStatus": enums.INDEXED_VALUE_TYPE_KEYWORD,
	} {
		if got := answer.GetCustomAttributes()[name]; got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

func TestATakenPortIsNamedBeforeAnythingStarts(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		want    PortTakenError
	}{
		"frontend": {
			options: Options{Port: listener(t), FreePorts: true},
			want:    PortTakenError{What: "the Temporal server", Setting: "--temporal-port"},
		},
		"Web UI, and a setting of the caller": {
			options: Options{UIPort: listener(t), FreePorts: true, UIPortSetting: "DEMO_UI_PORT"},
			want:    PortTakenError{What: "the Temporal Web UI", Setting: "DEMO_UI_PORT"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			o := test.options
			o.Dir = t.TempDir()
			_, err := Start(t.Context(), o)
			taken, ok := errors.AsType[*PortTakenError](err)
			if !ok {
				t.Fatalf("err is %v", err)
			}
			test.want.Host, test.want.Port = "127.0.0.1", max(test.options.Port, test.options.UIPort)
			if *taken != test.want {
				t.Errorf("got %+v, want %+v", *taken, test.want)
			}
			if !strings.Contains(err.Error(), strconv.Itoa(test.want.Port)) || !strings.Contains(err.Error(), test.want.Setting) {
				t.Errorf("text is %q", err)
			}
			if _, err := os.Stat(filepath.Join(o.Dir, "temporal.log")); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("a server was started: %v", err)
			}
		})
	}
}

func TestAnImpossibleAddressIsNoTakenPort(t *testing.T) {
	err := CheckPort(t.Context(), "the test", "192.0.2.1", 7233, "--host")
	if _, taken := errors.AsType[*PortTakenError](err); taken || err == nil || !strings.Contains(err.Error(), "--host") {
		t.Errorf("err is %v", err)
	}
}

func TestAServerThatCannotStartTellsWhy(t *testing.T) {
	_, err := Start(t.Context(), Options{Dir: t.TempDir(), FreePorts: true, LogLevel: "shouting"})
	if err == nil || !strings.Contains(err.Error(), "ended before it was ready") || !strings.Contains(err.Error(), "shouting") {
		t.Errorf("err is %v", err)
	}
}

func TestTheStartIsBounded(t *testing.T) {
	// A program that runs but never listens.
	mute := executable(t, t.TempDir(), "temporal", "#!/bin/sh\nsleep 1000\n")
	_, err := Start(t.Context(), Options{CLI: mute, Dir: t.TempDir(), FreePorts: true, StartTimeout: 100 * time.Millisecond})
	if err == nil || !strings.Contains(err.Error(), "waited 100ms") {
		t.Errorf("err is %v", err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Start(ctx, Options{CLI: mute, Dir: t.TempDir(), FreePorts: true}); !errors.Is(err, context.Canceled) {
		t.Errorf("err is %v", err)
	}
}

func TestDefaultsAreTemporalsOwn(t *testing.T) {
	o := Options{Dir: "data"}.withDefaults()
	s := &Server{options: o}
	if s.HostPort() != "127.0.0.1:7233" || s.UI() != "http://127.0.0.1:8233" || s.Namespace() != "default" {
		t.Errorf("%s, %s, %s", s.HostPort(), s.UI(), s.Namespace())
	}
	if !slices.Equal(o.arguments(), []string{
		"server", "start-dev", "--ip", "127.0.0.1", "--port", "7233", "--ui-port", "8233",
		"--namespace", "default", "--db-filename", "data/temporal.db", "--log-level", "warn",
		"--search-attribute", "AccountHeldBy=Keyword", "--search-attribute", "AccountProvider=Keyword",
		"--search-attribute", "AccountStatus=Keyword", "--search-attribute", "ConnectorStatus=Keyword",
		"--search-attribute", "TokenExpiresAt=Datetime",
		"--dynamic-config-value", "history.transferProcessorMaxPollRPS=1000",
	}) {
		t.Errorf("arguments are %q", o.arguments())
	}
}

func TestTheServerDoesNotInheritClientSettings(t *testing.T) {
	t.Setenv("TEMPORAL_ADDRESS", "elsewhere:7233")
	t.Setenv("UNRELATED", "stays")
	env := environment()
	if slices.Contains(env, "TEMPORAL_ADDRESS=elsewhere:7233") || !slices.Contains(env, "UNRELATED=stays") {
		t.Errorf("environment is %q", env)
	}
}

func TestFreePortsAreBelowThoseOfOutgoingConnections(t *testing.T) {
	for range 20 {
		port, err := FreePort(t.Context(), "127.0.0.1")
		if err != nil || port < 20_000 || port >= 32_000 {
			t.Errorf("port %d, %v", port, err)
		}
	}
	if _, err := FreePort(t.Context(), "192.0.2.1"); err == nil {
		t.Error("a port on a foreign address is free")
	}
}
