package workflows

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

const reportKey = "T1/C0BUGREPORTS/1777896000.000100"

// story is one Report with the Activities it calls. Each of them fails as often as a test scripted, then succeeds.
type story struct {
	env *testsuite.TestWorkflowEnvironment

	mu      sync.Mutex
	calls   []string           // in order
	fails   map[string][]error // :: Activity -> its failures to come
	looked  map[string][]bool  // :: Activity -> LookFirst of each call
	used    map[string][]credential.AccountID
	draft   activities.Draft
	plan    activities.Plan
	planErr error
	asked   []credential.AccountID // that were told who waits
	unowned map[credential.AccountID]bool
	onAwait func(credential.AccountID)
	onRead  func()
	notices []activities.TriageNotice
	panics  int // how often CreateIssue panics
	filed   []activities.CreateIssueInput
	claims  int // how often the message was claimed
	done    activities.ReactInput
	read    activities.ReadInput
	replied activities.ReplyInput
	found   bool                 // the issue was there before
	untold  string               // why Slack takes no replies
	sees    credential.AccountID // who sees the issue, where it is not the one that was to create it
}

func newStory() *story {
	var suite testsuite.WorkflowTestSuite
	s := &story{
		env: suite.NewTestWorkflowEnvironment(), fails: map[string][]error{}, looked: map[string][]bool{},
		used: map[string][]credential.AccountID{}, unowned: map[credential.AccountID]bool{},
		onAwait: func(credential.AccountID) {}, onRead: func() {},
		draft: activities.Draft{
			Verdict: activities.IsReport, Reason: "error message", Slack: acmeSlack, GitHub: acmeGitHub,
			Issue: triage.Issue{Owner: "acme", Repo: "app", Title: "It crashes"},
		},
		plan: activities.Plan{Triage: bugTriage, Slack: acmeSlack, GitHub: acmeGitHub},
	}
	s.env.SetStartTime(epoch)
	s.env.SetStartWorkflowOptions(startOptions(ReportWorkflowID(reportKey)))
	var slack *activities.Slack
	var github *activities.GitHub
	var configuration *activities.Triage
	s.env.OnActivity(slack.Read, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.ReadInput) (activities.Draft, error) {
		s.read = in
		draft := s.draft
		s.onRead()
		return draft, s.call("Read", acmeSlack, false)
	})
	s.env.OnActivity(github.CreateIssue, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.CreateIssueInput) (activities.CreatedIssue, error) {
			s.filed = append(s.filed, in)
			err := s.call("CreateIssue", in.Account, in.LookFirst)
			if s.panics > 0 {
				s.panics--
				panic("assignment to entry in nil map")
			}
			return activities.CreatedIssue{Number: 7, URL: "https://github.com/acme/app/issues/7", Account: s.sees, Found: s.found}, err
		})
	s.env.OnActivity(slack.Reply, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.ReplyInput) (activities.Posted, error) {
			s.replied = in
			return activities.Posted{TS: "1777896001.000100", Untold: s.untold}, s.call("Reply", in.Account, in.LookFirst)
		})
	s.env.OnActivity(slack.React, mock.Anything, mock.Anything).Return(
		func(_ context.Context, in activities.ReactInput) error { return s.react(in) })
	s.env.OnActivity(configuration.Plan, mock.Anything, mock.Anything).Return(
		func(context.Context, activities.PlanInput) (activities.Plan, error) { return s.plan, s.planErr })
	s.env.OnActivity(configuration.NotifyTriage, mock.Anything, mock.Anything).Return(func(_ context.Context, n activities.TriageNotice) error {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.notices = append(s.notices, n)
		return nil
	})
	s.env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, SignalAwait, mock.Anything).Return(
		func(_, id, _, _ string, arg any) error { return s.await(id, arg) })
	return s
}

func (s *story) call(name string, account credential.AccountID, lookFirst bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, name)
	s.looked[name] = append(s.looked[name], lookFirst)
	s.used[name] = append(s.used[name], account)
	if len(s.fails[name]) == 0 {
		return nil
	}
	err := s.fails[name][0]
	s.fails[name] = s.fails[name][1:]
	return err
}

