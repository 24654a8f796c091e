package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/workflowservice/v1"

	"tokenkeeper/credential"
	"tokenkeeper/internal/devserver"
	"tokenkeeper/internal/process"
	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// proof is a world whose workers are processes, with a Temporal server of its own, so that all of them can be killed.
type proof struct {
	*world
	server   *devserver.Server
	name     string // of the triage
	channels []string
	accounts map[sandbox.App]credential.AccountID
	workers  [3]*process.Process
	binary   string
	env      []string
	dir      string // of the logs

	people *sandbox.People
	random *rand.Rand
	round  int // messages in a round
	turn   int

	kills, restarts, serverKills int
}

func newProof(t *testing.T) *proof {
	t.Helper()
	p := &proof{
		binary: workerBinary(t), dir: t.TempDir(), people: sandbox.NewPeople(1), random: rand.New(rand.NewPCG(1, 0)),
		channels: []string{"C0BUGREPORTS", "C0SUPPORT", "C0WEB", "C0API"},
	}
	var err error
	p.server, err = devserver.Start(t.Context(), devserver.Options{Dir: p.dir, FreePorts: true})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, p.server.Stop()) })
	o := sandbox.Options{
		Slack: sandbox.AppOptions{AccessLifetime: time.Minute}, GitHub: sandbox.AppOptions{AccessLifetime: 45 * time.Second},
		Repositories: []string{"acme/app", "acme/web"}, RateLimit: 1e9, CreationsPerMinute: -1, CreationsPerHour: -1,
	}
	for _, id := range p.channels {
		o.Channels = append(o.Channels, sandbox.Channel{ID: id, Name: id})
	}
	p.world = newIdleWorld(t, p.server, o)
	p.rewrite("    creates_per_hour: 5000\n", "    timeout: 12s\n    creates_per_hour: 0\n") // it ends requests after 10 s
	p.rewrite("{channel: C0SUPPORT, repository: acme/app}", "{channel: C0SUPPORT, repository: acme/app}\n"+
		"      - {channel: C0WEB, repository: acme/web}\n      - {channel: C0API, repository: acme/web, labels: [bug]}")
	p.env = p.environment()
	t.Cleanup(p.explain)
	for i := range p.workers {
		p.startWorker(i)
		t.Cleanup(func() { assert.NoError(t, p.workers[i].Stop()) })
	}
	p.accounts = map[sandbox.App]credential.AccountID{sandbox.Slack: p.connect("slack"), sandbox.GitHub: p.connect("github")}
	p.name = p.organization + "/bugs"
	require.NoError(t, p.Workflows.StartTriage(t.Context(), p.name))
	return p
}

// explain shows what the triage waits for and what the workers said last, when the proof has failed.
func (p *proof) explain() {
	if !p.t.Failed() {
		return
	}
	ctx := context.WithoutCancel(p.t.Context())
	if triage, err := p.Temporal.DescribeWorkflowExecution(ctx, workflows.TriageWorkflowID(p.name), ""); err == nil {
		for _, pending := range triage.GetPendingActivities() {
			p.t.Log(pending)
		}
	}
	for i := range p.workers {
		if log, err := os.ReadFile(p.log(i)); err == nil {
			p.t.Logf("the end of %s:\n%s", p.log(i), log[max(0, len(log)-4096):])
		}
	}
}

func (p *proof) startWorker(i int) {
	p.t.Helper()
	var err error
	p.workers[i], err = process.Start(process.Options{
		Name: fmt.Sprintf("worker %d", i+1), Path: p.binary, Args: []string{"--config", p.Config().Path, "--gateway=false"},
		Env: p.env, LogFile: p.log(i), Grace: 45 * time.Second,
	})
	require.NoError(p.t, err)
}

func (p *proof) log(worker int) string {
	return filepath.Join(p.dir, fmt.Sprintf("worker-%d.log", worker+1))
}

func (p *proof) stopWorkers() {
	p.t.Helper()
	for _, worker := range p.workers {
		require.NoError(p.t, worker.Stop())
	}
}

// noRaces looks for what the race detector in the workers found.
func (p *proof) noRaces() {
	p.t.Helper()
	for i := range p.workers {
		log, err := os.ReadFile(p.log(i))
		require.NoError(p.t, err)
		assert.NotContains(p.t, string(log), "DATA RACE", p.log(i))
	}
}

