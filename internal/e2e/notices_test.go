package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/gateway"
	"tokenkeeper/internal/app"
	"tokenkeeper/internal/mailtest"
	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

const hookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// hook is a receiver of webhooks that keeps what it believes, each notice once.
type hook struct {
	t        *testing.T
	mu       sync.Mutex
	letters  []activities.Letter // guarded by mu
	patience int                 // guarded by mu; so many requests are answered 503
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	assert.NoError(h.t, err)
	verifier, err := standardwebhooks.NewWebhook(hookSecret)
	assert.NoError(h.t, err)
	assert.NoError(h.t, verifier.Verify(body, r.Header))
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.patience > 0 {
		h.patience--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var message struct{ Data activities.Letter }
	assert.NoError(h.t, json.Unmarshal(body, &message))
	h.letters = append(h.letters, message.Data)
}

func (h *hook) got() []activities.Letter {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]activities.Letter{}, h.letters...)
}

// telling gives the world's configuration a target of each type, and returns the other ends of two.
func (w *world) telling(t *testing.T) (*hook, *mailtest.Server) {
	t.Helper()
	receiver, mails := &hook{t: t, patience: 1}, mailtest.Start(t, mailtest.Options{Plain: true})
	server := httptest.NewServer(receiver)
	t.Cleanup(server.Close)
	w.settings["HOOK_SECRET"] = hookSecret
	before, err := os.ReadFile(w.Config().Path)
	require.NoError(t, err)
	w.replace(filepath.Base(w.Config().Path), string(before)+strings.NewReplacer(
		"HOOK_URL", server.URL, "ORGANIZATION", w.organization, "MAIL_AT", strconv.Itoa(mails.Port),
	).Replace(`notices:
  escalation: [1m]
  targets:
    pager: {type: webhook, url: HOOK_URL, secret_env: HOOK_SECRET}
    team: {type: slack, account: ORGANIZATION/triage/slack, channel: C0SUPPORT}
    ops: {type: email, host: 127.0.0.1, tls: none, port: MAIL_AT, from: keeper@example.com, to: [jane@example.com, joe@example.com]}
`))
	require.NoError(t, w.Reload(t.Context()))
	return receiver, mails
}

// kill ends an account's grant, and has its owner find out.
func (w *world) kill(name sandbox.App, account credential.AccountID) {
	w.t.Helper()
	w.sandbox.Revoke(name)
	status, err := w.refresh(w.t.Context(), account, w.status(account).Generation)
	require.NoError(w.t, err)
	require.Equal(w.t, credential.ReauthorizationRequired, status.Status)
}

func (w *world) reauthorize(account credential.AccountID) {
	w.t.Helper()
	status, err := w.Workflows.Reauthorized(w.t.Context(), account, w.consent(account))
	require.NoError(w.t, err)
	require.Equal(w.t, credential.Active, status.Status)
}

// notes returns the messages of ours in the channel that notices go to.
func (w *world) notes() []sandbox.MessageView {
	var notes []sandbox.MessageView
	for _, ch := range w.sandbox.State().Channels {
		for _, m := range ch.Messages {
			if ch.ID == "C0SUPPORT" && m.ByApp {
				notes = append(notes, m)
			}
		}
	}
	return notes
}

var consentLink = regexp.MustCompile(`http://127\.0\.0\.1:8780/c/[A-Z0-9]{52}`)

