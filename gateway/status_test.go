package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/gateway"
)

// fakeBoard shows what a test puts on it.
type fakeBoard struct {
	mu       sync.Mutex
	accounts []gateway.AccountView
	triages  []gateway.TriageView
	notices  gateway.NoticesView
	err      error
	looks    int
	looking  func() // called in each look
}

func (b *fakeBoard) LookAtAccounts(context.Context, time.Duration) ([]gateway.AccountView, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.looks++
	if b.looking != nil {
		b.looking()
	}
	return b.accounts, b.err
}

func (b *fakeBoard) LookAtTriages(context.Context, time.Duration) ([]gateway.TriageView, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.triages, b.err
}

func (b *fakeBoard) LookAtNotices(context.Context, time.Duration) (gateway.NoticesView, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.notices, b.err
}

func (b *fakeBoard) show(accounts []gateway.AccountView, triages ...gateway.TriageView) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.accounts, b.triages = accounts, triages
}

func (b *fakeBoard) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

// viewOf is an account that works, changed.
func viewOf(now time.Time, name string, change func(*gateway.AccountView)) gateway.AccountView {
	id, err := credential.ParseAccountID(name)
	if err != nil {
		panic(err)
	}
	view := gateway.AccountView{
		AccountStatus: credential.AccountStatus{
			Account: id, Provider: id.Connector, Status: credential.Active, Since: now.Add(-26 * time.Hour), Generation: 7,
			Subject: "T1/A1", Display: "triage-bot in Acme", Scopes: []string{"chat:write"}, ExpiresAt: now.Add(3*time.Hour + 12*time.Minute),
			LastRefresh: now.Add(-9 * time.Hour), NextRefresh: now.Add(48 * time.Minute), Refreshes: 6,
		},
		WebUI: "http://127.0.0.1:8233/namespaces/default/workflows/account%2F" + strings.ReplaceAll(name, "/", "%2F"),
	}
	if change != nil {
		change(&view)
	}
	return view
}

func deadView(now time.Time, name string) gateway.AccountView {
	return viewOf(now, name, func(v *gateway.AccountView) {
		v.Status, v.Since = credential.ReauthorizationRequired, now.Add(-7*time.Minute)
		v.Reason = "dead grant (code token_revoked, HTTP 200) <b>"
		v.ExpiresAt, v.NextRefresh, v.Waiting = now.Add(-6*time.Minute), time.Time{}, 10_000
	})
}

// triageOf is a triage that works, changed.
func triageOf(now time.Time, change func(*gateway.TriageView)) gateway.TriageView {
	view := gateway.TriageView{
		Triage: "acme/bug-reports", State: "polling", Worked: now.Add(-12 * time.Second),
		Channels: []gateway.ChannelView{{
			Channel: "C0BUGREPORTS", Repository: "acme/app", LastPoll: now.Add(-12 * time.Second), NextPoll: now.Add(18 * time.Second),
			Attempts: 3, Messages: 41, Watermark: fmt.Sprintf("%d.000100", now.Add(-5*time.Minute).Unix()),
		}},
		Reports: gateway.ReportsView{Running: 2, Done: 39},
		WebUI:   "http://127.0.0.1:8233/namespaces/default/workflows/triage%2Facme%2Fbug-reports",
	}
	if change != nil {
		change(&view)
	}
	return view
}