// react keeps claims apart: they come at any time beside the steps.
func (s *story) react(in activities.ReactInput) error {
	if in.Emoji != "eyes" {
		s.done = in
		return s.call("React", in.Account, false)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.claims++
	if len(s.fails["Claim"]) == 0 {
		return nil
	}
	err := s.fails["Claim"][0]
	s.fails["Claim"] = s.fails["Claim"][1:]
	return err
}

func (s *story) await(id string, arg any) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	account, _ := AccountOfWorkflow(id)
	s.asked = append(s.asked, account)
	if w, ok := arg.(Waiter); !ok || w.WorkflowID != ReportWorkflowID(reportKey) {
		return temporal.NewApplicationError("who waits?", "test")
	}
	if s.unowned[account] {
		return temporal.NewApplicationError("workflow not found", "test")
	}
	s.onAwait(account)
	return nil
}

func (s *story) after(d time.Duration, f func()) { s.env.RegisterDelayedCallback(f, d) }

func (s *story) mended(account credential.AccountID) {
	s.env.SignalWorkflow(SignalAccountActive, AccountActive{Account: account})
}

func (s *story) status(t *testing.T) ReportStatus {
	t.Helper()
	value, err := s.env.QueryWorkflow(QueryStatus)
	require.NoError(t, err)
	var status ReportStatus
	require.NoError(t, value.Get(&status))
	return status
}

// report runs it to its end.
func (s *story) report(t *testing.T, in ReportInput) ReportResult {
	t.Helper()
	execute(s.env, Report, in)
	require.True(t, s.env.IsWorkflowCompleted())
	require.NoError(t, s.env.GetWorkflowError())
	var result ReportResult
	require.NoError(t, s.env.GetWorkflowResult(&result))
	return result
}

func rejection(text string) error {
	return temporal.NewNonRetryableApplicationError(text, activities.ErrTypeRejected, nil)
}

var bugReport = ReportInput{Report: reportKey, Triage: bugTriage, New: true, Claims: true}

func TestAReportIsReadFiledAnsweredAndMarked(t *testing.T) {
	s := newStory()

	result := s.report(t, bugReport)

	assert.Equal(t, []string{"Read", "CreateIssue", "Reply", "React"}, s.calls)
	assert.Equal(t, activities.IsReport, result.Verdict)
	assert.Equal(t, reportKey, result.Report)
	assert.Equal(t, 7, result.Issue.Number)
	assert.Equal(t, map[string][]bool{"Read": {false}, "CreateIssue": {false}, "Reply": {false}, "React": {false}}, s.looked)
	assert.Equal(t, []credential.AccountID{acmeGitHub}, s.used["CreateIssue"])
	assert.Equal(t, 1, s.claims)
	assert.False(t, s.read.LookFirst)
	assert.Equal(t, "white_check_mark", s.done.Emoji)
	assert.Equal(t, "eyes", s.done.Instead, "the mark takes the place of the claim")
	assert.Equal(t, "done", s.status(t).Step)
}

func TestAMessageThatCameAlongIsAtHandForItsReport(t *testing.T) {
	s := newStory()
	in := bugReport
	in.Message = &triage.Message{Text: "It crashes"}
	s.report(t, in)
	assert.Equal(t, in.Message, s.read.Message)

	s = newStory()
	s.fails["Read"] = []error{unavailableError(acmeSlack)}
	s.after(time.Hour, func() { s.mended(acmeSlack) })
	s.report(t, in)
	assert.Nil(t, s.read.Message, "it may have been edited or deleted while the account needed a person")
}

func TestAClaimThatFailsCostsNoReport(t *testing.T) {
	for name, err := range map[string]error{"refused": rejection("too_many_reactions"), "account": unavailableError(acmeSlack)} {
		t.Run(name, func(t *testing.T) {
			s := newStory()
			s.fails["Claim"] = []error{err}

			assert.Equal(t, 7, s.report(t, bugReport).Issue.Number)
			assert.Equal(t, []string{"Read", "CreateIssue", "Reply", "React"}, s.calls)
			assert.Empty(t, s.notices)
			assert.Empty(t, s.asked, "who waits is the step after it, if it has to")
		})
	}
}

