package workflows

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

var (
	acmeJane = credential.AccountID{Organization: "acme", User: "jane", Connector: "slack"}
	acmeJoe  = credential.AccountID{Organization: "acme", User: "joe", Connector: "slack"}
)

// told is news that an account got.
type told struct {
	account string
	try     bool
	at      time.Time
}

// house is a connector with accounts that only listen.
type house struct {
	env      *testsuite.TestWorkflowEnvironment
	alerts   []activities.ConnectorNotice
	alertAt  []time.Time
	plan     activities.Told // what follows from an alert
	releases []activities.ReleaseInput
	told     []told
	gone     map[string]bool // accounts whose Workflow ended
}

func newHouse(t *testing.T) *house {
	t.Helper()
	suite := &testsuite.WorkflowTestSuite{}
	h := &house{env: suite.NewTestWorkflowEnvironment(), gone: map[string]bool{}}
	h.env.SetStartWorkflowOptions(startOptions(ConnectorWorkflowID(TaskQueue, "slack")))
	var c *activities.Connector
	h.env.OnActivity(c.Alert, mock.Anything, mock.Anything).Return(func(_ context.Context, n activities.ConnectorNotice) (activities.Told, error) {
		h.alerts, h.alertAt = append(h.alerts, n), append(h.alertAt, h.env.Now())
		return h.plan, nil
	})
	h.env.OnActivity(c.Release, mock.Anything, mock.Anything).Return(func(_ context.Context, in activities.ReleaseInput) (int, error) {
		h.releases = append(h.releases, in)
		return 0, nil
	})
	h.env.OnSignalExternalWorkflow(mock.Anything, mock.Anything, mock.Anything, SignalConnector, mock.Anything).Return(
		func(_, id, _, _ string, arg any) error {
			news, _ := arg.(ConnectorNews)
			if h.gone[id] {
				return errors.New("workflow execution not found")
			}
			h.told = append(h.told, told{account: id, try: news.Try, at: h.env.Now()})
			return nil
		})
	return h
}

func (h *house) after(d time.Duration, f func()) { h.env.RegisterDelayedCallback(f, d) }

// report has an account report what it met, of a request that began just now.
func (h *house) report(account credential.AccountID, kind credential.FailureKind, wait time.Duration) {
	h.env.SignalWorkflow(SignalReport, ConnectorReport{
		Account: account, Kind: kind, Reason: "slack: refresh: dead_client", RetryAfter: wait, Began: h.env.Now(),
	})
}

func (h *house) status(t *testing.T) ConnectorStatus {
	t.Helper()
	value, err := h.env.QueryWorkflow(QueryStatus)
	require.NoError(t, err)
	var status ConnectorStatus
	require.NoError(t, value.Get(&status))
	return status
}

func (h *house) run(end time.Duration) {
	h.after(end, h.env.CancelWorkflow)
	execute(h.env, Connector, ConnectorInput{Connector: "slack"})
}

// triedAt returns when accounts were told to try.
func (h *house) triedAt(began time.Time) (at []time.Duration) {
	for _, news := range h.told {
		if news.try {
			at = append(at, news.at.Sub(began))
		}
	}
	return at
}

func (h *house) tries() (accounts []string) {
	for _, news := range h.told {
		if news.try {
			accounts = append(accounts, news.account)
		}
	}
	return accounts
}

func TestARefusedAppIsOneAlertAndOneTryNowAndThen(t *testing.T) {
	h := newHouse(t)
	began := h.env.Now()
	var during ConnectorStatus
	h.after(time.Hour, func() { h.report(acmeJane, credential.DeadClient, 0) })
	h.after(time.Hour+time.Second, func() { h.report(acmeJoe, credential.DeadClient, 0) })
	h.after(time.Hour+10*time.Minute+10*time.Second, func() { during = h.status(t) })
	h.run(2*time.Hour - 30*time.Second)

	require.Len(t, h.alerts, 1)
	assert.Equal(t, activities.NoticeTrouble, h.alerts[0].Kind)
	assert.Equal(t, "slack", h.alerts[0].Connector)
	assert.Equal(t, ConnectorRefused, during.Status)
	assert.Equal(t, 4, during.Tries)
	var pauses []time.Duration
	last := time.Hour
	for i, at := range h.triedAt(began) {
		pauses = append(pauses, (at - last).Round(time.Second))
		last = h.triedAt(began)[i]
	}
	minute := time.Minute
	assert.Equal(t, []time.Duration{minute, minute, 2 * minute, 4 * minute, 8 * minute, 15 * minute, 15 * minute}, pauses)
	tries := h.tries()
	assert.Equal(t, []string{AccountWorkflowID(acmeJane), AccountWorkflowID(acmeJoe)}, tries[:2], "the accounts take turns")
	assert.Empty(t, h.releases)
}