func TestStatusPage(t *testing.T) {
	f := newFixture(t)
	now := f.clock.Now()
	f.board.show([]gateway.AccountView{
		viewOf(now, "acme/triage/github", nil), deadView(now, "acme/triage/slack"),
	}, triageOf(now, func(v *gateway.TriageView) {
		v.State = "waiting"
		v.Waiting = []activities.Unavailable{{Account: deadView(now, "acme/triage/slack").Account, Status: credential.ReauthorizationRequired}}
		v.Reports.Waiting = []gateway.WaitedFor{{Account: v.Waiting[0].Account, Status: credential.ReauthorizationRequired, Reports: 3}}
		v.Reports.Parked = []gateway.ParkedReport{{Report: "T1/C1/1.2", Reason: "issues are disabled"}}
		v.Backlog = "the reports under way only become more since 14:00"
	}))
	shown := f.browser().open("/")
	require.Equal(t, 200, shown.status)
	for _, want := range []string{
		"1 of 2 accounts needs a person, 1 of 1 triage is not working.",
		`id="account/acme/triage/slack"`, "reauthorization required", "dead grant (code token_revoked, HTTP 200) &lt;b&gt;",
		"in 3h12m", "9h00m ago", "in 48m", ">none planned<", "triage acme/bug-reports<br>3 reports of acme/bug-reports<br>10000 Workflows in all",
		`href="http://127.0.0.1:8233/namespaces/default/workflows/account%2Facme%2Ftriage%2Fslack"`,
		`id="triage/acme/bug-reports"`, "12s ago", "2 under way, 39 done", "the reports under way only become more", "T1/C1/1.2",
		"C0BUGREPORTS", "acme/app", "5m ago", `href="http://127.0.0.1:8233/namespaces/default/workflows/triage%2Facme%2Fbug-reports"`,
		`datetime="` + now.Add(48*time.Minute).UTC().Format(time.RFC3339) + `"`,
	} {
		assert.Contains(t, shown.body, want)
	}
	assert.Less(t, strings.Index(shown.body, `id="account/acme/triage/slack"`), strings.Index(shown.body, `id="account/acme/triage/github"`),
		"those that need a person come first")
}

func TestStatusPageSaysWhatIsInQuarantine(t *testing.T) {
	f := newFixture(t)
	now := f.clock.Now()
	quarantine := credential.Quarantine{
		Authorization: "authorization-1", Expected: credential.Holder{Subject: "T1/A1", Display: "triage-bot in Acme"},
		Got: credential.Holder{Subject: "T1/A2", Display: "Mallory <b>"}, Missing: []string{"chat:write"}, Until: now.Add(71 * time.Hour),
	}
	show := func() string {
		f.board.show([]gateway.AccountView{viewOf(now, "acme/triage/slack", func(v *gateway.AccountView) { q := quarantine; v.Quarantine = &q })})
		f.clock.advance(time.Minute) // beyond what the page remembers
		return f.browser().open("/").body
	}
	shown := show()
	for _, want := range []string{
		"In quarantine", "<dt>Expected</dt>\n<dd><bdi>triage-bot in Acme (T1/A1)</bdi></dd>",
		"<dt>Consented</dt>\n<dd><bdi>Mallory &lt;b&gt; (T1/A2)</bdi></dd>", "<dt>Missing scopes</dt>\n<dd><bdi>chat:write</bdi></dd>",
		"in 2d", "tokenkeeper account reject acme/triage/slack", "tokenkeeper account accept acme/triage/slack",
	} {
		assert.Contains(t, shown, want)
	}
	quarantine.Owner = account
	owned := show()
	assert.Contains(t, owned, "<dt>Owned by</dt>\n<dd><bdi>acme/triage/fake</bdi></dd>")
	assert.NotContains(t, owned, "tokenkeeper account accept", "one grant has one owner")
}