// The issue is filed, so no person has to come because its thread cannot be told.
func TestAReportWhoseThreadCannotBeToldEndsAndSaysSo(t *testing.T) {
	s := newStory()
	s.untold = "the channel is archived"

	result := s.report(t, bugReport)

	assert.True(t, s.replied.Optional)
	assert.Equal(t, 7, result.Issue.Number)
	assert.Equal(t, "the channel is archived", result.Untold)
	assert.Equal(t, "done", s.status(t).Step)
	assert.Empty(t, s.notices)
}

func TestWhatIsNoReportIsLeftAlone(t *testing.T) {
	for _, verdict := range []activities.Verdict{activities.NotReport, activities.Gone} {
		s := newStory()
		s.draft = activities.Draft{Verdict: verdict, Reason: "no signal"}

		result := s.report(t, bugReport)

		assert.Equal(t, []string{"Read"}, s.calls)
		assert.Zero(t, s.claims)
		assert.Equal(t, verdict, result.Verdict)
		assert.Equal(t, "no signal", result.Reason)
		assert.Nil(t, result.Issue)
	}
}

// The route is chosen with the reading and is in history before the first try. No configuration of later moves the report, until
// a person wants another try: the repository may be what was wrong. Then it may have been filed in the one of before.
func TestARouteIsChosenOnceUntilAPersonSaysRetry(t *testing.T) {
	for name, isNew := range map[string]bool{"a new message": true, "one from before the triage": false} {
		t.Run(name, func(t *testing.T) {
			s := newStory()
			s.draft.Elsewhere, s.draft.Source = []triage.Place{{Repository: "acme/web"}}, &triage.Source{Template: "bug.yml"}
			s.fails["CreateIssue"] = []error{unavailableError(acmeGitHub), rejection("issues are disabled")}
			s.onAwait = func(account credential.AccountID) {
				s.plan.Routes = []triage.Route{{Channel: bugsChannel, Repository: "acme/other"}}
				s.draft.Issue.Repo, s.draft.Elsewhere = "other", []triage.Place{{Repository: "acme/docs"}}
				s.draft.Source = &triage.Source{Template: "defect.yml"}
				s.mended(account)
			}
			s.after(time.Hour, func() { s.env.SignalWorkflow(SignalRetry, nil) })
			in := bugReport
			in.New = isNew
			s.report(t, in)

			require.Len(t, s.filed, 3)
			repositories := func(in activities.CreateIssueInput) []string {
				all := []string{in.Issue.Repo}
				for _, at := range in.Elsewhere {
					all = append(all, at.String())
				}
				return all
			}
			tries := [][]string{repositories(s.filed[0]), repositories(s.filed[1]), repositories(s.filed[2])}
			if isNew { // nobody can have filed it along another route
				assert.Equal(t, [][]string{{"app"}, {"app"}, {"other", "acme/app"}}, tries)
			} else {
				assert.Equal(t, [][]string{{"app", "acme/web"}, {"app", "acme/web"}, {"other", "acme/app", "acme/docs", "acme/web"}}, tries)
			}
			assert.Equal(t, []bool{!isNew, true, true}, s.looked["CreateIssue"])
			templates := []string{s.filed[0].Source.Template, s.filed[1].Source.Template, s.filed[2].Source.Template}
			assert.Equal(t, []string{"bug.yml", "bug.yml", "defect.yml"}, templates, "the issue is written as the new route wants")
		})
	}
}

func TestAMessageFromBeforeTheTriageIsLookedForFirst(t *testing.T) {
	s := newStory()
	s.draft.Filed = "https://github.com/acme/old/issues/3"
	in := bugReport
	in.New = false
	s.report(t, in)

	assert.True(t, s.read.LookFirst)
	assert.Equal(t, s.draft.Filed, s.filed[0].Filed)
	assert.Equal(t, []bool{true}, s.looked["CreateIssue"])
	assert.Equal(t, []bool{true}, s.looked["Reply"])
}

