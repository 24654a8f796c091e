package e2e

import (
	"flag"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
	"tokenkeeper/workflows"
)

// proofMessages is how many messages people write. `make proof` has ten thousand.
var proofMessages = flag.Int("messages", 150, "messages of the proof, 60 at least")

// People write into four channels while everything breaks: providers limit, refuse, fall silent and lose answers, tokens die,
// workers and the Temporal server are killed and restarted, and both grants are revoked. Each report becomes one issue with one
// reply and one mark, what is no report becomes nothing, and each channel is handed over in the order in which it was written.
//
// That order is what is promised. Issues are filed side by side, so that a report whose answer was lost, and which therefore
// waits, is overtaken: none may stop those after it.
func TestEveryReportOnce(t *testing.T) {
	besideFor(t, 4*time.Minute)
	p := newProof(t)
	begun := time.Now()
	rounds := max(6, *proofMessages/250)
	for round := range rounds {
		p.round = *proofMessages / rounds
		p.misfortunes()
		p.write()
		switch round {
		case rounds / 3:
			p.revoke(sandbox.Slack)
		case rounds * 2 / 3:
			p.revoke(sandbox.GitHub)
		default:
			disasters[round%len(disasters)](p)
		}
		p.keepUp()
	}
	p.until("every report to be filed, answered and marked", func(b sandbox.Books) bool {
		return b.Missing == 0 && len(b.Replies) >= b.ReportsPosted && marked(b) >= b.ReportsPosted
	})
	took := time.Since(begun)
	p.until("every Report to end", func(sandbox.Books) bool { return p.running() == 0 })
	p.stopWorkers()
	books := p.sandbox.Books()

	assert.Equal(t, books.ReportsPosted, books.IssuesCreated)
	assert.Zero(t, books.Duplicates, books.DuplicateReports)
	assert.Zero(t, books.Unexpected, books.UnexpectedIssues)
	assert.Len(t, books.Replies, books.ReportsPosted, "what is no report is not answered")
	for key, replies := range books.Replies {
		assert.Equal(t, 1, replies, "replies to %s", key)
		assert.Equal(t, []string{"white_check_mark"}, books.Reactions[key], key)
	}
	assert.Zero(t, books.RefreshTokensPresentedTwice)
	for _, request := range books.OpenAuthFailures {
		assert.Equal(t, "slack reactions.add", request, "what was refused for a dead token is asked for again, but for a claim: it is worth no wait")
	}
	assert.Equal(t, 2, books.Reauthorizations)
	for name, hits := range p.cameToPass() {
		assert.Positive(t, hits, "%s: it never happened", name)
	}
	for channel, messages := range p.handedOver() {
		assert.Equal(t, slices.Compact(slices.Sorted(slices.Values(messages))), messages, "%s is handed over in order, each message once", channel)
	}
	p.noRaces()
	t.Logf("%d messages, %d reports in %s, %.1f a second; %d faults, %d kills and %d restarts of workers, %d kills of Temporal, "+
		"%d refreshes, %d reauthorizations; %d issues were overtaken by a later report's",
		books.MessagesPosted, books.ReportsPosted, took.Round(time.Second), float64(books.ReportsPosted)/took.Seconds(),
		books.FaultsHit, p.kills, p.restarts, p.serverKills, books.Refreshes, books.Reauthorizations, p.overtaken())
}

// disasters come in turn, one each round.
var disasters = []func(*proof){
	(*proof).killWorker, (*proof).expire, (*proof).killWorker, (*proof).killServer, (*proof).expire, (*proof).restartWorker,
}

