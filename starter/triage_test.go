package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	workflowpb "go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/converter"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/triage"
	"tokenkeeper/workflows"
)

func TestTriageStart(t *testing.T) {
	w := newWorld(t)
	temporal := w.serveTemporal()
	temporal.account(statusOf(credential.Active, 7))
	w.run("triage", "start", "--all").exits(exitOK).prints("triage acme/bug-reports is started").
		complains("triage acme/bug-reports waits: account acme/triage/github is pending", "account connect acme/triage/github")
	// The accounts come first: the triage has somebody to wait for.
	if want := []string{"account/acme/triage/slack", "account/acme/triage/github", "triage/acme/bug-reports"}; !slices.Equal(temporal.started, want) {
		t.Errorf("started %v, want %v", temporal.started, want)
	}
	temporal.counts["WorkflowId = 'triage/acme/bug-reports'"] = 1
	w.run("triage", "start", "acme/bug-reports").exits(exitOK).prints("runs already", "tokenkeeper triage reload acme/bug-reports")
	if len(temporal.started) != 4 {
		t.Errorf("accounts of a triage that runs were started again: %v", temporal.started)
	}
	w.run("triage", "start", "acme/bugs").exits(exitConfig).complains(`"acme/bugs"`, "acme/bug-reports")
	w.write("tokenkeeper.yaml", "{}\n")
	w.run("triage", "start", "--all").exits(exitConfig).complains("has no triages")
	w.run("triage", "status").exits(exitOK).prints("no triages")
}

func TestTriageSignals(t *testing.T) {
	w := newWorld(t)
	temporal := w.serveTemporal()
	w.run("triage", "pause", "acme/bug-reports").exits(exitFailure).complains("does not run", "tokenkeeper triage start acme/bug-reports")
	temporal.workflows["triage/acme/bug-reports"] = &fakeWorkflow{kind: workflows.TriageType}
	w.run("triage", "pause", "acme/bug-reports").exits(exitOK).prints("is paused")
	w.run("triage", "resume", "acme/bug-reports").exits(exitOK).prints("is resumed")
	w.run("triage", "reload", "acme/bug-reports").exits(exitOK).prints("told to read its configuration")
	if !slices.Equal(temporal.signals, []string{
		"triage/acme/bug-reports pause", "triage/acme/bug-reports resume", "triage/acme/bug-reports reload",
	}) {
		t.Errorf("signals %v", temporal.signals)
	}
}

// A mistyped name is told as such, and not as a triage to start or one without trouble.
func TestTriageThatIsUnknown(t *testing.T) {
	w := newWorld(t)
	temporal := w.serveTemporal()
	for _, verb := range []string{"status", "pause", "resume", "reload", "retry", "start", "preview"} {
		got := w.run("triage", verb, "acme/bugs").exits(exitConfig).complains(`triage "acme/bugs"`, "there are: acme/bug-reports", "fix: name one of them")
		if got.stdout != "" {
			t.Errorf("triage %s: %s", verb, got.stdout)
		}
	}
	temporal.workflows["triage/acme/bugs"] = &fakeWorkflow{kind: workflows.TriageType}
	w.run("triage", "pause", "acme/bugs").exits(exitOK).prints("is paused") // one that runs and was taken out of the configuration
}

