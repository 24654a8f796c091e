package activities

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"tokenkeeper/credential"
	"tokenkeeper/internal/bubbletest"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
)

const slackReplies = "slack conversations.replies"

// narrowThread is a report that is filed, in the workspace of an app that may read one page of 15 messages a minute.
type narrowThread struct {
	*office // at Slack

	github  *office
	threads *Threads
	key     triage.Key
}

func newNarrowThread(t *testing.T) *narrowThread {
	t.Helper()
	n := &narrowThread{office: newOffice(t, sandbox.Slack, 0, sandbox.Options{Now: time.Now, ReadsPerMinute: 1})}
	n.github = newOffice(t, sandbox.GitHub, 0, sandbox.Options{Now: time.Now})
	n.threads = &Threads{
		Slack: &Slack{APIs: n, Plans: n, Reading: &Reading{
			Channels: func(credential.AccountID) []string { return []string{polledChannel, "C0OTHER"} },
		}},
		GitHub: &GitHub{APIs: n.github},
	}
	n.key = triage.Key{Team: "T0SANDBOX", Channel: polledChannel, TS: n.Post(polledChannel, sandbox.Message{User: "ada", Text: "It crashes", Report: true})}
	return n
}

// Plan implements Plans.
func (n *narrowThread) Plan(name string) (Plan, error) {
	return Plan{Triage: name, Slack: slackReader, GitHub: filer, Follow: 24 * time.Hour, Routes: []triage.Route{
		{Channel: polledChannel, Repository: "acme/app"},
	}}, nil
}

func (n *narrowThread) say(from, to int) {
	n.t.Helper()
	for i := from; i < to; i++ {
		<-time.After(time.Second)
		_, err := n.Deliver(polledChannel, sandbox.Message{User: "chen", ThreadTS: n.key.TS, Text: fmt.Sprintf("reply number %d!", i)})
		require.NoError(n.t, err)
	}
}

// patiently runs an Activity as Temporal does, until it works, and returns how many attempts that took.
func patiently[In, Out any](n *narrowThread, fn func(context.Context, In) (Out, error), in In) (out Out, attempts int) {
	n.t.Helper()
	var details json.RawMessage
	for attempts = 1; attempts < 50; attempts++ {
		var suite testsuite.WorkflowTestSuite
		suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
		env := suite.NewTestActivityEnvironment()
		env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{&nthAttempt{n: int32(attempts)}}})
		env.RegisterActivityWithOptions(fn, activity.RegisterOptions{Name: "tried"})
		if details != nil {
			env.SetHeartbeatDetails(details)
		}
		env.SetOnActivityHeartbeatListener(func(_ *activity.Info, d converter.EncodedValues) { _ = d.Get(&details) })
		value, err := env.ExecuteActivity("tried", in)
		if err == nil {
			require.NoError(n.t, value.Get(&out))
			return out, attempts
		}
		app, ok := errors.AsType[*temporal.ApplicationError](err)
		require.True(n.t, ok && !app.NonRetryable(), "%v", err)
		<-time.After(app.NextRetryDelay())
	}
	require.Fail(n.t, "it never works")
	return out, attempts
}

// nthAttempt has the test environment, to which each attempt is the first, say which one it is.
type nthAttempt struct {
	interceptor.WorkerInterceptorBase

	n int32
}

func (a *nthAttempt) InterceptActivity(_ context.Context, next interceptor.ActivityInboundInterceptor) interceptor.ActivityInboundInterceptor {
	return &countedInbound{ActivityInboundInterceptorBase: interceptor.ActivityInboundInterceptorBase{Next: next}, n: a.n}
}

type countedInbound struct {
	interceptor.ActivityInboundInterceptorBase

	n int32
}

func (c *countedInbound) Init(out interceptor.ActivityOutboundInterceptor) error {
	return c.Next.Init(&countedOutbound{ActivityOutboundInterceptorBase: interceptor.ActivityOutboundInterceptorBase{Next: out}, n: c.n})
}

type countedOutbound struct {
	interceptor.ActivityOutboundInterceptorBase

	n int32
}

func (c *countedOutbound) GetInfo(ctx context.Context) activity.Info {
	info := c.Next.GetInfo(ctx)
	info.Attempt = c.n
	return info
}

