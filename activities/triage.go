package activities

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// Plan is a triage as the configuration has it now.
type Plan struct {
	Triage string               `json:"triage"` // acme/bug-reports
	Slack  credential.AccountID `json:"slack"`
	// GitHub is the account that files for the routes that name none; see [Plan.Filer].
	GitHub       credential.AccountID `json:"github"`
	PollInterval time.Duration        `json:"poll_interval"` // nanoseconds
	Lookback     time.Duration        `json:"lookback"`      // nanoseconds; how far a first start looks back
	// Since is from when on messages are too old to be taken; zero for never.
	Since triage.Since `json:"since,omitzero"`
	// Follow is for how long after a report its thread is followed; 0 for not at all.
	Follow time.Duration `json:"follow,omitempty"` // nanoseconds
	// Threshold is the confidence in percent below which an issue needs somebody to look at it.
	Threshold int            `json:"threshold,omitempty"`
	Routes    []triage.Route `json:"routes"`
	// Logins are the people whose name at GitHub is known.
	Logins map[string]string `json:"logins,omitempty"` // :: Slack user id → GitHub login
}

// Channels returns the channels that the triage reads, each once, in the order of its routes.
func (p Plan) Channels() []string {
	var channels []string
	for _, route := range p.Routes {
		if !slices.Contains(channels, route.Channel) {
			channels = append(channels, route.Channel)
		}
	}
	return channels
}

// Places returns where reports of the triage go, each once, in the order of its routes.
func (p Plan) Places() []triage.Place {
	var places []triage.Place
	for _, route := range p.Routes {
		if !slices.Contains(places, route.Place()) {
			places = append(places, route.Place())
		}
	}
	return places
}

// Filer returns the account that files the reports of a route.
func (p Plan) Filer(r triage.Route) credential.AccountID { return cmp.Or(r.GitHub, p.GitHub) }

// Filers returns the accounts that file the reports of the routes, each once, in their order.
func (p Plan) Filers() []credential.AccountID {
	var filers []credential.AccountID
	for _, route := range p.Routes {
		if filer := p.Filer(route); !slices.Contains(filers, filer) {
			filers = append(filers, filer)
		}
	}
	if len(filers) == 0 {
		return []credential.AccountID{p.GitHub}
	}
	return filers
}

// Accounts returns those that the triage reads and files with, each once.
func (p Plan) Accounts() []credential.AccountID {
	return append([]credential.AccountID{p.Slack}, p.Filers()...)
}

// FilerInstead returns the account that files, by the present configuration, a report of a channel that was to go to a
// repository: the account that was to file it, if it still may.
func (p Plan) FilerInstead(was credential.AccountID, channel, repository string) credential.AccountID {
	var filers []credential.AccountID
	for _, route := range p.Routes {
		if route.Channel == channel && strings.EqualFold(route.Repository, repository) {
			filers = append(filers, p.Filer(route))
		}
	}
	if len(filers) == 0 { // it is no route's any more
		filers = append(p.Filers(), p.GitHub)
		if !slices.Contains(filers, was) {
			return p.GitHub
		}
	}
	if slices.Contains(filers, was) {
		return was
	}
	return filers[0]
}

// surely returns the threshold as a confidence from 0 to 1.
func (p Plan) surely() float64 { return float64(p.Threshold) / 100 }

// Plans finds a triage by name. The error names the triages there are.
type Plans interface {
	Plan(name string) (Plan, error)
}

// OpenReports tells of the Reports of a triage that have not ended.
type OpenReports interface {
	OpenReports(ctx context.Context, triage string) (int64, error)
	// StuckReport returns the oldest of those that began before a time and that go on trying, nil for none. One that waits for
	// people, or for an account that needs one, is told of by itself and is none. known is false where some did not say how they
	// are, and of the others none is.
	StuckReport(ctx context.Context, triage string, before time.Time) (stuck *StuckReport, known bool, err error)
}

// Triage holds the Activities that read the configuration, and those that look at a triage as a whole.
type Triage struct {
	Plans   Plans
	Reports OpenReports
	// Notices brings notices to people; nil leaves them to the log.
	Notices *Notices
	Log     *slog.Logger // nil means slog.Default()
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

func (t *Triage) now() time.Time {
	if t.Now == nil {
		return time.Now()
	}
	return t.Now()
}

// PlanInput names a triage.
type PlanInput struct {
	Triage string `json:"triage"`
}

// Plan returns the triage as configured. Errors: [ErrTypeNotConfigured].
func (t *Triage) Plan(_ context.Context, in PlanInput) (Plan, error) {
	plan, err := t.Plans.Plan(in.Triage)
	if err != nil {
		return Plan{}, notConfigured(err)
	}
	return plan, nil
}

// CountOpenReports returns how many Reports of a triage are under way.
func (t *Triage) CountOpenReports(ctx context.Context, in PlanInput) (int64, error) {
	n, err := t.Reports.OpenReports(ctx, in.Triage)
	if err != nil {
		return 0, fmt.Errorf("counting the reports of triage %s: %w", in.Triage, err)
	}
	return n, nil
}
