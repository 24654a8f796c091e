package app

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/failure/v1"
	"go.temporal.io/api/workflow/v1"
	"go.temporal.io/sdk/temporal"

	"tokenkeeper/activities"
	"tokenkeeper/config"
	"tokenkeeper/credential"
	"tokenkeeper/internal/bubbletest"
	"tokenkeeper/triage"
	"tokenkeeper/workflows"
)

func TestHintsThatComeTogetherAreOne(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		var n nudges
		var served atomic.Int64
		nudge := func(context.Context) { served.Add(1); <-time.After(100 * time.Millisecond) }
		flood := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); <-time.After(time.Millisecond) {
				n.ask("one", nudge)
			}
		}
		flood(50 * time.Millisecond)
		assert.EqualValues(t, 1, served.Load(), "at once")
		n.ask("two", nudge)
		synctest.Wait()
		assert.EqualValues(t, 2, served.Load(), "channels do not wait for each other")
		<-time.After(time.Minute)
		assert.EqualValues(t, 3, served.Load(), "and once more for those that came meanwhile")
		synctest.Wait()
		assert.Empty(t, n.served)

		flood(time.Minute)
		<-time.After(time.Minute)
		assert.InDelta(t, 3+time.Minute/(nudgePause+100*time.Millisecond), served.Load(), 2)

		n.ask("one", func(ctx context.Context) { <-ctx.Done() })
		n.close()
		n.ask("one", nudge)
		assert.Empty(t, n.served, "what was closed serves nobody")
	})
}

// poll is a pending Activity as Temporal describes it.
func poll(id string, state enums.PendingActivityState, kind, message string) *workflow.PendingActivityInfo {
	p := &workflow.PendingActivityInfo{ActivityId: id, ActivityType: &commonpb.ActivityType{Name: pollActivity}, State: state}
	if kind != "" {
		p.LastFailure = lastFailureOf(kind, message)
	}
	return p
}

func lastFailureOf(kind, message string) *failure.Failure {
	return temporal.GetDefaultFailureConverter().ErrorToFailure(temporal.NewApplicationError(message, kind))
}

func TestAWatchThatSaidNothingItselfIsShown(t *testing.T) {
	watching := func(last error) []*workflow.PendingActivityInfo {
		return []*workflow.PendingActivityInfo{{
			ActivityType: &commonpb.ActivityType{Name: watchActivity}, LastFailure: temporal.GetDefaultFailureConverter().ErrorToFailure(last),
		}}
	}
	view := watchView(watching(temporal.NewTimeoutError(enums.TIMEOUT_TYPE_HEARTBEAT, nil)))
	require.NotNil(t, view)
	assert.Contains(t, view.Trouble, "its worker died: ")
	assert.Zero(t, view.FailingSince)
	assert.Nil(t, watchView(watching(temporal.NewApplicationError("nothing new", activities.ErrTypeNothingNew))))
	assert.Nil(t, watchView([]*workflow.PendingActivityInfo{{ActivityType: &commonpb.ActivityType{Name: watchActivity}}}))
}

func TestOnlyAPauseIsEnded(t *testing.T) {
	const rests, runs = enums.PENDING_ACTIVITY_STATE_SCHEDULED, enums.PENDING_ACTIVITY_STATE_STARTED
	quiet := func(id string, state enums.PendingActivityState, channel string) *workflow.PendingActivityInfo {
		return poll(id, state, activities.ErrTypeNothingNew, "nothing new in channel "+channel)
	}
	other := &workflow.PendingActivityInfo{ActivityId: "9", ActivityType: &commonpb.ActivityType{Name: "Plan"}, State: runs}
	for name, tc := range map[string]struct {
		pending []*workflow.PendingActivityInfo
		id      string
		again   bool
	}{
		"nothing":           {nil, "", false},
		"another Activity":  {[]*workflow.PendingActivityInfo{other}, "", false},
		"it rests":          {[]*workflow.PendingActivityInfo{other, quiet("1", rests, "C2"), quiet("2", rests, "C1")}, "2", false},
		"it runs":           {[]*workflow.PendingActivityInfo{quiet("1", rests, "C2"), quiet("2", runs, "C1")}, "", true},
		"it may run":        {[]*workflow.PendingActivityInfo{quiet("1", rests, "C2"), poll("2", runs, "", "")}, "", true},
		"it rests, another": {[]*workflow.PendingActivityInfo{poll("1", runs, "", ""), quiet("2", rests, "C1")}, "2", false},
		"Slack limits it": {[]*workflow.PendingActivityInfo{
			poll("1", rests, activities.ErrTypeRateLimited, "reading channel C1: the provider's rate limit"),
		}, "", false},
		"Slack is away": {[]*workflow.PendingActivityInfo{
			poll("1", rests, activities.ErrTypeProviderUnavailable, "reading channel C1: 503"),
		}, "", false},
		"it is paused": {[]*workflow.PendingActivityInfo{quiet("1", enums.PENDING_ACTIVITY_STATE_PAUSED, "C1")}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			id, again := pausing("C1", 2, tc.pending)
			assert.Equal(t, tc.id, id)
			assert.Equal(t, tc.again, again)
		})
	}
	id, _ := pausing("C1", 1, []*workflow.PendingActivityInfo{poll("1", rests, activities.ErrTypeRateLimited, "of no channel")})
	assert.Empty(t, id, "the only channel of a triage")
}

func TestAThreadIsLookedAtWhereItIsFollowed(t *testing.T) {
	slack := func(organization string) credential.AccountID {
		return credential.AccountID{Organization: organization, User: "triage", Connector: "slack"}
	}
	enterprise := credential.AccountID{Organization: "acme", User: "triage", Connector: "ghes"}
	routes := []config.Route{{Channel: "C1"}, {Channel: "C3", GitHub: enterprise}}
	github := credential.AccountID{Organization: "acme", User: "triage", Connector: "github"}
	a := &App{Workflows: &workflows.Client{}}
	a.current.Store(&setup{config: &config.Config{
		Connectors: map[string]config.Connector{"slack": {ClientID: "1"}, "github": {ClientID: "2"}, "other": {ClientID: "3"}, "ghes": {ClientID: "4"}},
		Triages: map[string]config.Triage{
			"acme/bugs": {Slack: slack("acme"), GitHub: github, Follow: time.Hour, Routes: routes},
			"acme/none": {Slack: slack("acme"), GitHub: github, Routes: routes},
			"acme/else": {Slack: slack("acme"), GitHub: github, Follow: time.Hour, Routes: []config.Route{{Channel: "C2"}}},
		},
	}})
	a.nudges.served = map[string]*nudge{"acme/bugs T1/C1/1.000100": {}} // somebody looks: what comes meanwhile is noted
	for connector, noted := range map[string]bool{"slack": true, "github": true, "ghes": true, "other": false} {
		served := a.nudges.served["acme/bugs T1/C1/1.000100"]
		served.again = false
		a.ThreadActive(connector, triage.Key{Team: "T1", Channel: "C1", TS: "1.000100"})
		assert.Equal(t, noted, served.again, connector)
	}
	assert.Len(t, a.nudges.served, 1, "and no other triage")
}