func TestSummaryOfTheStatusPage(t *testing.T) {
	now := time.Now()
	degraded := viewOf(now, "acme/triage/slack", func(v *gateway.AccountView) { v.Status = credential.Degraded })
	tests := []struct {
		name     string
		accounts []gateway.AccountView
		triages  []gateway.TriageView
		want     []string
	}{
		{"nothing", nil, nil, []string{"Nothing is connected yet.", "None yet. Name one", "They stand under"}},
		{"all well", []gateway.AccountView{viewOf(now, "acme/a/slack", nil), viewOf(now, "acme/b/slack", nil)},
			[]gateway.TriageView{triageOf(now, nil)}, []string{"Everything works: 2 accounts, 1 triage."}},
		{"degraded", []gateway.AccountView{degraded}, nil, []string{"1 of 1 account has trouble."}},
		{"client", []gateway.AccountView{viewOf(now, "acme/a/slack", func(v *gateway.AccountView) { v.Status = credential.ClientMisconfigured })},
			nil, []string{"1 of 1 account needs a person.", "Correct client id and secret of connector “slack”"}},
		{"stale", []gateway.AccountView{viewOf(now, "acme/a/slack", func(v *gateway.AccountView) { v.Stale = true })}, nil,
			[]string{"this is what was last heard of it", `class="card warn"`, "1 of 1 account does not answer, as no worker does."}},
		{"stale and dead", []gateway.AccountView{
			viewOf(now, "acme/a/slack", func(v *gateway.AccountView) { v.Stale = true }),
			viewOf(now, "acme/b/slack", func(v *gateway.AccountView) { v.Status, v.Stale = credential.ReauthorizationRequired, true }),
		}, nil, []string{`class="card bad"`, "1 of 2 accounts needs a person, 2 of 2 accounts do not answer, as no worker does."}},
		{"nobody has consented", []gateway.AccountView{viewOf(now, "acme/a/slack", func(v *gateway.AccountView) {
			v.AccountStatus = credential.AccountStatus{Account: v.Account, Status: credential.Pending}
		})}, nil, []string{`class="card warn"`, "1 of 1 account needs a person."}},
		{"its first token is on the way", []gateway.AccountView{viewOf(now, "acme/a/slack", func(v *gateway.AccountView) {
			v.AccountStatus = credential.AccountStatus{Account: v.Account, Status: credential.Pending, NextRefresh: now}
		})}, nil, []string{`class="card idle"`, "Everything works"}},
		{"disconnected", []gateway.AccountView{viewOf(now, "acme/a/slack", func(v *gateway.AccountView) { v.Status = credential.Disconnected })}, nil,
			[]string{"Everything works"}},
		{"never ends", []gateway.AccountView{viewOf(now, "acme/a/slack", func(v *gateway.AccountView) { v.ExpiresAt = time.Time{} })}, nil,
			[]string{"<dd>never</dd>"}},
		{"no worker", nil, []gateway.TriageView{{Triage: "acme/bugs", State: gateway.TriageNoWorker}},
			[]string{"1 of 1 triage is not working.", "No worker answers, so nothing is read or filed now."}},
		{"not running", nil, []gateway.TriageView{{Triage: "acme/bugs", State: gateway.TriageNotRunning}}, []string{"tokenkeeper triage start acme/bugs"}},
		{"paused", nil, []gateway.TriageView{triageOf(now, func(v *gateway.TriageView) { v.State = "paused" })}, []string{"tokenkeeper triage resume acme/bug-reports"}},
		{"misconfigured", nil, []gateway.TriageView{triageOf(now, func(v *gateway.TriageView) { v.State, v.Trouble = "misconfigured", "no such triage" })},
			[]string{"no such triage", "Correct tokenkeeper.yaml"}},
		{"parked", nil, []gateway.TriageView{triageOf(now, func(v *gateway.TriageView) {
			v.Reports.Parked = []gateway.ParkedReport{{Report: "T1/C1/1.2", Reason: "no"}}
		})}, []string{"1 of 1 triage is not working.", "tokenkeeper triage retry acme/bug-reports"}},
		{"threads", nil, []gateway.TriageView{triageOf(now, func(v *gateway.TriageView) {
			v.Watch = &gateway.WatchView{Trouble: "listing what changed in acme/app: HTTP 404"}
		})}, []string{"1 of 1 triage is not working.", "not all are followed", "listing what changed in acme/app: HTTP 404"}},
		{"outdated", nil, []gateway.TriageView{triageOf(now, func(v *gateway.TriageView) { v.Outdated = true })},
			[]string{"other settings than the configuration has", "tokenkeeper triage reload acme/bug-reports"}},
		{"on trial", nil, []gateway.TriageView{triageOf(now, func(v *gateway.TriageView) {
			v.Channels[0].Mode, v.Channels[0].Note = gateway.ModeDryRun, "what was posted in May could not be read"
			v.Reports.Asking = 1
		})}, []string{"1 under way, waiting for an answer: 1, 39 done", "(dry run)", "it is not filed later either", "posted in May could not be read"}},
		{"channel", nil, []gateway.TriageView{triageOf(now, func(v *gateway.TriageView) { v.Channels[0].Trouble = "not_in_channel" })},
			[]string{"1 of 1 triage is not working.", "not_in_channel"}},
		{"model", nil, []gateway.TriageView{triageOf(now, func(v *gateway.TriageView) {
			v.Model = &gateway.ModelView{Model: "small <b>", Tokens: 12_400, DailyTokens: 500_000}
		})}, []string{"Everything works", "<dd>small &lt;b&gt;, 12400 of 500000 tokens today</dd>"}},
		{"model is away", nil, []gateway.TriageView{triageOf(now, func(v *gateway.TriageView) {
			v.Model = &gateway.ModelView{Model: "small", Tokens: 7, FailingSince: now.Add(-5 * time.Minute), Failures: 2, Failure: "could not be reached"}
		})}, []string{"small, 7 tokens today", "Rules stand in", "5m ago", "the model could not be reached"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			f.board.show(test.accounts, test.triages...)
			shown := f.browser().open("/")
			for _, want := range test.want {
				assert.Contains(t, shown.body, want)
			}
		})
	}
}

