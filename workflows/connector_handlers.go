package workflows

import (
	"slices"
	"time"

	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// setup registers every handler before anything blocks.
func (c *registration) setup(ctx workflow.Context) error {
	listen(ctx, c.drain, SignalReport, SignalConfigured)
	return workflow.SetQueryHandlerWithOptions(ctx, QueryStatus, func() (ConnectorStatus, error) { return c.status(), nil },
		workflow.QueryHandlerOptions{Description: "what is true of this connector"})
}

// drain takes every Signal that has arrived.
func (c *registration) drain(ctx workflow.Context) {
	now := workflow.Now(ctx)
	takeAll(ctx, c.misread, SignalConfigured, func(any) { c.news++; c.configure(now) })
	takeAll(ctx, c.misread, SignalReport, func(r ConnectorReport) { c.news++; c.heed(now, r) })
}

// misread shows, as a warning, that the argument of a Signal cannot be decoded.
func (c *registration) misread(name string, err error) {
	c.news++
	c.Warning = "Signal " + name + " refused: " + err.Error()
}

// configure notes that a worker read the configuration anew. That may have mended a refused app, so one account tries at
// once.
func (c *registration) configure(now time.Time) {
	c.Configured = now
	c.Pause, c.NextTry = 0, now
	c.Releases, c.Release = max(c.Releases, 1), now
}

// heed acts on what an account reports.
func (c *registration) heed(now time.Time, r ConnectorReport) {
	switch r.Kind {
	case credential.DeadClient:
		c.refuse(now, r)
	case credential.Throttled:
		c.throttle(now, r)
	case "":
		if c.Status == ConnectorRefused {
			c.reopen(now)
		}
	case credential.DeadGrant, credential.Transient, credential.Ambiguous, credential.Malformed, credential.Misconfigured:
		// No account reports them: they are its own.
	}
}

func (c *registration) refuse(now time.Time, r ConnectorReport) {
	if c.Status != ConnectorRefused {
		if r.Began.Before(c.Ended) {
			c.Late = append(c.Late, r.Account)
			return
		}
		c.Episode++
		c.NextTry = now.Add(tryEvery)
		c.enter(now, ConnectorRefused, r.Reason)
	}
	c.Reason = r.Reason
	if !r.Account.IsZero() && len(c.Refused) < maxRefused && !slices.Contains(c.Refused, r.Account) {
		c.Refused = append(c.Refused, r.Account)
	}
}

func (c *registration) throttle(now time.Time, r ConnectorReport) {
	wait := r.RetryAfter
	if wait <= 0 {
		wait = activities.ThrottledPause
	}
	c.Until = latest(c.Until, now.Add(min(wait, maxThrottled)))
	if c.Status != ConnectorRefused {
		c.enter(now, ConnectorThrottled, r.Reason)
	}
}