// failing is a poll whose attempts fail since a time, half a minute after the last that worked.
func failing(t *testing.T, poll *workflowpb.PendingActivityInfo, since time.Time) *workflowpb.PendingActivityInfo {
	t.Helper()
	details, err := converter.GetDefaultDataConverter().ToPayloads(activities.PollTrouble{FailingSince: since, ReadAt: since.Add(-30 * time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	poll.HeartbeatDetails = details
	return poll
}

// watching is a watch over threads that meets trouble since a time.
func watching(t *testing.T, poll *workflowpb.PendingActivityInfo, since time.Time) *workflowpb.PendingActivityInfo {
	t.Helper()
	details, err := converter.GetDefaultDataConverter().ToPayloads(activities.ThreadsWatched{FailingSince: since})
	if err != nil {
		t.Fatal(err)
	}
	poll.HeartbeatDetails, poll.ActivityType.Name = details, "WatchThreads"
	return poll
}

// workingTriage reads two channels: one is quiet, the other one cannot be read.
func workingTriage(t *testing.T, temporal *frontend) *fakeWorkflow {
	now := time.Now()
	working := &fakeWorkflow{
		kind: workflows.TriageType,
		answers: []any{workflows.TriageStatus{
			Triage: "acme/bug-reports", State: "waiting",
			Waiting: []activities.Unavailable{{Account: slackAccount, Status: credential.ReauthorizationRequired}},
			Plan: activities.Plan{Routes: []triage.Route{
				{Channel: "C0123456789", Repository: "acme/app", DryRun: true}, {Channel: "C0222222222", Repository: "acme/web", Propose: &triage.Proposal{}},
			}},
			Channels: []workflows.ChannelState{
				{Channel: "C0123456789", Reports: 12, Watermark: triage.TimestampOf(now.Add(-time.Hour - time.Minute)), Hidden: &workflows.Gap{
					After: "1700000000.000100", Before: "1710000000.000100",
				}, LeftOut: &activities.LeftOut{After: "1710000000.000100", Upto: "1720000000.000100", Messages: 3, More: true}},
				{Channel: "C0222222222", LastWindow: now.Add(-5*time.Hour - time.Minute), Watermark: "0"},
			},
		}},
		pending: []*workflowpb.PendingActivityInfo{
			failing(t, pendingPoll(activities.ErrTypeProviderUnavailable, "reading channel C0222222222: HTTP 503", 4, now), now.Add(-7*time.Minute)),
			pendingPoll(activities.ErrTypeNothingNew, "nothing new in channel C0123456789", 71, now.Add(-10*time.Second)),
			watching(t, pendingPoll(activities.ErrTypeUnwatched, "listing what changed in acme/web: HTTP 404", 9, now), now.Add(-19*time.Minute)),
		},
	}
	temporal.workflows["triage/acme/bug-reports"] = working
	temporal.workflows["report/T1/C0123456789/1.1"] = &fakeWorkflow{kind: workflows.ReportType, parent: "triage/acme/bug-reports", answers: []any{
		workflows.ReportStatus{ReportResult: workflows.ReportResult{Report: "T1/C0123456789/1.1"}, Parked: "issues are disabled"},
	}}
	temporal.workflows["report/T1/C0123456789/1.3"] = &fakeWorkflow{kind: workflows.ReportType, parent: "triage/acme/bug-reports", answers: []any{workflows.ReportStatus{
		ReportResult: workflows.ReportResult{Report: "T1/C0123456789/1.3"}, Step: "file the issue", Since: now.Add(-26 * time.Minute),
	}}}
	temporal.workflows["report/T1/C0123456789/1.4"] = &fakeWorkflow{kind: workflows.ReportType, parent: "triage/acme/bug-reports", answers: []any{workflows.ReportStatus{
		ReportResult: workflows.ReportResult{Report: "T1/C0123456789/1.4"}, Step: workflows.StepAnswer, Since: now.Add(-26 * time.Hour),
	}}}
	temporal.workflows["report/T1/C0123456789/1.2"] = &fakeWorkflow{kind: workflows.ReportType, parent: "triage/acme/bug-reports", answers: []any{
		workflows.ReportStatus{Waiting: []activities.Unavailable{{Account: gitHubAccount, Status: credential.Disconnected}}},
	}}
	temporal.counts["ExecutionStatus = 'Running'"] = 2
	temporal.counts["ExecutionStatus = 'Completed'"] = 25
	temporal.counts["ExecutionStatus NOT IN"] = 1
	return working
}

func TestTriageStatus(t *testing.T) {
	w := newWorld(t)
	workingTriage(t, w.serveTemporal())
	got := w.run("triage", "status").exits(exitOK)
	got.prints("acme/bug-reports: waiting, last worked 1", "since 7m ago: reading channel C0222222222: HTTP 503",
		"slow T1/C0123456789/1.3: trying to file the issue since 26m ago", "tokenkeeper triage retry acme/bug-reports", "waits for account acme/triage/slack", "tokenkeeper account reauthorize acme/triage/slack",
		"LAST READ", "acme/web", "1h01m ago", "7m ago", "reading channel C0222222222: HTTP 503", "71",
		"reports: 1 under way, 25 done, 1 failed, 1 parked", "waiting for an answer: 1",
		"acme/app (dry run)", "C0123456789: what would be filed is in the log of the workers; it is not filed later either", "acme/web (asks first)",
		"C0123456789: what was posted between 2023-11-14 and 2024-03-09 could not be read",
		"; at least 3 messages that may have been reports are left out, posted between 2024-03-09 and 2024-07-03: too old by `since`",
		"threads and issues: not all follow each other since 19m ago: listing what changed in acme/web: HTTP 404",
		"other settings than this configuration has", "tokenkeeper triage reload acme/bug-reports", "T1/C0123456789/1.1: issues are disabled",
		"1 wait for account acme/triage/github, which is disconnected", "tokenkeeper account connect acme/triage/github")

	if strings.Contains(got.stdout, "1.4") {
		t.Errorf("people who think about a proposal are not slow: %s", got.stdout)
	}

	var document triageReports
	got = w.run("triage", "status", "acme/bug-reports", "--json").exits(exitOK)
	if err := json.Unmarshal([]byte(got.stdout), &document); err != nil || len(document.Triages) != 1 {
		t.Fatalf("%v: %s", err, got.stdout)
	}
	quiet, broken := document.Triages[0].Channels[0], document.Triages[0].Channels[1]
	if since := time.Since(quiet.LastPoll); since < 10*time.Second || since > time.Minute || quiet.Attempts != 71 || quiet.Trouble != "" {
		t.Errorf("quiet channel: %+v", quiet)
	}
	if since := time.Since(broken.LastPoll); since < 7*time.Minute || since > 8*time.Minute || broken.Trouble == "" {
		t.Errorf("it worked until shortly before it began to fail: %+v", broken)
	}
}

func TestTriageStatusOfATriageThatTheConfigurationLost(t *testing.T) {
	w := newWorld(t)
	w.serveTemporal().workflows["triage/acme/bug-reports"] = &fakeWorkflow{kind: workflows.TriageType, answers: []any{workflows.TriageStatus{
		Triage: "acme/bug-reports", State: workflows.TriageMisconfigured, Trouble: "triage acme/bug-reports is not in tokenkeeper.yaml",
	}}}
	w.run("triage", "status").exits(exitOK).prints("acme/bug-reports: misconfigured", "is not in tokenkeeper.yaml", "fix: correct tokenkeeper.yaml")
}

func TestTriageStatusWithoutWorker(t *testing.T) {
	w := newWorld(t)
	temporal := w.serveTemporal()
	w.run("triage", "status").exits(exitFailure).prints("acme/bug-reports: not running", "tokenkeeper triage start acme/bug-reports")
	working := workingTriage(t, temporal)
	temporal.deaf = true
	w.run("triage", "status", "--timeout", "2s").exits(exitOK).prints("acme/bug-reports: no worker", "make run", "25 done")
	working.closed = true
	w.run("triage", "status", "acme/bug-reports").exits(exitFailure).complains("triage acme/bug-reports does not run")
	w.run("__complete", "triage", "status", "").exits(exitOK).prints("acme/bug-reports\n")
}

func TestTriageRetry(t *testing.T) {
	w := newWorld(t)
	temporal := w.serveTemporal()
	workingTriage(t, temporal)
	w.run("triage", "retry", "acme/bug-reports").exits(exitOK).prints("told to try again: T1/C0123456789/1.1")
	if !slices.Equal(temporal.signals, []string{"report/T1/C0123456789/1.1 retry"}) {
		t.Errorf("only what is parked: %v", temporal.signals)
	}
	temporal.workflows["report/T1/C0123456789/1795649604.376413"] = &fakeWorkflow{kind: workflows.ReportType, answers: []any{workflows.ReportStatus{}}}
	w.run("triage", "retry", "acme/bug-reports", "T1/C0123456789/1795649604.376413").exits(exitOK)
	if len(temporal.signals) != 2 || temporal.signals[1] != "report/T1/C0123456789/1795649604.376413 retry" {
		t.Errorf("what is named is told, parked or not: %v", temporal.signals)
	}
	w.run("triage", "retry", "acme/bug-reports", "T1/C0123456789/1795649604.999999").exits(exitFailure).complains("is not under way", "triage status")
	w.run("triage", "retry", "acme/bugs", "T1/C0123456789/1795649604.376413").exits(exitConfig).complains("there are: acme/bug-reports")
	w.run("triage", "retry", "acme/bugs", "T1/C0123456789/1795649604.999999").exits(exitConfig).complains("there are: acme/bug-reports")
	temporal.workflows["report/T1/C0123456789/1795649604.376413"].parent = "triage/acme/bugs"
	w.run("triage", "retry", "acme/bug-reports", "T1/C0123456789/1795649604.376413").exits(exitFailure).
		complains("belongs to triage acme/bugs", "fix: tokenkeeper triage retry acme/bugs T1/C0123456789/1795649604.376413")
	if len(temporal.signals) != 2 {
		t.Errorf("what is refused is not told: %v", temporal.signals)
	}
	w.run("triage", "retry", "acme/bugs", "T1/C0123456789/1795649604.376413").exits(exitOK) // it outlives its triage
	w.run("triage", "retry", "acme/bug-reports", "yesterday").exits(exitUsage).complains("yesterday", "team/channel/ts")
	delete(temporal.workflows, "report/T1/C0123456789/1.1")
	w.run("triage", "retry", "acme/bug-reports").exits(exitOK).prints("no report of triage acme/bug-reports is parked")
}

func TestTriageStatusOfAModel(t *testing.T) {
	w := newWorld(t)
	workingTriage(t, w.serveTemporal())
	w.write("tokenkeeper.yaml", strings.ReplaceAll(goodConfig, "API", "http://127.0.0.1:1")+"model: {base_url: http://127.0.0.1:1/v1, model: small}\n")
	w.run("triage", "status").exits(exitOK).prints("acme/bug-reports: waiting").complains("what the model costs is not known")

	w.connect("acme/triage/slack")
	w.run("triage", "status").exits(exitOK).prints("model small: 0 of 500000 tokens today")
	a, err := app.Open(app.Options{Env: w.lookup})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	if err := a.OpenVault(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Model().Understand(t.Context(), triage.Message{Text: "It crashes"}, nil); err == nil {
		t.Fatal("nothing listens there")
	}
	w.run("triage", "status").exits(exitOK).prints("model small: 0 of 500000 tokens today",
		"the rules stand in since now, because the model could not be reached")
}
