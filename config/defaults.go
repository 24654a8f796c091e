package config

import (
	"math"
	"time"

	"tokenkeeper/triage"
)

// DefaultPath is the file that Load reads when it is given no name.
const DefaultPath = "tokenkeeper.yaml"

// The defaults below are in place before the file is read, so that a written zero is a value and is judged as one.
// An empty file is a good one: it has no connectors and no triages yet.

func (c *Config) setDefaults() {
	c.Temporal.setDefaults()
	c.Vault.setDefaults()
	c.Gateway.setDefaults()
	c.Links.setDefaults()
	c.Model.setDefaults()
	c.Notices.setDefaults()
}

// The Web UI is where make run and Docker Compose have it.
func (t *Temporal) setDefaults() { t.TaskQueue, t.UIURL = "tokenkeeper", "http://127.0.0.1:8233" }

func (v *Vault) setDefaults() {
	v.Path = "./tokenkeeper-vault.db"
	v.Keyset = "./tokenkeeper-vault.key"
}

// setDefaults leaves PublicURL empty: it follows Listen.
func (g *Gateway) setDefaults() {
	g.Listen = "127.0.0.1:8780"
	g.OIDC.setDefaults()
}

func (o *OIDC) setDefaults() {
	o.Scopes, o.GroupsClaim = []string{"openid", "profile", "email"}, "groups"
}

func (l *Links) setDefaults() { l.Lifetime = 30 * time.Minute }

// setDefaults leaves what the provider knows better to its entry.
// An hour is a meeting, a day a bad day, three days a long weekend.
func (n *Notices) setDefaults() {
	n.Escalation, n.Quiet = []time.Duration{time.Hour, 24 * time.Hour, 72 * time.Hour}, 15*time.Minute
}

func (c *Connector) setDefaults() {
	c.Timeout, c.ValidateEvery = 10*time.Second, 15*time.Minute
	c.TokenRate, c.TokenConcurrency = fromProvider, fromProvider
	c.CreatesPerHour = DefaultCreatesPerHour
}

// DefaultCreatesPerHour is GitHub's secondary limit for one credential.
const DefaultCreatesPerHour = 500

// fromProvider stands for a number that nobody wrote, until the provider is known.
const fromProvider = math.MinInt32

// setDefaults has people look at what rules are least sure of: of 9 labelled messages that they find below 60 percent, 4 are
// no reports; of 173 above it, 3.
func (t *Triage) setDefaults() {
	t.PollInterval, t.Follow, t.Threshold = 30*time.Second, 14*24*time.Hour, 60
}

func (r *Route) setDefaults() {
	r.Template, r.Mode, r.Propose.Within = triage.TemplateAuto, ModeFile, 72*time.Hour
}

// publicURL returns how browsers reach a gateway that nobody gave an address.
func (g Gateway) publicURL() string {
	if g.TLS.On() {
		return "https://" + g.Listen
	}
	return "http://" + g.Listen
}