// A grant dies while people post. Every target hears of it with one link, again after a minute, and of its end; a webhook that
// was away for a moment gets its notice too, and nobody else gets it again because of that. Then it breaks and recovers in turn,
// which nobody hears of; and last the account ends that posts the notices.
func TestNoticesReachPeople(t *testing.T) {
	besideFor(t, time.Minute)
	w := newWorld(t, sandbox.Options{})
	pager, mails := w.telling(t)
	slack, github := w.connect("slack"), w.connect("github")
	name := w.organization + "/bugs"
	require.NoError(t, w.Workflows.StartTriage(t.Context(), name))
	w.eventually("both channels to be read", func() bool { return w.polls() >= 2 })
	everybody := func(n int) func() bool {
		return func() bool {
			return len(pager.got()) == n && len(mails.Mails()) == 2*n && len(w.notes()) == 1 && len(w.notes()[0].Replies) == n-1
		}
	}
	w.kill(sandbox.GitHub, github)
	w.eventually("the news of a dead grant", everybody(1))
	first := pager.got()[0]
	assert.Equal(t, github, first.Account)
	assert.Empty(t, first.Paused, "its triage reads on, and no report waits yet")
	links := map[string]bool{first.Link: true, consentLink.FindString(w.notes()[0].Text): true}
	for _, m := range mails.Mails() {
		links[consentLink.FindString(m.Body)] = true
	}
	assert.Len(t, links, 1, "one link, whoever opens it")
	assert.Regexp(t, consentLink, first.Link)

	w.sandbox.Post("C0BUGREPORTS", sandbox.Message{User: "ada", Text: report, Report: true})
	w.eventually("the report to wait", func() bool { return w.status(github).Waiting == 1 })
	w.within(2*patience, "the news that it is still broken", everybody(2))
	again := pager.got()[1]
	assert.Equal(t, []string{name}, again.Paused)
	assert.Equal(t, []int{1, 1}, []int{again.Stage, again.Reports})
	assert.Contains(t, w.notes()[0].Replies[0].Text, "still broken")

	w.reauthorize(github)
	w.eventually("the news of its end", everybody(3))
	assert.Contains(t, w.notes()[0].Text, "works again")
	assert.False(t, consentLink.MatchString(w.notes()[0].Text))
	w.eventually("the issue", func() bool { return w.sandbox.Books().IssuesCreated == 1 })
	for range 5 {
		w.kill(sandbox.GitHub, github)
		w.reauthorize(github)
	}

	w.kill(sandbox.Slack, slack)
	w.eventually("the end of the account that tells", func() bool { return len(pager.got()) == 4 && len(mails.Mails()) == 8 })
	last := pager.got()[3]
	assert.Equal(t, slack, last.Account, "in between nobody heard a thing")
	assert.Equal(t, []string{"team"}, last.Untold)
	assert.Equal(t, []string{name}, last.Paused, "it can read nothing any more")
	assert.True(t, everybodyButSlack(w), "it does not tell of itself")

	owner, err := w.Temporal.DescribeWorkflowExecution(t.Context(), workflows.AccountWorkflowID(slack), "")
	require.NoError(t, err)
	_, err = w.Workflows.Disconnect(t.Context(), slack)
	require.NoError(t, err)
	w.eventually("the news that nobody has to help any more", func() bool { return len(pager.got()) == 5 })
	end := pager.got()[4]
	assert.Equal(t, []any{slack, true, last.Episode}, []any{end.Account, end.Recovery, end.Episode})
	assert.Equal(t, "account "+slack.String()+" is disconnected, and needs nobody any more", end.Text)
	// Its triage asks for the account, which has another owner then.
	w.replaysRun(workflows.AccountWorkflowID(slack), owner.GetWorkflowExecutionInfo().GetExecution().GetRunId(), "left-account")

	for i, letter := range pager.got() {
		id := workflows.NoticeWorkflowID(letter.ID)
		text, err := proto.Marshal(w.history(id))
		require.NoError(t, err)
		assert.NotContains(t, string(text), "/c/", "a link is in the history")
		if i == 0 {
			w.replays(id, "notice")
		}
	}
}