// write has people write what they write in a round.
func (p *proof) write() {
	p.t.Helper()
	for range p.round {
		_, err := p.sandbox.Deliver(p.channels[p.turn%len(p.channels)], p.people.Next())
		require.NoError(p.t, err)
		p.turn++
	}
}

// keepUp waits until hardly more reports are open than a round has: misfortunes are to meet all of them, and not the first.
func (p *proof) keepUp() {
	p.t.Helper()
	p.until("reports to be filed as fast as they are written", func(b sandbox.Books) bool { return b.ReportsPosted-marked(b) <= p.round })
}

// until waits until the books are as wanted, for as long as there is progress, and returns them.
func (p *proof) until(what string, wanted func(sandbox.Books) bool) sandbox.Books {
	p.t.Helper()
	look := time.NewTicker(250 * time.Millisecond)
	defer look.Stop()
	done, since := 0, time.Now()
	for {
		books := p.sandbox.Books()
		if wanted(books) {
			return books
		}
		if now := books.IssuesCreated + len(books.Replies) + marked(books); now > done {
			done, since = now, time.Now()
		}
		require.Less(p.t, time.Since(since), 2*patience, "%s: %d reports, %d issues, %d replies, %d marks; without an issue: %v", what,
			books.ReportsPosted, books.IssuesCreated, len(books.Replies), marked(books), books.MissingReports)
		for _, worker := range p.workers {
			require.NoError(p.t, worker.Err())
		}
		<-look.C
	}
}

// running counts the Reports that have not ended.
func (p *proof) running() int64 {
	p.t.Helper()
	count, err := p.Temporal.CountWorkflow(p.t.Context(), &workflowservice.CountWorkflowExecutionsRequest{
		Query: "WorkflowType = 'Report' AND ExecutionStatus = 'Running'",
	})
	require.NoError(p.t, err)
	return count.GetCount()
}

// calm waits until no refresh is about to happen. What a kill in the middle of one does is a matter of the provider's rules,
// and TestDeathAtEveryPointOfARefresh has each case.
func (p *proof) calm() {
	p.t.Helper()
	for app := range p.accounts {
		p.eventually("no refresh to be due", func() bool {
			status, ok := p.look(app)
			return ok && status.Status == credential.Active && time.Until(status.NextRefresh) > time.Second
		})
	}
}

// look asks an account, which may be slow to answer while everything breaks.
func (p *proof) look(app sandbox.App) (status workflows.AccountStatus, ok bool) {
	status, err := p.Workflows.Account(p.t.Context(), p.accounts[app])
	return status, err == nil
}

func (p *proof) killWorker() {
	p.t.Helper()
	p.calm()
	victim := p.kills % len(p.workers)
	require.NoError(p.t, p.workers[victim].Kill())
	p.kills++
	p.startWorker(victim)
}

func (p *proof) restartWorker() {
	p.t.Helper()
	i := p.restarts % len(p.workers)
	require.NoError(p.t, p.workers[i].Stop())
	p.restarts++
	p.startWorker(i)
}

func (p *proof) killServer() {
	p.t.Helper()
	require.NoError(p.t, p.server.Kill())
	p.serverKills++
	require.NoError(p.t, p.server.Restart(p.t.Context()))
}

// expire has all tokens die early, and the first attempt to replace each fail.
func (p *proof) expire() {
	p.t.Helper()
	p.calm()
	for app, account := range p.accounts {
		before := p.status(account)
		require.NoError(p.t, p.sandbox.Fault(sandbox.Fault{
			Name: "a refresh meets a 503", App: app, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Status: 503,
		}))
		p.sandbox.ExpireAccessTokens(app)
		p.eventually("another token", func() bool {
			now, ok := p.look(app)
			return ok && now.Generation > before.Generation
		})
	}
}

// revoke has an administrator remove an app, and a person consent again while others go on writing.
func (p *proof) revoke(app sandbox.App) {
	p.t.Helper()
	p.sandbox.Revoke(app)
	p.write()
	p.eventually("the grant to be known dead", func() bool {
		status, ok := p.look(app)
		return ok && status.Status == credential.ReauthorizationRequired
	})
	account := p.accounts[app]
	status, err := p.Workflows.Reauthorized(p.t.Context(), account, p.consent(account))
	require.NoError(p.t, err)
	require.Equal(p.t, credential.Active, status.Status)
}
