// Package app wires the parts together from the configuration, once, for the worker and for the command line.
//
// Nothing here decides anything. What it adds is order: the configuration is checked before Temporal is dialled, the
// vault's key before anything is read, and the live world (channels, repositories, accounts) before a triage starts.
package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"

	"tokenkeeper/activities"
	"tokenkeeper/config"
	"tokenkeeper/connector"
	"tokenkeeper/credential"
	"tokenkeeper/vault"
	"tokenkeeper/workflows"
)

// Options say where an App comes from.
type Options struct {
	// ConfigPath is the file; "" means tokenkeeper.yaml in the working directory.
	ConfigPath string
	// Env looks up environment variables; nil means the process's own.
	Env func(string) (string, bool)
	Log *slog.Logger // nil means slog.Default()
}

// App is everything that the worker and the command line share.
type App struct {
	Temporal  client.Client
	Workflows *workflows.Client
	// TemporalAddress and Namespace are where Temporal's settings point.
	TemporalAddress string
	Namespace       string
	// Vault is nil until [App.OpenVault].
	Vault *vault.Vault
	Log   *slog.Logger

	cache     *vault.Cache
	flights   connector.Flights
	nudges    nudges
	headcount headcount
	base      http.RoundTripper
	reading   *activities.Reading // what all of this process reads of Slack, by whatever reads it

	options Options
	current atomic.Pointer[setup]

	reloading sync.Mutex // held by one reload, hooks included; guards onReload
	onReload  []func(ctx context.Context, changed []string)
}

// Config returns the configuration in force. It changes when [App.Reload] finds a new one, so a caller that needs two
// parts of the same one calls this once.
func (a *App) Config() *config.Config { return a.current.Load().config }

// Open reads the configuration and prepares the Temporal client, which dials when it is first used. The vault stays
// closed: most commands need none.
func Open(o Options) (*App, error) {
	cfg, err := config.Load(o.ConfigPath, o.Env)
	if err != nil {
		return nil, err
	}
	log := o.Log
	if log == nil {
		log = slog.Default()
	}
	a := &App{Log: log, base: newBase(), options: o}
	a.reading = &activities.Reading{Channels: a.polledChannels, Rate: a.historyRate}
	a.current.Store(newSetup(cfg, nil))
	if err := a.prepareTemporal(o.Env); err != nil {
		return nil, err
	}
	a.Workflows = &workflows.Client{Temporal: a.Temporal, TaskQueue: cfg.Temporal.TaskQueue}
	return a, nil
}

// Close releases what Open and OpenVault took.
func (a *App) Close() error {
	a.nudges.close()
	a.Temporal.Close()
	if a.Vault == nil {
		return nil
	}
	return a.Vault.Close()
}

// newBase returns the transport below all connectors. The body of an API's answer may take long; its headers may not.
func newBase() http.RoundTripper {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 30 * time.Second,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       90 * time.Second,
		ForceAttemptHTTP2:     true,
	}
}

var errVaultClosed = errors.New("the vault is not open")

// ConnectURL returns the page on which a person consents for the account without a link, where the gateway is reached on
// loopback.
func (a *App) ConnectURL(account credential.AccountID) string {
	return a.Config().Gateway.PublicURL + "/connect/" + account.String()
}
