package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"tokenkeeper/sandbox"
)

// sandboxFlags say how the simulated world is.
type sandboxFlags struct {
	listen        string
	tokenLifetime time.Duration
	postEvery     time.Duration
	eventsTo      string
	openID        bool
}

func newSandbox(c *cli) *cobra.Command {
	var flags sandboxFlags
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Serve a simulated Slack and GitHub to play with",
		Long: `Serve Slack, GitHub and an authorization server for each, simulated with their real dialects, until Ctrl-C, and a
toy language model that reads messages by a few rules. Prints what to put into a configuration. People can post messages
and look at the issues in a browser; scripts use /control/. Nothing is kept: the next start begins with an empty world.

With --openid the printed configuration has people sign in to the gateway as well, at the sandbox's OpenID provider: there one
can be anybody of the workspace, of whom the first is an operator and the others may look, or somebody who may not come in.`,
		Example: `  tokenkeeper sandbox
  tokenkeeper sandbox --token-lifetime 1m --post-every 10s
  tokenkeeper sandbox --events-to http://127.0.0.1:8780
  tokenkeeper sandbox --openid`,
		Args: func(cmd *cobra.Command, args []string) error {
			if flags.tokenLifetime < 0 || flags.postEvery < 0 {
				return usage(cmd.CommandPath()+": a duration below zero", "write one such as 30s or 2m, or leave the flag out")
			}
			if to, err := url.Parse(flags.eventsTo); err != nil || flags.eventsTo != "" && (to.Host == "" || to.Scheme == "") {
				return usage(cmd.CommandPath()+": --events-to is no URL", "write the gateway's, as in --events-to http://127.0.0.1:8780")
			}
			return cobra.NoArgs(cmd, args)
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return c.sandbox(cmd.Context(), flags) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.listen, "listen", "127.0.0.1:8790", "`address` to serve on")
	f.DurationVar(&flags.tokenLifetime, "token-lifetime", 0, "how long access tokens live; as long as the real ones by default")
	f.DurationVar(&flags.postEvery, "post-every", 0, "have simulated people post a message this often; never by default")
	f.StringVar(&flags.eventsTo, "events-to", "", "`URL` of a gateway that is told of messages and of grants that end; nobody is by default")
	f.BoolVar(&flags.openID, "openid", false, "print a configuration with which people sign in to the gateway")
	return cmd
}

func (c *cli) sandbox(ctx context.Context, flags sandboxFlags) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", flags.listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return failf("stop what listens there, or choose another address with --listen", "address %s for the sandbox is in use", flags.listen)
	}
	if err != nil {
		return failf("name an address of this machine as host:port, as in --listen 127.0.0.1:8790", "listening for the sandbox: %w", err)
	}
	world := sandbox.New(sandbox.Options{
		Slack:  sandbox.AppOptions{AccessLifetime: flags.tokenLifetime},
		GitHub: sandbox.AppOptions{AccessLifetime: flags.tokenLifetime},
	})
	guide := guideTo(world, listener.Addr().String())
	if flags.openID {
		guide.OpenID = openIDGuide(world, guide.URL)
	}
	if flags.eventsTo != "" {
		if err := guide.subscribe(world, flags.eventsTo); err != nil {
			return errors.Join(err, listener.Close())
		}
	}
	if err := c.print(guide, func(w io.Writer) { tellGuide(w, guide) }); err != nil {
		return err
	}
	return serve(ctx, listener, world, flags.postEvery)
}

// serve ends without an error when ctx does.
func serve(ctx context.Context, listener net.Listener, world *sandbox.Sandbox, postEvery time.Duration) error {
	server := &http.Server{Handler: world.Handler(), ReadHeaderTimeout: 10 * time.Second}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serving the sandbox: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		world.Close()
		return server.Close()
	})
	group.Go(func() error { return populate(ctx, world, postEvery) })
	return group.Wait()
}