func TestARejectedStepIsParkedUntilAPersonSaysRetry(t *testing.T) {
	for _, step := range []string{"Read", "CreateIssue", "Reply", "React"} {
		t.Run(step, func(t *testing.T) {
			s := newStory()
			s.fails[step] = []error{rejection("issues are disabled; enable them"), rejection("still disabled")}
			var first, second ReportStatus
			s.after(24*time.Hour, func() {
				first = s.status(t)
				s.env.SignalWorkflow(SignalRetry, nil)
			})
			s.after(48*time.Hour, func() {
				second = s.status(t)
				s.env.SignalWorkflow(SignalRetry, nil)
			})

			result := s.report(t, bugReport)

			assert.Equal(t, "issues are disabled; enable them", first.Parked)
			assert.Equal(t, "still disabled", second.Parked)
			assert.Empty(t, s.status(t).Parked)
			require.Len(t, s.notices, 2, "nobody has to look to know")
			assert.Equal(t, activities.TriageNotice{
				Triage: bugTriage, Event: activities.EventReportParked, Report: reportKey, Reason: "issues are disabled; enable them",
			}, s.notices[0])
			assert.Equal(t, 7, result.Issue.Number)
			calls := 6
			if step == "CreateIssue" {
				calls += 2 // its route is chosen anew
			}
			assert.Len(t, s.calls, calls, "each other step ran once: %v", s.calls)
			if step == "CreateIssue" || step == "Reply" {
				assert.Equal(t, []bool{false, true, true}, s.looked[step], "whoever tries again looks first")
			}
		})
	}
}

// Who says retry, and has the message deleted or out of reach meanwhile, gets what was read filed all the same.
func TestWhatCannotBeReadAgainKeepsItsRoute(t *testing.T) {
	for name, change := range map[string]func(*story){
		"deleted":  func(s *story) { s.draft.Verdict, s.draft.Issue = activities.Gone, triage.Issue{} },
		"no route": func(s *story) { s.fails["Read"] = []error{rejection("triage has no route for the channel")} },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory()
			s.fails["CreateIssue"] = []error{rejection("issues are disabled")}
			s.after(time.Hour, func() {
				change(s)
				s.env.SignalWorkflow(SignalRetry, nil)
			})
			assert.Equal(t, 7, s.report(t, bugReport).Issue.Number)
			require.Len(t, s.filed, 2)
			assert.Equal(t, s.filed[0].Issue, s.filed[1].Issue)
			assert.Empty(t, s.filed[1].Elsewhere)
		})
	}
}

func TestAReportWaitsInTheMiddleOfEachStepAndGoesOnThere(t *testing.T) {
	for step, account := range map[string]credential.AccountID{
		"Read": acmeSlack, "CreateIssue": acmeGitHub, "Reply": acmeSlack, "React": acmeSlack,
	} {
		t.Run(step, func(t *testing.T) {
			s := newStory()
			s.fails[step] = []error{unavailableError(account)}
			const weeks = 3 * 7 * 24 * time.Hour
			var waiting ReportStatus
			s.after(weeks-time.Hour, func() { waiting = s.status(t) })
			s.after(weeks, func() { s.mended(account) })

			result := s.report(t, bugReport)

			assert.Equal(t, []activities.Unavailable{{Account: account, Status: credential.ReauthorizationRequired}}, waiting.Waiting)
			assert.Empty(t, waiting.Parked)
			assert.Equal(t, 7, result.Issue.Number)
			assert.Len(t, s.calls, 5, "each other step ran once: %v", s.calls)
			assert.Len(t, s.used[step], 2)
			assert.Empty(t, s.status(t).Waiting)
			if step == "CreateIssue" || step == "Reply" {
				assert.Equal(t, []bool{false, true}, s.looked[step])
			}
		})
	}
}

