package workflows

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// crowd is a Digest and what comes of it.
type crowd struct {
	env   *testsuite.TestWorkflowEnvironment
	began time.Time
	told  []NoticeInput
	at    []time.Duration // when, since the beginning
}

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	suite := &testsuite.WorkflowTestSuite{}
	c := &crowd{env: suite.NewTestWorkflowEnvironment()}
	c.env.SetStartWorkflowOptions(startOptions(DigestWorkflowID(TaskQueue, "slack")))
	Register(c.env)
	c.began = c.env.Now()
	c.env.OnWorkflow(NoticeType, mock.Anything, mock.Anything).Return(func(ctx workflow.Context, n NoticeInput) ([]NoticeResult, error) {
		assert.Equal(t, NoticeWorkflowID(n.Announcement.ID), workflow.GetInfo(ctx).WorkflowExecution.ID)
		c.told, c.at = append(c.told, n), append(c.at, workflow.Now(ctx).Sub(c.began).Round(time.Second))
		return nil, nil
	})
	return c
}

// notice is that of the trouble of an account, changed.
func notice(i int, change func(*activities.Announcement)) NoticeInput {
	account := credential.AccountID{Organization: "acme", User: fmt.Sprintf("user-%04d", i), Connector: "slack"}
	a := activities.Announcement{
		ID: fmt.Sprintf("ntc_%d", i), Type: "account.trouble", Account: account, Provider: "slack", Reason: "token_revoked", Consent: true,
		Status: "reauthorization_required", Text: "account " + account.String() + " needs a person", Waiting: 2, Reports: 1,
		Paused: []string{"acme/bugs"}, Since: time.Date(2026, 3, 4, 5, 6, i%60, 0, time.UTC),
	}
	if change != nil {
		change(&a)
	}
	return NoticeInput{Announcement: a, Targets: []string{"pager"}}
}

// come has notices come, a hundred at a time: the test environment takes no more than a thousand.
func (c *crowd) come(after time.Duration, notices ...NoticeInput) {
	for batch := range slices.Chunk(notices, 100) {
		c.env.RegisterDelayedCallback(func() {
			for _, n := range batch {
				c.env.SignalWorkflow(SignalNotice, n)
			}
		}, after)
		after += time.Millisecond
	}
}

func several(from, to int, change func(*activities.Announcement)) []NoticeInput {
	var all []NoticeInput
	for i := from; i < to; i++ {
		all = append(all, notice(i, change))
	}
	return all
}

func (c *crowd) run(t *testing.T) {
	t.Helper()
	execute(c.env, Digest, DigestInput{Connector: "slack"})
	require.True(t, c.env.IsWorkflowCompleted())
	require.NoError(t, c.env.GetWorkflowError())
}

func TestAFewNoticesAreToldAsTheyAre(t *testing.T) {
	c := newCrowd(t)
	c.come(0, notice(1, nil))
	c.come(20*time.Second, several(2, 4, nil)...)
	c.come(30*time.Second, notice(1, nil)) // the Activity did not hear that it had arrived
	c.run(t)
	require.Len(t, c.told, 3)
	assert.Equal(t, []time.Duration{0, 20 * time.Second, 20 * time.Second}, c.at)
	for i, n := range c.told {
		assert.Equal(t, notice(i+1, nil), n)
	}
}

func TestOneMoreIsToldAsItIs(t *testing.T) {
	c := newCrowd(t)
	c.come(0, several(0, 4, nil)...)
	c.run(t)
	require.Len(t, c.told, 4)
	assert.Equal(t, notice(3, nil), c.told[3], "a digest of one would have no link")
	assert.Equal(t, time.Minute, c.at[3])
}