// populate has people post to the channels, one channel after the other.
func populate(ctx context.Context, world *sandbox.Sandbox, every time.Duration) error {
	if every <= 0 {
		return nil
	}
	people := sandbox.NewPeople(uint64(time.Now().UnixNano()))
	again := time.NewTicker(every)
	defer again.Stop()
	channels := world.Options().Channels
	for turn := 0; ; turn++ {
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
			if _, err := world.Deliver(channels[turn%len(channels)].ID, people.Next()); err != nil {
				return fmt.Errorf("posting to the sandbox: %w", err)
			}
		}
	}
}

// guide is what a person needs to point tokenkeeper at a sandbox. Its secrets open nothing else.
type guide struct {
	URL    string       `json:"url"`
	Slack  guideToAnApp `json:"slack"`
	GitHub guideToAnApp `json:"github"`
	Model  guideToModel `json:"model"`
	// OpenID is where people sign in to the gateway; nil where they do not.
	OpenID *guideToOpenID `json:"openid,omitempty"`
	// Poster is one of the people there.
	Poster string `json:"poster"`
	// Channels the app is in, and repositories it may file issues in.
	Channels     []string `json:"channels"`
	Repositories []string `json:"repositories"`
}

type guideToAnApp struct {
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
	// EventSecret is what events are signed with; "" where there are none.
	EventSecret string         `json:"event_secret,omitempty"`
	Endpoints   endpointsGuide `json:"endpoints"`
}

// guideToOpenID has the keys of gateway.oidc.
type guideToOpenID struct {
	Issuer       string `json:"issuer"`
	ClientID     string `json:"client_id"`
	ClientSecret string `json:"client_secret"`
}

func openIDGuide(world *sandbox.Sandbox, root string) *guideToOpenID {
	app := world.App(sandbox.OpenID)
	return &guideToOpenID{Issuer: root + "/openid", ClientID: app.ClientID, ClientSecret: app.ClientSecret}
}

// guideToModel has the keys of the section model, and the key itself.
type guideToModel struct {
	BaseURL string `json:"base_url"`
	Model   string `json:"model"`
	APIKey  string `json:"api_key"`
}

// endpointsGuide has the keys of a connector's endpoints.
type endpointsGuide struct {
	Authorize string `json:"authorize"`
	Token     string `json:"token,omitempty"`
	API       string `json:"api"`
}

// guideTo names the endpoints to override; those below an API move along with it.
func guideTo(world *sandbox.Sandbox, address string) guide {
	root := "http://" + address
	options := world.Options()
	g := guide{
		URL: root, Poster: options.Users[0].ID, Repositories: options.Repositories,
		Slack: appGuide(world.App(sandbox.Slack), endpointsGuide{
			Authorize: root + "/slack/oauth/v2/authorize", API: root + "/slack/api/",
		}),
		GitHub: appGuide(world.App(sandbox.GitHub), endpointsGuide{
			Authorize: root + "/github/login/oauth/authorize", Token: root + "/github/login/oauth/access_token", API: root + "/github/api/v3/",
		}),
	}
	g.Model = guideToModel{BaseURL: root + "/model/v1", Model: world.App(sandbox.Model).Name, APIKey: world.App(sandbox.Model).ClientSecret}
	for _, channel := range options.Channels {
		if !channel.BotAbsent && !channel.Archived {
			g.Channels = append(g.Channels, channel.ID)
		}
	}
	return g
}

// subscribe has the sandbox send events to the gateway, where the connectors are named as in the example.
func (g *guide) subscribe(world *sandbox.Sandbox, gateway string) error {
	g.Slack.EventSecret, g.GitHub.EventSecret = "sandbox-slack-signing-secret", "sandbox-github-webhook-secret"
	events := strings.TrimRight(gateway, "/") + "/events/"
	return errors.Join(
		world.Subscribe(sandbox.Subscription{App: sandbox.Slack, URL: events + "slack/slack", Secret: g.Slack.EventSecret}),
		world.Subscribe(sandbox.Subscription{App: sandbox.GitHub, URL: events + "github/github", Secret: g.GitHub.EventSecret}),
	)
}