func TestAReportFollowsAChangeOfItsAccounts(t *testing.T) {
	s := newStory()
	other := credential.AccountID{Organization: "acme", User: "robot", Connector: "github"}
	s.fails["CreateIssue"] = []error{unavailableError(acmeGitHub)}
	s.unowned[acmeGitHub] = true
	s.after(24*time.Hour, func() {
		s.plan.GitHub, s.draft.GitHub = other, other
		s.env.SignalWorkflow(SignalRetry, nil)
	})

	s.report(t, bugReport)

	assert.Equal(t, []credential.AccountID{acmeGitHub, other}, s.used["CreateIssue"])
	require.Len(t, s.filed, 2)
	assert.Equal(t, []triage.Place{{Account: acmeGitHub, Repository: "acme/app"}}, s.filed[1].Elsewhere, "an attempt may have filed it with the one of before")
}

// A report is filed with its route's account, and waits for that alone. Who says retry may have given the route another one: then the
// report goes there, and is looked for with the one of before.
func TestAReportUsesTheAccountOfItsRoute(t *testing.T) {
	enterprise := credential.AccountID{Organization: "acme", User: "triage", Connector: "ghes"}
	route := triage.Route{Channel: bugsChannel, Repository: "acme/app", GitHub: enterprise}
	for name, c := range map[string]struct {
		routes []triage.Route // at the retry; nil for none
		draft  func(*activities.Draft)
		used   credential.AccountID // in the end
		before []triage.Place
	}{
		"given back": {used: enterprise},
		"retried":    {routes: []triage.Route{route}, used: enterprise},
		"another account": {
			routes: []triage.Route{{Channel: bugsChannel, Repository: "acme/app"}},
			draft:  func(d *activities.Draft) { d.GitHub = acmeGitHub },
			used:   acmeGitHub, before: []triage.Place{{Account: enterprise, Repository: "acme/app"}},
		},
		"another place": {
			routes: []triage.Route{{Channel: bugsChannel, Repository: "acme/web"}, route},
			draft:  func(d *activities.Draft) { d.GitHub, d.Issue.Repo = acmeGitHub, "web" },
			used:   acmeGitHub, before: []triage.Place{{Account: enterprise, Repository: "acme/app"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory()
			s.draft.GitHub = enterprise
			s.fails["CreateIssue"] = []error{unavailableError(enterprise)}
			var waiting []activities.Unavailable
			s.after(time.Hour, func() {
				waiting = s.status(t).Waiting
				s.mended(acmeGitHub)
			})
			s.after(2*time.Hour, func() {
				assert.Len(t, s.used["CreateIssue"], 1, "another account is none of its business")
				if c.routes == nil {
					s.mended(enterprise)
					return
				}
				s.plan.Routes = c.routes
				if c.draft != nil {
					c.draft(&s.draft)
				}
				s.env.SignalWorkflow(SignalRetry, nil)
			})
			s.report(t, bugReport)

			assert.Equal(t, []activities.Unavailable{{Account: enterprise, Status: credential.ReauthorizationRequired}}, waiting)
			assert.Equal(t, []credential.AccountID{enterprise, c.used}, s.used["CreateIssue"])
			assert.Equal(t, c.before, s.filed[1].Elsewhere)
			assert.Equal(t, c.used, s.replied.Filer)
		})
	}
}

// Which account filed an issue does not change with the configuration of later.
func TestTheReplyNamesTheAccountThatSeesTheIssue(t *testing.T) {
	other := credential.AccountID{Organization: "acme", User: "robot", Connector: "github"}
	s := newStory()
	s.fails["Reply"] = []error{rejection("not_in_channel")}
	s.after(time.Hour, func() {
		s.plan.GitHub = other
		s.env.SignalWorkflow(SignalRetry, nil)
	})
	s.report(t, bugReport)
	assert.Equal(t, acmeGitHub, s.replied.Filer)

	s = newStory()
	s.sees = other
	s.report(t, bugReport)
	assert.Equal(t, other, s.replied.Filer)
}

// An issue that is found may show another text than the one that was read.
func TestTheReplyNamesTheEditThatTheIssueShows(t *testing.T) {
	for found, want := range map[bool]string{false: "1777896100.000000", true: ""} {
		s := newStory()
		s.draft.Edited, s.found = "1777896100.000000", found
		s.report(t, bugReport)
		assert.Equal(t, want, s.replied.Edited)
	}
}

func TestATriageThatIsGoneFromTheConfigurationEndsNoReport(t *testing.T) {
	s := newStory()
	s.fails["Reply"] = []error{unavailableError(acmeSlack)}
	s.after(time.Hour, func() {
		s.env.SignalWorkflow(SignalRetry, nil)
		s.planErr = temporal.NewNonRetryableApplicationError("triage is not in tokenkeeper.yaml", activities.ErrTypeNotConfigured, nil)
	})

	assert.Equal(t, 7, s.report(t, bugReport).Issue.Number)
	assert.Equal(t, []credential.AccountID{acmeSlack, acmeSlack}, s.used["Reply"])
}

func TestAReportOfNothingSaysWhatItWants(t *testing.T) {
	for name, c := range map[string]struct {
		in   ReportInput
		want string
	}{
		"empty": {want: "want team/channel/ts"},
		"another id": {
			in:   ReportInput{Report: "T1/C1/1777896009.000100", Triage: bugTriage},
			want: "start it with --workflow-id report/T1/C1/1777896009.000100: a message is filed once",
		},
		"no ts":      {in: ReportInput{Report: "T1/C1/now", Triage: bugTriage}, want: `ts "now"`},
		"no channel": {in: ReportInput{Report: "T1/../1777896000.000100", Triage: bugTriage}, want: `channel ".."`},
		"no triage":  {in: ReportInput{Report: reportKey}, want: "triage: missing"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory()
			execute(s.env, Report, c.in)
			require.ErrorContains(t, s.env.GetWorkflowError(), c.want)
			assert.Empty(t, s.calls)
		})
	}
}