func TestAConfigurationThatIsReadAnewIsTriedAtOnceAndOftenAgain(t *testing.T) {
	h := newHouse(t)
	began := h.env.Now()
	h.after(time.Hour, func() { h.report(acmeJane, credential.DeadClient, 0) })
	h.after(time.Hour+20*time.Minute, func() { h.env.SignalWorkflow(SignalConfigured, nil) })
	h.run(time.Hour + 23*time.Minute + 30*time.Second)

	var minutes []int
	for _, at := range h.triedAt(began) {
		minutes = append(minutes, int((at - time.Hour).Round(time.Minute).Minutes()))
	}
	assert.Equal(t, []int{1, 2, 4, 8, 16, 20, 21, 23}, minutes)
}

// A history that began before the pauses grew goes on with one try in a minute.
func TestAConnectorOfAnOldHistoryTriesEachMinute(t *testing.T) {
	h := newHouse(t)
	h.env.OnGetVersion(changePauses, workflow.DefaultVersion, workflow.Version(1)).Return(workflow.DefaultVersion)
	h.after(time.Hour, func() { h.report(acmeJane, credential.DeadClient, 0) })
	h.run(2*time.Hour - 30*time.Second)
	assert.Len(t, h.tries(), 59)
}

func TestAnAppThatIsTakenAgainReleasesItsAccountsAndTellsPeopleOnce(t *testing.T) {
	h := newHouse(t)
	var after ConnectorStatus
	h.after(time.Hour, func() { h.report(acmeJane, credential.DeadClient, 0) })
	h.after(61*time.Minute+time.Second, func() { h.report(acmeJane, "", 0) })
	h.after(65*time.Minute, func() { after = h.status(t) })
	h.run(2 * time.Hour)

	require.Len(t, h.releases, 2, "at once, and for those that began to wait meanwhile")
	assert.Equal(t, 1, h.releases[0].Episode)
	require.Len(t, h.alerts, 2)
	assert.Equal(t, activities.NoticeRecovery, h.alerts[1].Kind)
	assert.Equal(t, ConnectorActive, after.Status)
	assert.Len(t, h.tries(), 1)
}

// One worker has the new secret already, another one the old.
func TestPeopleDoNotHearOfAnAppThatIsTakenAndRefusedInTurn(t *testing.T) {
	h := newHouse(t)
	for i := range 10 {
		h.after(time.Hour+time.Duration(2*i)*time.Second, func() { h.report(acmeJane, credential.DeadClient, 0) })
		h.after(time.Hour+time.Duration(2*i+1)*time.Second, func() { h.report(acmeJane, "", 0) })
	}
	h.run(2 * time.Hour)

	require.Len(t, h.alerts, 2)
	assert.Equal(t, activities.NoticeRecovery, h.alerts[1].Kind)
}

func TestARefusalOfBeforeTheEndIsOldNews(t *testing.T) {
	h := newHouse(t)
	h.after(time.Hour, func() { h.report(acmeJane, credential.DeadClient, 0) })
	h.after(61*time.Minute+time.Second, func() { h.report(acmeJane, "", 0) })
	h.after(61*time.Minute+2*time.Second, func() {
		h.env.SignalWorkflow(SignalReport, ConnectorReport{
			Account: acmeJoe, Kind: credential.DeadClient, Began: h.env.Now().Add(-5 * time.Second),
		})
	})
	var after ConnectorStatus
	h.after(62*time.Minute, func() { after = h.status(t) })
	h.run(2 * time.Hour)

	assert.Equal(t, ConnectorActive, after.Status)
	assert.Equal(t, 1, after.Episode)
	last := h.told[len(h.told)-1]
	assert.Equal(t, AccountWorkflowID(acmeJoe), last.account)
	assert.False(t, last.try, "it goes on like the others")
}

func TestAConfigurationThatWasReadAnewIsTriedAtOnce(t *testing.T) {
	h := newHouse(t)
	h.after(time.Hour, func() { h.report(acmeJane, credential.DeadClient, 0) })
	h.after(time.Hour+10*time.Second, func() { h.env.SignalWorkflow(SignalConfigured, nil) })
	h.run(time.Hour + 50*time.Second)

	require.Len(t, h.told, 1)
	assert.True(t, h.told[0].try)
	assert.Equal(t, 10*time.Second, h.told[0].at.Sub(h.alertAt[0]).Round(time.Second))
}