// Where many accounts of a connector need people at once, the first are told one by one and the others together.
func TestManyNoticesOfAConnectorBecomeOne(t *testing.T) {
	besideFor(t, time.Minute)
	w := newWorld(t, sandbox.Options{})
	pager, _ := w.telling(t)
	pager.patience = 0
	const many = 200
	require.NoError(t, app.Each(t.Context(), many, func(ctx context.Context, i int) error {
		account := credential.AccountID{Organization: w.organization, User: fmt.Sprintf("user-%d", i), Connector: "slack"}
		return w.Workflows.GatherNotice(ctx, activities.Announcement{
			ID: "ntc_" + w.organization + strconv.Itoa(i), Type: "account.trouble", Account: account, Reason: "token_revoked",
			Text: "account " + account.String() + " needs a person",
		}, []string{"pager"})
	}))
	for i := range 2 { // mended in the same window
		account := credential.AccountID{Organization: w.organization, User: fmt.Sprintf("user-%d", i), Connector: "slack"}
		require.NoError(t, w.Workflows.GatherNotice(t.Context(), activities.Announcement{
			ID: "ntc_over_" + w.organization + strconv.Itoa(i), Type: "account.recovery", Recovery: true, Account: account,
		}, []string{"pager"}))
	}
	w.eventually("the first letters", func() bool { return len(pager.got()) == 3 })
	w.within(2*patience, "the letters that tell of the others", func() bool { return len(pager.got()) == 5 })
	assert.True(t, slices.ContainsFunc(pager.got(), func(l activities.Letter) bool { return l.Type == "accounts.recovery" && l.Count == 2 }))
	last := pager.got()[slices.IndexFunc(pager.got(), func(l activities.Letter) bool { return l.Type == "accounts.trouble" })]
	assert.Equal(t, "accounts.trouble", last.Type)
	assert.Equal(t, many-3, last.Count)
	assert.Equal(t, "token_revoked (197)", last.Reason)
	w.replays(workflows.DigestWorkflowID(w.Config().Temporal.TaskQueue, "slack"), "digest")
}

// What does not reach people is seen by whoever looks: the doctor, the status page, a scraper.
func TestNoticesThatDoNotArriveAreSeen(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	pager, mails := w.telling(t)
	pager.patience = 1000
	github := w.connect("github")
	look := func(late time.Duration) gateway.NoticesView {
		view, err := w.LookAtNotices(t.Context(), late)
		require.NoError(t, err)
		return view
	}
	require.Zero(t, look(0))
	w.kill(sandbox.GitHub, github)
	var view gateway.NoticesView
	w.eventually("a late notice, and of its troubles that one", func() bool { // the account of the other target is not connected
		view = look(0)
		return len(mails.Mails()) == 2 && strings.Contains(view.Trouble, "503")
	})
	assert.EqualValues(t, 1, view.Late)
	assert.Contains(t, view.Problem(), "webhook pager")
	assert.Zero(t, look(time.Hour).Late, "a target may be away for a moment")
	assert.EqualValues(t, 1, look(time.Hour).UnderWay)
}

func everybodyButSlack(w *world) bool { return len(w.notes()) == 1 && len(w.notes()[0].Replies) == 2 }

func TestATestOfNoticesTellsWhatIsWrong(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	pager, mails := w.telling(t)
	pager.patience = 0
	targets := w.NoticeTargets("")
	require.Equal(t, []string{"ops/jane@example.com", "ops/joe@example.com", "pager", "team"}, targets)
	test := func() map[string]string {
		t.Helper()
		var findings []app.Finding
		var err error
		w.eventually("a worker that polls", func() bool {
			findings, err = w.TestNotices(t.Context(), "a tester", targets)
			return !errors.Is(err, app.ErrNoWorker)
		})
		require.NoError(t, err)
		said := map[string]string{}
		for _, f := range findings {
			said[strings.TrimPrefix(f.Subject, "target ")] = f.Problem + " " + f.Fix
		}
		return said
	}
	mails.Refuse("jane@example.com", 550, "no such user")
	said := test()
	assert.Contains(t, said["ops/jane@example.com"], "550")
	assert.Contains(t, said["ops/jane@example.com"], "correct from and to of notices.targets.ops")
	assert.Equal(t, " ", said["ops/joe@example.com"])
	assert.Equal(t, " ", said["pager"])
	assert.Contains(t, said["team"], "tokenkeeper account show "+w.account("slack").String())

	w.connect("slack")
	assert.Equal(t, map[string]string{"ops/jane@example.com": " ", "ops/joe@example.com": " ", "pager": " ", "team": " "}, test())
	require.Len(t, w.notes(), 1)
	assert.Contains(t, w.notes()[0].Text, "this is a test by a tester")
	assert.Equal(t, "test", pager.got()[1].Type)
}