// What no provider does, the message itself may cause. It is tried a few times, and parked with its reason.
func TestAMessageThatMakesAnActivityPanicIsParked(t *testing.T) {
	s := newStory()
	s.panics = 100
	var parked ReportStatus
	s.after(time.Hour, func() {
		parked = s.status(t)
		s.panics = 0
		s.env.SignalWorkflow(SignalRetry, nil)
	})

	s.report(t, bugReport)

	assert.Contains(t, parked.Parked, "assignment to entry in nil map")
	assert.Equal(t, "file the issue", parked.Step)
	assert.Len(t, s.notices, 1)
	assert.Equal(t, []bool{false, true, true, true, true, true}, s.looked["CreateIssue"], "five times, then as somebody asked")
}

// Somebody marks the message while its Report is about to leave it.
func TestAMessageThatIsMarkedMeanwhileIsReadOnceMore(t *testing.T) {
	s := newStory()
	draft := s.draft
	s.draft = activities.Draft{Verdict: activities.NotReport, Reason: "a question", Slack: acmeSlack, GitHub: acmeGitHub}
	s.onRead = func() {
		s.env.SignalWorkflow(SignalMarked, nil)
		s.draft, s.onRead = draft, func() {}
	}
	in := bugReport
	in.Message = &triage.Message{Text: "crash course, anyone?"}

	result := s.report(t, in)

	assert.Equal(t, activities.IsReport, result.Verdict)
	assert.Equal(t, 7, result.Issue.Number)
	assert.True(t, s.read.LookFirst)
	assert.Nil(t, s.read.Message, "it is another one now")
	assert.Equal(t, []bool{true}, s.looked["CreateIssue"])
}

func TestOneStrangeEndParksNothing(t *testing.T) {
	s := newStory()
	s.panics = 1

	s.report(t, bugReport)

	assert.Empty(t, s.notices)
	assert.Equal(t, []bool{false, true}, s.looked["CreateIssue"])
}