// An installation that works and cannot tell anybody does not work.
func TestStatusPageSaysWhatDoesNotReachPeople(t *testing.T) {
	f := newFixture(t)
	f.board.show([]gateway.AccountView{viewOf(f.clock.Now(), "acme/triage/slack", nil)})
	assert.Contains(t, f.browser().open("/").body, `class="good">Everything works`)
	f.board.notices = gateway.NoticesView{
		UnderWay: 3, Late: 2, Oldest: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Trouble: "webhook pager: it answers 503 <b>", Lost: 1,
	}
	f.clock.advance(time.Minute)
	shown := f.browser().open("/").body
	assert.Contains(t, shown, `class="notice">Everything works`)
	assert.Contains(t, shown, "2 notices did not reach everybody yet, the first since 2026-03-04 05:06:07 UTC (webhook pager: it answers 503 &lt;b&gt;); "+
		"1 notice of the last day never reached everybody, and nobody tries any more. See which target it is with: <code>tokenkeeper notices test</code>")
}

func TestStatusPageOfManyAccounts(t *testing.T) {
	f := newFixture(t)
	var views []gateway.AccountView
	for i := range 250 {
		views = append(views, viewOf(f.clock.Now(), fmt.Sprintf("acme/user-%03d/slack", i), nil))
	}
	views = append(views, deadView(f.clock.Now(), "acme/zoe/slack"))
	f.board.show(views)
	b := f.browser()
	all := b.open("/").body
	assert.Equal(t, 200, strings.Count(all, `<li class="card`))
	assert.Contains(t, all, "51 more are not shown")
	assert.Contains(t, all, "acme/zoe/slack")
	found := b.open("/?q=USER-24+active").body
	assert.Equal(t, 10, strings.Count(found, `<li class="card`))
	assert.Contains(t, found, `value="USER-24 active"`)
	assert.Contains(t, b.open("/?q=%22%3E%3Cscript%3E").body, "No account matches.")
}

func TestStatusPageWithoutTemporal(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	f.board.fail(errors.New("away: dial tcp"))
	assert.Contains(t, b.open("/").body, "Nothing can be seen")
	f.board.fail(nil)
	f.board.show([]gateway.AccountView{viewOf(f.clock.Now(), "acme/triage/slack", nil)})
	f.clock.advance(time.Minute)
	assert.Contains(t, b.open("/").body, "Everything works")
	f.board.fail(errors.New("away: dial tcp"))
	f.clock.advance(time.Minute)
	blind := b.open("/").body
	assert.Contains(t, blind, "Temporal does not answer since")
	assert.Contains(t, blind, "acme/triage/slack")
	assert.NotContains(t, blind, "dial tcp")
}

// However many people look, the Workflows are asked once.
func TestOneLookForAll(t *testing.T) {
	f := newFixture(t)
	b := f.browser()
	for range 5 {
		b.open("/")
	}
	assert.Equal(t, 1, f.board.looks)
	f.clock.advance(2 * time.Second)
	b.open("/")
	assert.Equal(t, 2, f.board.looks)
	f.board.looking = func() { f.clock.advance(time.Second) }
	f.clock.advance(2 * time.Second)
	b.open("/")
	assert.Equal(t, 3, f.board.looks)
	f.clock.advance(9 * time.Second)
	b.open("/")
	assert.Equal(t, 3, f.board.looks, "a look of a second is good for ten")
}

// Whoever comes by a public name has not said who they are.
func TestNoStatusPageOutsideLoopback(t *testing.T) {
	f := newFixture(t)
	f.board.show([]gateway.AccountView{viewOf(f.clock.Now(), "acme/triage/slack", nil)})
	f.server.PublicURL = parseURL(t, "https://example.com")
	shown := f.browser().open("/")
	assert.NotContains(t, shown.body, "acme/triage/github")
	assert.NotContains(t, shown.body, "triage-bot")
	assert.Zero(t, f.board.looks)
}
