package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"tokenkeeper/activities"
	"tokenkeeper/gateway"
	"tokenkeeper/workflows"
)

// checkTriageState checks what a triage does, not whether it could: that it runs, that its channels were read, that no
// report waits for a person.
func (a *App) checkTriageState(ctx context.Context, name string, patience time.Duration) Finding {
	f := Finding{Subject: "triage " + name}
	report, err := a.LookAtTriage(ctx, name, patience)
	if err != nil {
		f.Problem = err.Error()
		return f
	}
	plan, err := a.Plan(name)
	if err != nil {
		f.Problem = err.Error()
		return f
	}
	f.Problem, f.Fix = triageProblem(report, plan.PollInterval, time.Now())
	if f.OK = f.Problem == ""; !f.OK {
		f.Place = a.Config().Position("triages." + name).String()
	}
	return f
}

// triageProblem returns the worst problem of a triage, and what to do; "" for none.
func triageProblem(r gateway.TriageView, interval time.Duration, now time.Time) (problem, fix string) {
	see := "tokenkeeper triage status " + r.Triage
	switch r.State {
	case gateway.TriageNotRunning:
		return "it does not run", "tokenkeeper triage start " + r.Triage
	case gateway.TriageNoWorker:
		return "no worker answers for it", "start one with `make run` or bin/tokenkeeper-worker"
	case workflows.TriageMisconfigured:
		return r.Trouble, "correct the configuration; it goes on by itself, and nothing is lost meanwhile"
	case workflows.TriagePaused:
		return "it is paused", "tokenkeeper triage resume " + r.Triage
	case workflows.TriageWaiting:
		return "it waits for account " + r.Waiting[0].Account.String(), Remedy(r.Waiting[0].Account, r.Waiting[0].Status)
	}
	if parked := r.Reports.Parked; len(parked) > 0 {
		return fmt.Sprintf("%d reports are parked, the first %s: %s", len(parked), parked[0].Report, parked[0].Reason),
			"mend the cause, then: tokenkeeper triage retry " + r.Triage
	}
	if waiting := r.Reports.Waiting; len(waiting) > 0 {
		return fmt.Sprintf("%d reports wait for account %s", waiting[0].Reports, waiting[0].Account), Remedy(waiting[0].Account, waiting[0].Status)
	}
	if unread := unreadChannels(r, interval, now); len(unread) > 0 {
		return strings.Join(unread, "; "), see
	}
	if r.Backlog != "" {
		return r.Backlog, see
	}
	if r.Watch != nil && !r.Watch.FailingSince.IsZero() && now.Sub(r.Watch.FailingSince) > unwatchedFor {
		return "threads and issues do not all follow each other: " + r.Watch.Trouble, see
	}
	if n := r.Reports.Unheard; n > 0 {
		return fmt.Sprintf("%d reports under way did not say in time how they are, so that they may be parked", n), see + " --timeout 1m"
	}
	if r.Outdated {
		return "it runs with other settings than this configuration has", "tokenkeeper triage reload " + r.Triage
	}
	return "", ""
}

// unwatchedFor is how long the watch over threads may fail before it is a finding: at least three looks.
const unwatchedFor = 30 * time.Minute

// unreadChannels says which channels were not read for three intervals, as far as that is known.
func unreadChannels(r gateway.TriageView, interval time.Duration, now time.Time) []string {
	var unread []string
	for _, ch := range r.Channels {
		since, patience := ch.FailingSince, max(activities.PatienceOfPolls(interval), ch.Patience)
		if since.IsZero() && ch.Trouble != "" { // workers that die of it do not say since when, only now and then that it was read
			since, patience = ch.LastPoll, patience+activities.NotedEvery*interval
		}
		if since.IsZero() || now.Sub(since) < patience {
			continue
		}
		unread = append(unread, fmt.Sprintf("channel %s cannot be read since %s: %s", ch.Channel, since.UTC().Format(time.RFC3339), ch.Trouble))
	}
	return unread
}