// When all accounts that met the refusal are gone, the next one finds out what is true.
func TestWithoutACandidateTheAccountsGoOn(t *testing.T) {
	h := newHouse(t)
	h.gone[AccountWorkflowID(acmeJane)] = true
	var after ConnectorStatus
	h.after(time.Hour, func() { h.report(acmeJane, credential.DeadClient, 0) })
	h.after(62*time.Minute, func() { after = h.status(t) })
	h.run(2 * time.Hour)

	assert.Equal(t, ConnectorActive, after.Status)
	assert.NotEmpty(t, h.releases)
}

func TestAProviderThatAsksToWaitIsHeardByAll(t *testing.T) {
	h := newHouse(t)
	var during, after ConnectorStatus
	h.after(time.Hour, func() { h.report(acmeJane, credential.Throttled, 5*time.Minute) })
	h.after(time.Hour+time.Second, func() { h.report(acmeJoe, credential.Throttled, time.Minute) })
	h.after(time.Hour+2*time.Second, func() { during = h.status(t) })
	h.after(66*time.Minute, func() { after = h.status(t) })
	h.run(2 * time.Hour)

	assert.Equal(t, ConnectorThrottled, during.Status)
	assert.Equal(t, 5*time.Minute, during.Until.Sub(during.Since).Round(time.Second), "the longer one")
	assert.Equal(t, ConnectorActive, after.Status)
	assert.True(t, after.Until.IsZero())
	assert.Empty(t, h.alerts, "nobody has to do anything")
}

func TestAConnectorGoesOnInItsNextRun(t *testing.T) {
	h := newHouse(t)
	h.after(time.Hour, func() { h.report(acmeJane, credential.DeadClient, 0) })
	h.after(time.Hour+30*time.Second, func() { h.env.SetContinueAsNewSuggested(true) })
	h.after(time.Hour+31*time.Second, func() { h.env.SignalWorkflow("report", "no object") })
	execute(h.env, Connector, ConnectorInput{Connector: "slack"})
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, h.env.GetWorkflowError(), &next)
	var in ConnectorInput
	require.NoError(t, defaultConverter.FromPayloads(next.Input, &in))
	require.NotNil(t, in.State)

	second := newHouse(t)
	second.env.SetStartTime(h.env.Now())
	var during ConnectorStatus
	second.after(time.Second, func() { during = second.status(t) })
	second.after(2*time.Minute, second.env.CancelWorkflow)
	execute(second.env, Connector, in)
	assert.Equal(t, ConnectorRefused, during.Status)
	assert.Equal(t, 1, during.Episode)
	assert.Empty(t, second.alerts, "people were told in the run before")
	assert.NotEmpty(t, second.tries())
}

func TestAConnectorCarriesWhatComesInItsLastTask(t *testing.T) {
	h := newHouse(t)
	signalInLastTask(h.env, time.Hour, SignalReport, ConnectorReport{Account: acmeJane, Kind: credential.DeadClient})
	execute(h.env, Connector, ConnectorInput{Connector: "slack"})
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, h.env.GetWorkflowError(), &next)
	var in ConnectorInput
	require.NoError(t, defaultConverter.FromPayloads(next.Input, &in))
	assert.Equal(t, ConnectorRefused, in.State.Status)
}

func TestAConnectorSaysWhatItDidNotUnderstand(t *testing.T) {
	h := newHouse(t)
	var status ConnectorStatus
	h.after(time.Minute, func() { h.env.SignalWorkflow(SignalReport, "dead") })
	h.after(2*time.Minute, func() { status = h.status(t) })
	h.run(time.Hour)
	assert.Contains(t, status.Warning, "Signal report refused")
	assert.Equal(t, ConnectorActive, status.Status)
}

func TestAConnectorRunsUnderItsOwnID(t *testing.T) {
	suite := &testsuite.WorkflowTestSuite{}
	env := suite.NewTestWorkflowEnvironment()
	env.SetStartWorkflowOptions(startOptions("connector/slack"))
	execute(env, Connector, ConnectorInput{Connector: "slack"})
	assert.ErrorContains(t, env.GetWorkflowError(), "want the name in tokenkeeper.yaml, and Workflow id connector/tokenkeeper/slack")
}