func (n *narrowThread) reply(lookFirst bool, issue CreatedIssue) (Posted, int) {
	n.t.Helper()
	return patiently(n, n.threads.Slack.Reply, ReplyInput{Account: slackReader, Report: n.key, Issue: issue, LookFirst: lookFirst})
}

// A page a minute: whoever began at the first one with each attempt would never come to the second.
func TestAThreadOfSeveralPagesIsFollowedUnderANarrowLimit(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		n := newNarrowThread(t)
		issue, _ := patiently(n, n.threads.GitHub.CreateIssue, CreateIssueInput{Account: filer, Report: n.key, Issue: triage.Issue{
			Owner: "acme", Repo: "app", Title: "Crash", Body: "It crashes.\n\n" + n.key.Marker(),
		}})
		n.reply(false, issue)
		n.say(0, 40)
		<-time.After(quietTime)
		begun := time.Now()

		look, _ := patiently(n, n.threads.FollowThread, FollowInput{Triage: "acme/bug-reports", Report: n.key})

		assert.Equal(t, 1, look.Comments)
		i := slices.IndexFunc(n.github.State().Issues, func(i sandbox.IssueView) bool { return i.Key == n.key.String() })
		require.GreaterOrEqual(t, i, 0)
		comments := n.github.State().Issues[i].Comments
		require.Len(t, comments, 1)
		for i := range 40 {
			assert.Equal(t, 1, strings.Count(comments[0].Body, fmt.Sprintf("reply number %d!", i)), i)
		}
		assert.Equal(t, 3, n.Books().Requests[slackReplies]-n.Books().RateLimited, "each page once")
		assert.LessOrEqual(t, n.Books().RateLimited, 1, "which is how the limit is found out")
		assert.Less(t, time.Since(begun), 5*time.Minute)
		assert.False(t, n.threads.Slack.Reading.inTurns(slackReader, polledChannel), "channels have a limit of their own")

		n.say(40, 41)
		<-time.After(quietTime)
		look, _ = patiently(n, n.threads.FollowThread, FollowInput{Triage: "acme/bug-reports", Report: n.key})
		assert.Equal(t, 1, look.Comments, "the next look begins at the first page")
	})
}

func TestAReplyIsFoundOnALaterPageUnderANarrowLimit(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		n := newNarrowThread(t)
		n.say(0, 35)
		issue := CreatedIssue{Number: 7, URL: "https://github.com/acme/app/issues/7"}
		posted, _ := n.reply(false, issue)
		n.say(35, 70)

		found, attempts := n.reply(true, issue)

		assert.True(t, found.Found)
		assert.Equal(t, posted.TS, found.TS)
		assert.Equal(t, 3, n.Books().Requests[slackReplies]-n.Books().RateLimited, "pages behind it are not read")
		assert.LessOrEqual(t, attempts, 4)
	})
}

// Whoever takes up a report again looks into its thread as well, and for its message with every attempt.
func TestAReportThatIsFiledIsFoundOnALaterPageUnderANarrowLimit(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		n := newNarrowThread(t)
		n.say(0, 35)
		issue := CreatedIssue{Number: 7, URL: "https://github.com/acme/app/issues/7"}
		n.reply(false, issue)

		draft, attempts := patiently(n, n.threads.Slack.Read, ReadInput{Triage: "acme/bug-reports", Report: n.key, LookFirst: true})

		assert.Equal(t, issue.URL, draft.Filed)
		assert.LessOrEqual(t, attempts, 12)
	})
}

// What people say is bounded by what a heartbeat takes. The rest is for the look after that.
func TestALookTakesNoMoreThanAHeartbeatDoes(t *testing.T) {
	c := conversation{Followed: triage.Followed{Upto: "1000.000100"}}
	for i := range 100 {
		c.People = append(c.People, triage.Message{Key: triage.Key{TS: fmt.Sprintf("%d.000100", 1000+i)}, Text: strings.Repeat("x", 4000)})
	}
	all := c.People
	c.bound()
	assert.True(t, c.More)
	assert.Equal(t, all[1:1+len(c.People)], c.People, "the oldest that no comment holds")
	assert.Greater(t, len(c.People), 50)
	text, err := json.Marshal(c)
	require.NoError(t, err)
	assert.Less(t, len(text), maxConversation+1000)
	few := conversation{People: all[:3]}
	few.bound()
	assert.Len(t, few.People, 3)
	assert.False(t, few.More)
}