// An app is uninstalled: thousands of grants die, most at once, others when they are used next. Some come back.
func TestManyNoticesAreToldTogether(t *testing.T) {
	c := newCrowd(t)
	c.come(0, several(0, 2000, nil)...)
	c.come(2*time.Minute, several(2000, 2100, func(a *activities.Announcement) { a.Reason = "account_inactive" })...)
	c.come(2*time.Minute, several(2000, 2100, nil)...)
	c.come(150*time.Second, several(3000, 3010, func(a *activities.Announcement) {
		a.Type, a.Recovery, a.Consent, a.Status, a.Reason = "account.recovery", true, false, "active", ""
	})...)
	c.come(160*time.Second, several(4000, 4020, func(a *activities.Announcement) { a.Stage = 2 })...)
	c.run(t)
	require.Len(t, c.told, 7)
	assert.Equal(t, []time.Duration{0, 0, 0, time.Minute, 3 * time.Minute, 3 * time.Minute, 3 * time.Minute}, c.at)
	ids, texts := map[string]bool{}, map[string]activities.Announcement{}
	for _, n := range c.told {
		ids[n.Announcement.ID] = true
		texts[n.Announcement.Text] = n.Announcement
		assert.Equal(t, []string{"pager"}, n.Targets)
	}
	assert.Len(t, ids, 7)
	assert.True(t, c.told[6].Announcement.Recovery, "what is over is told after what is not")
	first := texts["1997 more accounts of connector slack need a person"]
	assert.Equal(t, "accounts.trouble", first.Type)
	assert.Equal(t, []int{1997, 50, 3994, 1997}, []int{first.Count, len(first.Accounts), first.Waiting, first.Reports})
	assert.Equal(t, "token_revoked (1997)", first.Reason)
	assert.Equal(t, []string{"acme/bugs"}, first.Paused)
	assert.Equal(t, time.Date(2026, 3, 4, 5, 6, 0, 0, time.UTC), first.Since)
	assert.False(t, first.Consent, "each account has a link of its own")
	assert.Contains(t, first.Fix, "tokenkeeper account list --connector slack")
	assert.Equal(t, first.ID, first.Episode)
	assert.Equal(t, "account_inactive (100)", texts["100 more accounts of connector slack need a person"].Reason)
	assert.True(t, texts["10 more accounts of connector slack work again"].Recovery)
	assert.Equal(t, 1, texts["still broken: 20 more accounts of connector slack need a person"].Stage)
}

// While they go on coming, people hear of them more and more rarely, and once more when it is over.
func TestAFloodThatLastsIsToldRarely(t *testing.T) {
	c := newCrowd(t)
	for i := range 360 {
		c.come(time.Duration(i)*10*time.Second, several(10*i, 10*i+10, nil)...)
	}
	c.come(70*time.Minute, notice(9999, nil))
	c.run(t)
	var when []int
	count := 0
	for i, n := range c.told {
		if n.Announcement.Count > 0 {
			when = append(when, int(c.at[i].Minutes()))
		}
		count += max(n.Announcement.Count, 1)
	}
	assert.Equal(t, []int{1, 3, 7, 15, 25, 35, 45, 55, 65}, when)
	assert.Equal(t, 3601, count, "none is left out")
	assert.Len(t, c.told, 3+9+1)
}

func TestADigestThatContinuesAsNewForgetsNothing(t *testing.T) {
	c := newCrowd(t)
	c.come(0, several(0, 10, nil)...)
	c.env.RegisterDelayedCallback(func() { c.env.SetContinueAsNewSuggested(true) }, 30*time.Second)
	c.come(31*time.Second, several(10, 12, nil)...)
	execute(c.env, Digest, DigestInput{Connector: "slack"})
	var next *workflow.ContinueAsNewError
	require.ErrorAs(t, c.env.GetWorkflowError(), &next)
	var in DigestInput
	require.NoError(t, converter.GetDefaultDataConverter().FromPayloads(next.Input, &in))
	require.Len(t, c.told, 3)

	again := newCrowd(t)
	again.env.SetStartTime(c.env.Now())
	again.come(time.Second, notice(5, nil), notice(20, nil))
	execute(again.env, Digest, in)
	require.NoError(t, again.env.GetWorkflowError())
	require.Len(t, again.told, 1)
	a := again.told[0].Announcement
	assert.GreaterOrEqual(t, a.Count, 8, "7 of before, and a new one; 5 was among those")
	assert.True(t, strings.HasSuffix(a.Text, " more accounts of connector slack need a person"), a.Text)
}

// Whoever cancels it gets rid of the gathering, and not of the notices.
func TestADigestThatIsCancelledTellsWhatItHas(t *testing.T) {
	c := newCrowd(t)
	c.come(0, several(0, 10, nil)...)
	c.env.RegisterDelayedCallback(c.env.CancelWorkflow, 30*time.Second)
	execute(c.env, Digest, DigestInput{Connector: "slack"})
	require.Error(t, c.env.GetWorkflowError())
	require.Len(t, c.told, 4)
	assert.Equal(t, 7, c.told[3].Announcement.Count)
}