// misfortunes scripts what goes wrong in a round, each at one of its first requests. That Slack limits reading is not among
// it: a worker that is told so before it has read much takes turns as if it might read once a minute, and
// TestChannelsTakeTurnsUnderANarrowLimit has that.
func (p *proof) misfortunes() {
	p.t.Helper()
	const retryAfter = time.Second
	for _, f := range []sandbox.Fault{
		{Name: "Slack limits replies", App: sandbox.Slack, Endpoint: "chat.postMessage", Kind: sandbox.FaultStatus, Status: 429, RetryAfter: retryAfter},
		{Name: "Slack limits reactions", App: sandbox.Slack, Endpoint: "reactions.add", Kind: sandbox.FaultStatus, Status: 429, RetryAfter: retryAfter},
		{Name: "Slack never answers", App: sandbox.Slack, Endpoint: "conversations.history", Kind: sandbox.FaultHang},
		{Name: "Slack answers by half", App: sandbox.Slack, Endpoint: "conversations.history", Kind: sandbox.FaultTruncate},
		{Name: "Slack answers 500 to a reply", App: sandbox.Slack, Endpoint: "chat.postMessage", Kind: sandbox.FaultStatus, Status: 500},
		{Name: "Slack posts a reply, and the answer is lost", App: sandbox.Slack, Endpoint: "chat.postMessage", Kind: sandbox.FaultDrop, Processed: true},
		{Name: "GitHub limits writing", App: sandbox.GitHub, Endpoint: "issues.create", Kind: sandbox.FaultStatus, Status: 429, RetryAfter: retryAfter},
		{Name: "GitHub answers 500 to an issue", App: sandbox.GitHub, Endpoint: "issues.create", Kind: sandbox.FaultStatus, Status: 500},
		{Name: "GitHub creates an issue, and the answer is lost", App: sandbox.GitHub, Endpoint: "issues.create", Kind: sandbox.FaultDrop, Processed: true},
		{Name: "GitHub drops a request for an issue", App: sandbox.GitHub, Endpoint: "issues.create", Kind: sandbox.FaultDrop},
		{
			Name: "GitHub creates an issue, and ends the request after ten seconds", App: sandbox.GitHub, Endpoint: "issues.create",
			Kind: sandbox.FaultStatus, Status: 502, Delay: 10 * time.Second, Processed: true,
		},
		{Name: "GitHub fails to list issues", App: sandbox.GitHub, Endpoint: "issues.list", Kind: sandbox.FaultStatus, Status: 503},
		{Name: "GitHub limits searches", App: sandbox.GitHub, Endpoint: "search.issues", Kind: sandbox.FaultStatus, Status: 403, RetryAfter: retryAfter},
	} {
		f.After = p.random.IntN(max(1, p.round/8))
		require.NoError(p.t, p.sandbox.Fault(f))
	}
}

// cameToPass counts how often each misfortune happened.
func (p *proof) cameToPass() map[string]int {
	hits := map[string]int{}
	for _, f := range p.sandbox.Faults() {
		hits[f.Name] += f.Hit
	}
	return hits
}

// handedOver returns the messages of each channel in the order in which the triage had them taken.
func (p *proof) handedOver() map[string][]string {
	p.t.Helper()
	messages := map[string][]string{}
	for _, run := range p.histories(workflows.TriageWorkflowID(p.name)) {
		for _, event := range run.GetEvents() {
			if child := event.GetStartChildWorkflowExecutionInitiatedEventAttributes(); child != nil {
				key, err := triage.ParseKey(strings.TrimPrefix(child.GetWorkflowId(), workflows.ReportWorkflowID("")))
				require.NoError(p.t, err)
				messages[key.Channel] = append(messages[key.Channel], key.TS)
			}
		}
	}
	require.Len(p.t, messages, len(p.channels))
	return messages
}

// overtaken counts the issues with a higher number than one of a later report of the same channel.
func (p *proof) overtaken() (n int) {
	p.t.Helper()
	latest := map[string]string{} // :: channel → ts of the latest report that has an issue so far
	for _, issue := range p.sandbox.State().Issues {
		if issue.Key == "" {
			continue
		}
		key, err := triage.ParseKey(issue.Key)
		require.NoError(p.t, err)
		if key.TS < latest[key.Channel] {
			n++
		}
		latest[key.Channel] = max(latest[key.Channel], key.TS)
	}
	return n
}

// marked counts the messages that say that they are filed.
func marked(b sandbox.Books) (n int) {
	for _, reactions := range b.Reactions {
		if slices.Equal(reactions, []string{"white_check_mark"}) {
			n++
		}
	}
	return n
}