func appGuide(o sandbox.AppOptions, e endpointsGuide) guideToAnApp {
	return guideToAnApp{ClientID: o.ClientID, ClientSecret: o.ClientSecret, Endpoints: e}
}

func tellGuide(w io.Writer, g guide) {
	fmt.Fprintf(w, "sandbox: %s\n\nput this into tokenkeeper.yaml:\n\n", g.URL)
	tellExample(w, g)
	fmt.Fprintf(w, "\nand this into the environment:\n\nexport SLACK_CLIENT_SECRET=%s\nexport GITHUB_CLIENT_SECRET=%s\n",
		g.Slack.ClientSecret, g.GitHub.ClientSecret)
	if g.Slack.EventSecret != "" {
		fmt.Fprintf(w, "export SLACK_SIGNING_SECRET=%s\nexport GITHUB_WEBHOOK_SECRET=%s\n", g.Slack.EventSecret, g.GitHub.EventSecret)
	}
	if g.OpenID != nil {
		fmt.Fprintf(w, "export OIDC_CLIENT_SECRET=%s\n", g.OpenID.ClientSecret)
	}
	fmt.Fprintf(w, `
then, in other terminals with that environment:

tokenkeeper vault init
tokenkeeper run
tokenkeeper account connect acme/triage/slack
tokenkeeper account connect acme/triage/github
tokenkeeper triage start acme/bug-reports

post messages at %s, or with:

curl --json '{"channel":"%s","user":"%s","text":"The export crashes on Safari 17"}' %s/control/messages

to have a language model read them, which is a toy here, add this line to tokenkeeper.yaml, and the variable:

model: {base_url: %s, model: %s, api_key_env: MODEL_API_KEY}

export MODEL_API_KEY=%s

Ctrl-C ends it.
`, g.URL, g.Channels[0], g.Poster, g.URL, g.Model.BaseURL, g.Model.Model, g.Model.APIKey)
}

// tellExample writes the configuration that leads to the sandbox.
func tellExample(w io.Writer, g guide) {
	if o := g.OpenID; o != nil {
		fmt.Fprintf(w, "gateway:\n  oidc:\n    issuer: %s\n    client_id: %s\n    client_secret_env: OIDC_CLIENT_SECRET\n", o.Issuer, o.ClientID)
		fmt.Fprint(w, "    operators: {groups: [sre]}\n    viewers: {groups: [staff]}\nlinks: {require_sign_in: true}\n")
	}
	fmt.Fprintln(w, "connectors:")
	tellConnector(w, "slack", "slack", g.Slack, "signing_secret_env: SLACK_SIGNING_SECRET",
		"[channels:history, channels:read, chat:write, reactions:read, reactions:write, users:read]")
	tellConnector(w, "github", "github-app", g.GitHub, "webhook_secret_env: GITHUB_WEBHOOK_SECRET", "")
	fmt.Fprint(w, "triages:\n  acme/bug-reports:\n    slack: acme/triage/slack\n    github: acme/triage/github\n    poll_interval: 2s\n    routes:\n")
	for _, channel := range g.Channels {
		fmt.Fprintf(w, "      - {channel: %s, repository: %s, labels: [bug]}\n", channel, g.Repositories[0])
	}
}

func tellConnector(w io.Writer, name, providerID string, app guideToAnApp, events, scopes string) {
	fmt.Fprintf(w, "  %s:\n    provider: %s\n    client_id: %q\n    client_secret_env: %s_CLIENT_SECRET\n",
		name, providerID, app.ClientID, strings.ToUpper(name))
	if scopes != "" {
		fmt.Fprintf(w, "    scopes: %s\n", scopes)
	}
	if app.EventSecret != "" {
		fmt.Fprintf(w, "    events: {%s}\n", events)
	}
	fmt.Fprintf(w, "    endpoints:\n      authorize: %s\n", app.Endpoints.Authorize)
	if app.Endpoints.Token != "" {
		fmt.Fprintf(w, "      token: %s\n", app.Endpoints.Token)
	}
	fmt.Fprintf(w, "      api: %s\n", app.Endpoints.API)
}
