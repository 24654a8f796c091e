package activities_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
)

// looked notes which threads are to be looked at.
type looked struct {
	keys []triage.Key
	err  error
	then func() // comes after the first
}

func (l *looked) LookAtThread(_ context.Context, _ string, report triage.Key) error {
	l.keys = append(l.keys, report)
	err := l.err
	if then := l.then; then != nil {
		l.then = nil
		then()
	}
	return err
}

// following is a world with a report that is filed.
type following struct {
	*world

	threads *activities.Threads
	looked  *looked
	key     triage.Key
}

func newFollowing(t *testing.T) following {
	t.Helper()
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	w.connect(githubAccount)
	w.plan.Follow = 14 * 24 * time.Hour
	f := following{world: w, looked: &looked{}}
	f.threads = &activities.Threads{Slack: w.slack, GitHub: w.github, Looks: f.looked}
	f.key = f.fileReport(crash)
	return f
}

// fileReport does what a Report does.
func (f following) fileReport(text string) triage.Key {
	f.t.Helper()
	key := f.message(text)
	f.file(key, f.draft(key))
	return key
}

func (f following) draft(key triage.Key) activities.Draft {
	f.t.Helper()
	draft := f.read(key)
	require.NoError(f.t, draft.err)
	return draft.out
}

func (f following) file(key triage.Key, draft activities.Draft) {
	f.t.Helper()
	issue := once(f.world, f.github.CreateIssue, activities.CreateIssueInput{Account: githubAccount, Report: key, Issue: draft.Issue})
	require.NoError(f.t, issue.err)
	require.NoError(f.t, once(f.world, f.slack.Reply, activities.ReplyInput{
		Account: slackAccount, Report: key, Issue: issue.out, Edited: draft.Edited, LookFirst: true,
	}).err)
	require.NoError(f.t, once(f.world, noResult(f.slack.React), activities.ReactInput{
		Account: slackAccount, Report: key, Emoji: activities.FiledReaction,
	}).err)
}

func (f following) say(m sandbox.Message) {
	f.t.Helper()
	f.clock.advance(10 * time.Second)
	m.ThreadTS = f.key.TS
	_, err := f.Deliver(bugs, m)
	require.NoError(f.t, err)
}

func (f following) look() ran[activities.ThreadLook] {
	f.t.Helper()
	return once(f.world, f.threads.FollowThread, activities.FollowInput{Triage: f.plan.Triage, Report: f.key})
}

// looks requires a look that works, after people paused.
func (f following) looks() activities.ThreadLook {
	f.t.Helper()
	f.clock.advance(3 * time.Minute)
	got := f.look()
	require.NoError(f.t, got.err)
	return got.out
}

func (f following) issue() sandbox.IssueView {
	f.t.Helper()
	for _, issue := range f.State().Issues {
		if issue.Key == f.key.String() {
			return issue
		}
	}
	require.Fail(f.t, "no issue")
	return sandbox.IssueView{}
}

// ours returns what the app said in the thread.
func (f following) ours() []string {
	var texts []string
	for _, m := range f.State().Channels[0].Messages {
		for _, reply := range m.Replies {
			if m.TS == f.key.TS && reply.ByApp && reply.Author != "Lunch" {
				texts = append(texts, reply.Text)
			}
		}
	}
	return texts
}

func (f following) turn(state, reason string) {
	f.t.Helper()
	f.clock.advance(10 * time.Second)
	i := f.issue()
	require.NoError(f.t, f.ChangeIssue(sandbox.IssueChange{Repository: i.Repository, Number: i.Number, State: state, Reason: reason}))
}

func TestWhatPeopleSayInAThreadBecomesAComment(t *testing.T) {
	f := newFollowing(t)
	assert.Zero(t, f.looks().Comments, "nobody said anything")
	f.say(sandbox.Message{User: "chen", Text: "Same here, <@U0BJORN> saw it too"})
	f.say(sandbox.Message{Bot: "Lunch", Text: "Lunch at noon?"})
	f.say(sandbox.Message{User: "ada", Text: "A screenshot", Files: []sandbox.File{{Name: "screen.png", Mimetype: "image/png", Size: 47000}}})

	early := f.look()
	early.fails(t, activities.ErrTypeNotQuiet, "people are writing")
	assert.InDelta(t, 2*time.Minute, early.wait(t), float64(10*time.Second))
	assert.Empty(t, f.issue().Comments)
	assert.Equal(t, 1, f.looks().Comments, "several messages are one")

	require.Len(t, f.issue().Comments, 1)
	body := f.issue().Comments[0].Body
	for _, part := range []string{"Same here", "screen.png", "/files/F", "/archives/" + bugs} {
		assert.Contains(t, body, part)
	}
	assert.NotContains(t, body, "Lunch")
	assert.NotContains(t, body, "U0BJORN", "people have names")
	assert.Zero(t, f.looks().Comments)

	f.say(sandbox.Message{User: "chen", Text: "Gone since the restart"})
	assert.Equal(t, 1, f.looks().Comments)
	require.Len(t, f.issue().Comments, 2)
	assert.NotContains(t, f.issue().Comments[1].Body, "Same here")
	assert.Len(t, f.ours(), 1, "comments are nothing to talk about")
}

func TestAConversationWithoutEndBecomesCommentsAllTheSame(t *testing.T) {
	f := newFollowing(t)
	for range 100 {
		f.say(sandbox.Message{User: "chen", Text: "and another thing"})
	}
	got := f.look()
	require.NoError(t, got.err)
	assert.Equal(t, 1, got.out.Comments)
}

func TestWhateverAnswerIsLostEachMessageIsInOneComment(t *testing.T) {
	for name, fault := range map[string]sandbox.Fault{
		"comment carried out, connection lost":     {App: sandbox.GitHub, Endpoint: "comments.create", Kind: sandbox.FaultDrop, Processed: true},
		"comment not carried out, connection lost": {App: sandbox.GitHub, Endpoint: "comments.create", Kind: sandbox.FaultDrop},
		"comment carried out, 502":                 {App: sandbox.GitHub, Endpoint: "comments.create", Kind: sandbox.FaultStatus, Status: 502, Processed: true},
		"reply not edited":                         {App: sandbox.Slack, Endpoint: "chat.update", Kind: sandbox.FaultStatus, Code: "internal_error"},
		"reply may not be edited":                  {App: sandbox.Slack, Endpoint: "chat.update", Kind: sandbox.FaultStatus, Code: "cant_update_message", Times: -1},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFollowing(t)
			f.say(sandbox.Message{User: "chen", Text: "Same here"})
			f.clock.advance(3 * time.Minute)
			f.fault(fault)
			in := activities.FollowInput{Triage: f.plan.Triage, Report: f.key}
			require.NoError(t, retried(f.world, f.threads.FollowThread, in, always).err)
			require.NoError(t, retried(f.world, f.threads.FollowThread, in, always).err)
			assert.Len(t, f.issue().Comments, 1)
		})
	}
}

func TestAWorkerThatDiesOverAThreadWritesNothingTwice(t *testing.T) {
	f := newFollowing(t)
	f.say(sandbox.Message{User: "chen", Text: "Same here"})
	f.turn("closed", "")
	f.say(sandbox.Message{User: "chen", Text: "And again"})
	f.clock.advance(3 * time.Minute)
	got := retried(f.world, f.threads.FollowThread, activities.FollowInput{Triage: f.plan.Triage, Report: f.key}, func(attempt int32) error {
		if attempt == 1 {
			return errDied
		}
		return nil
	})
	require.NoError(t, got.err)
	assert.Len(t, f.issue().Comments, 1)
	assert.Len(t, f.ours(), 3, "the link, the closing and the question: %v", f.ours())
}

func TestAnEditOfTheReportIsNotedOnce(t *testing.T) {
	f := newFollowing(t)
	f.clock.advance(time.Minute)
	require.NoError(t, f.Edit(bugs, f.key.TS, crash+" and on Firefox"))
	f.look().fails(t, activities.ErrTypeNotQuiet)
	assert.Equal(t, 1, f.looks().Comments)
	assert.Contains(t, f.issue().Comments[0].Body, "and on Firefox")
	assert.Zero(t, f.looks().Comments)
	require.NoError(t, f.Edit(bugs, f.key.TS, crash+" and on Opera"))
	assert.Equal(t, 1, f.looks().Comments)
	assert.Contains(t, f.issue().Comments[1].Body, "and on Opera")
}

func TestAnEditThatTheIssueShowsIsNone(t *testing.T) {
	f := newFollowing(t)
	f.clock.advance(time.Minute)
	require.NoError(t, f.Edit(bugs, f.key.TS, crash))
	assert.Zero(t, f.looks().Comments)
	assert.Zero(t, f.Books().Requests["github comments.list"])
}

// A maintainer writes an issue anew, and later somebody says something in its thread. The edit from before it was filed is no
// news; one from after is.
func TestAnEditThatTheIssueWasFiledWithIsNone(t *testing.T) {
	f := newFollowing(t)
	f.key = f.message(crash)
	f.clock.advance(time.Minute)
	require.NoError(t, f.Edit(bugs, f.key.TS, crash+" and on Firefox"))
	draft := f.draft(f.key)
	draft.Issue.Body = "As a maintainer puts it.\n\n" + f.key.Marker()
	f.file(f.key, draft)
	f.say(sandbox.Message{User: "chen", Text: "Same here"})

	assert.Equal(t, 1, f.looks().Comments)
	assert.Contains(t, f.issue().Comments[0].Body, "Same here")
	assert.NotContains(t, f.issue().Comments[0].Body, "The report was edited")
	require.NoError(t, f.Edit(bugs, f.key.TS, crash+" and on Opera"))
	assert.Equal(t, 1, f.looks().Comments)
	assert.Contains(t, f.issue().Comments[1].Body, "and on Opera")
}

func TestTheThreadIsToldOnceThatItsIssueWasClosedAndReopened(t *testing.T) {
	f := newFollowing(t)
	for i, c := range []struct{ state, reason, says, shows string }{
		{"closed", "", "was closed as completed.", "_Closed as completed._"},
		{"open", "", "was reopened.", "_Reopened._"},
		{"closed", "not_planned", "was closed as not planned.", "_Closed as not planned._"},
	} {
		f.turn(c.state, c.reason)
		assert.Equal(t, c.state, f.looks().Told)
		assert.Empty(t, f.looks().Told)
		said := f.ours()
		require.Len(t, said, i+2)
		assert.Contains(t, said[i+1], c.says)
		assert.Contains(t, said[0], "Filed as <")
		assert.Contains(t, said[0], "\n"+c.shows)
		assert.NotContains(t, said[0], "\n\n")
	}
	f.turn("open", "")
	f.turn("closed", "")
	assert.Empty(t, f.looks().Told, "what came and went is no news")
	assert.Empty(t, f.issue().Comments)
}

func TestWhoWritesAfterTheEndIsAskedAndMayReopen(t *testing.T) {
	f := newFollowing(t)
	f.say(sandbox.Message{User: "chen", Text: "reopen"})
	assert.False(t, f.looks().Reopened, "it is open")
	f.turn("closed", "")
	assert.False(t, f.looks().Reopened, "the word was said before the end")
	f.say(sandbox.Message{User: "chen", Text: "Thanks!"})
	got := f.looks()
	assert.True(t, got.Asked)
	assert.Equal(t, 1, got.Comments)
	said := f.ours()
	assert.Contains(t, said[len(said)-1], "reply `reopen` here")
	f.say(sandbox.Message{User: "chen", Text: "It is back, though"})
	assert.False(t, f.looks().Asked, "once")

	f.say(sandbox.Message{User: "chen", Text: "Reopen!"})
	got = f.looks()
	assert.True(t, got.Reopened)
	assert.Equal(t, "open", got.Told)
	assert.Equal(t, "open", f.issue().State)

	f.turn("closed", "")
	got = f.looks()
	assert.False(t, got.Reopened, "the word was for the closing before")
	assert.False(t, got.Asked)
	f.say(sandbox.Message{User: "chen", Text: "Hm"})
	assert.True(t, f.looks().Asked, "another closing, another question")
}

// GitHub refuses what somebody asked for. They hear of it, once, and all else goes on.
func TestARefusalToReopenStopsNothingElse(t *testing.T) {
	f := newFollowing(t)
	f.turn("closed", "")
	refusal := sandbox.Fault{App: sandbox.GitHub, Endpoint: "issues.update", Kind: sandbox.FaultStatus, Status: 403, Times: -1}
	f.fault(refusal)
	f.say(sandbox.Message{User: "chen", Text: "reopen"})
	soon := f.look()
	soon.fails(t, activities.ErrTypeNotQuiet) // the word becomes a comment too
	f.say(sandbox.Message{User: "chen", Text: "It is back since noon"})

	for range 2 {
		f.looks()
	}

	said := f.ours()
	require.Len(t, said, 3, "%v", said)
	assert.Contains(t, said[1], "was closed as completed.")
	assert.Contains(t, said[2], "GitHub does not let me reopen issue")
	require.Len(t, f.issue().Comments, 1)
	assert.Contains(t, f.issue().Comments[0].Body, "It is back since noon")
	assert.Equal(t, 1, f.Books().Requests["github issues.update"])

	f.say(sandbox.Message{User: "chen", Text: "reopen"})
	assert.True(t, f.looks().Refused, "who asks once more is told once more")
	f.ClearFaults()
	f.say(sandbox.Message{User: "chen", Text: "reopen"})
	assert.True(t, f.looks().Reopened)
	assert.Equal(t, "open", f.issue().State)
}

func TestAThreadWithoutAnIssueIsLeftAlone(t *testing.T) {
	f := newFollowing(t)
	f.key = f.message("Lunch at noon?")
	f.say(sandbox.Message{User: "chen", Text: "One o'clock"})
	assert.Empty(t, f.looks())
	f.key.TS = "1700000000.000100"
	assert.Empty(t, f.looks(), "it was deleted")
	assert.Zero(t, f.Books().Requests["github issues.get"])
}

func TestATriageThatFollowsNothingFollowsNothing(t *testing.T) {
	f := newFollowing(t)
	f.plan.Follow = 0
	f.say(sandbox.Message{User: "chen", Text: "Same here"})
	assert.Empty(t, f.looks())
	f.watches(nil).fails(t, activities.ErrTypeNothingNew)
	assert.Empty(t, f.looked.keys)
}

func (f following) watches(from *activities.ThreadsWatched) ran[activities.ThreadsWatched] {
	f.t.Helper()
	in := activities.WatchInput{Triage: f.plan.Triage, Watched: activities.ThreadsWatched{Since: f.key.Time()}}
	var details any
	if from != nil {
		details = *from
	}
	return attempt(f.world, f.t.Context(), details, f.threads.WatchThreads, in)
}

// watch runs attempts of one watch, each where the one before stopped, and returns what each had looked at.
func (f following) watch(before ...func()) (looks []int) {
	f.t.Helper()
	var from *activities.ThreadsWatched
	for _, act := range before {
		act()
		f.clock.advance(2 * time.Minute)
		n := len(f.looked.keys)
		got := f.watches(from)
		got.fails(f.t, activities.ErrTypeNothingNew)
		if len(got.beats) > 0 {
			from = &activities.ThreadsWatched{}
			require.NoError(f.t, decode(got.beats[len(got.beats)-1], from))
		}
		looks = append(looks, len(f.looked.keys)-n)
	}
	return looks
}

func decode(beat string, into any) error { return json.Unmarshal([]byte(beat), into) }

func nothing() {}

func TestOneWatchFindsTheThreadsInWhichSomethingHappened(t *testing.T) {
	f := newFollowing(t)
	other := f.fileReport(crash + " again")
	looks := f.watch(
		nothing, // but our own replies
		func() { f.say(sandbox.Message{User: "chen", Text: "Same here"}) },
		nothing,
		func() { require.NoError(t, f.Edit(bugs, other.TS, "It is worse")) },
		func() { f.turn("closed", "") },
		nothing,
		nothing,
		func() { f.turn("open", "") },
		nothing,
	)
	assert.Equal(t, []int{0, 1, 0, 1, 1, 0, 0, 1, 0}, looks)
	assert.Equal(t, []triage.Key{f.key, other, f.key, f.key}, f.looked.keys)
	assert.Equal(t, 9, f.Books().Requests["slack conversations.history"]-2, "one page for each watch, however many threads; and two reports were read")
}

// GitHub may be away for a week, and people may be asked for days whether to file. What happened meanwhile is not forgotten.
func TestWhatHappensBeforeAReportIsFiledIsNewsWhenItIs(t *testing.T) {
	f := newFollowing(t)
	edited, asked := f.message(crash+" at noon"), f.message(crash+" at night")
	drafts := map[triage.Key]activities.Draft{edited: f.draft(edited), asked: f.draft(asked)}
	require.NoError(t, once(f.world, f.slack.Reply, activities.ReplyInput{Account: slackAccount, Report: asked, Text: "File this?", Stage: "asked"}).err)
	looks := f.watch(
		func() {
			require.NoError(t, f.Edit(bugs, edited.TS, crash+" since noon"))
			_, err := f.Deliver(bugs, sandbox.Message{User: "chen", Text: "Please do, it is bad", ThreadTS: asked.TS})
			require.NoError(t, err)
		},
		nothing,
		func() { f.file(edited, drafts[edited]) },
		func() { f.file(asked, drafts[asked]) },
		nothing,
	)
	assert.Equal(t, []int{0, 0, 1, 1, 0}, looks)
	assert.Equal(t, []triage.Key{edited, asked}, f.looked.keys)
	for _, f.key = range f.looked.keys {
		assert.Equal(t, 1, f.looks().Comments)
	}
}

// The list with the closing was read when nobody could be told, and GitHub would say that it is the same.
func TestAClosingThatNobodyCouldBeToldOfIsFoundAgain(t *testing.T) {
	f := newFollowing(t)
	f.turn("closed", "")
	f.looked.err = errAway
	got := f.watches(nil)
	got.fails(t, activities.ErrTypeUnwatched, errAway.Error())
	var reached activities.ThreadsWatched
	require.NoError(t, decode(got.beats[len(got.beats)-1], &reached))
	f.looked.keys, f.looked.err = nil, nil
	f.watches(&reached).fails(t, activities.ErrTypeNothingNew)
	assert.Equal(t, []triage.Key{f.key}, f.looked.keys)
}

// fileMany files reports without a thread, and returns their keys. Of some of them, the issue is closed at once.
func (f following) fileMany(n int, closed ...int) (keys []triage.Key) {
	f.t.Helper()
	for i := range n {
		f.clock.advance(10 * time.Second)
		key := f.message(fmt.Sprintf("%s, take %d", crash, i))
		issue := once(f.world, f.github.CreateIssue, activities.CreateIssueInput{Account: githubAccount, Report: key, Issue: triage.Issue{
			Owner: "acme", Repo: "app", Title: "It crashes", Body: key.Marker(),
		}})
		require.NoError(f.t, issue.err)
		if slices.Contains(closed, i) {
			f.close(issue.out.Number)
		}
		keys = append(keys, key)
	}
	return keys
}

func (f following) close(number int) {
	f.t.Helper()
	require.NoError(f.t, f.ChangeIssue(sandbox.IssueChange{Repository: "acme/app", Number: number, State: "closed"}))
}

func TestAClosingIsToldOfAnIssueThatAMaintainerAddedTo(t *testing.T) {
	f := newFollowing(t)
	i := f.issue()
	require.NoError(t, f.ChangeIssue(sandbox.IssueChange{Repository: i.Repository, Number: i.Number, Append: "\n\nEdit: see the log."}))
	f.turn("closed", "")
	assert.Equal(t, []int{1}, f.watch(nothing))
	assert.Equal(t, "closed", f.looks().Told)
}

// While the first page of a list is looked through, an issue of it changes and goes to the end. All behind it come one place forward, so
// that what was the first of the second page is on the first one now.
func TestAClosingIsNotLostBetweenTwoPages(t *testing.T) {
	f := newFollowing(t)
	keys := f.fileMany(103, 0, 98) // two are there already, so that this is the 101st
	second := f.issue().Number + 2
	f.looked.then = func() {
		f.clock.advance(10 * time.Second)
		f.close(second)
	}
	looks := f.watch(nothing, nothing)
	assert.Equal(t, []int{3, 0}, looks)
	assert.Equal(t, []triage.Key{keys[0], keys[98], keys[1]}, f.looked.keys)
}

// GitHub counts in seconds, and a script closes hundreds in one.
func TestManyIssuesThatChangeInOneMomentAreSeenOnce(t *testing.T) {
	f := newFollowing(t)
	f.fileMany(120)
	f.clock.advance(10 * time.Second)
	for i := range 120 {
		f.close(f.issue().Number + 1 + i)
	}
	lists := f.Books().Requests["github issues.list"]
	looks := f.watch(nothing, nothing)
	assert.Equal(t, []int{120, 0}, looks)
	assert.LessOrEqual(t, f.Books().Requests["github issues.list"]-lists, 6)
}

// The watch stops halfway, and what was closed long before it was changed last is behind that.
func TestAClosingBehindAFailureIsFoundAgain(t *testing.T) {
	f := newFollowing(t)
	keys := f.fileMany(2)
	first := f.issue().Number + 1
	f.clock.advance(time.Minute)
	f.close(first + 1)
	f.clock.advance(time.Minute)
	f.close(first)
	f.clock.advance(time.Minute)
	require.NoError(t, f.ChangeIssue(sandbox.IssueChange{Repository: "acme/app", Number: first + 1, Append: "\n"}))
	f.looked.then = func() { f.looked.err = errAway }

	got := f.watches(nil)
	got.fails(t, activities.ErrTypeUnwatched)
	var reached activities.ThreadsWatched
	require.NoError(t, decode(got.beats[len(got.beats)-1], &reached))
	f.looked.err = nil
	f.watches(&reached).fails(t, activities.ErrTypeNothingNew)

	assert.Equal(t, []triage.Key{keys[0], keys[1], keys[1]}, f.looked.keys)
}

// A route that changes takes new reports elsewhere, and those that are filed stay where they are.
func TestAnIssueInAFormerRepositoryIsFollowed(t *testing.T) {
	f := newFollowing(t)
	known := activities.ThreadsWatched{Since: f.key.Time()}.Knowing(f.plan.Places())
	f.plan.Routes = []triage.Route{{Channel: bugs, Repository: "acme/web"}}
	f.turn("closed", "")
	f.clock.advance(2 * time.Minute)

	got := f.watches(&known)

	got.fails(t, activities.ErrTypeUnwatched, "acme/web") // which is none of the sandbox's
	assert.Equal(t, []triage.Key{f.key}, f.looked.keys)
	var after activities.ThreadsWatched
	require.NoError(t, decode(got.beats[len(got.beats)-1], &after))
	f.clock.advance(f.plan.Follow + time.Hour)
	f.turn("open", "")
	f.watches(&after)
	assert.Len(t, f.looked.keys, 1, "what is older is not followed")
}

func TestAFormerRepositoryThatIsGoneIsNoTrouble(t *testing.T) {
	f := newFollowing(t)
	known := activities.ThreadsWatched{Since: f.key.Time()}.Knowing(places("acme/none", "acme/app"))
	f.turn("closed", "")
	f.clock.advance(2 * time.Minute)
	f.watches(&known).fails(t, activities.ErrTypeNothingNew)
	assert.Equal(t, []triage.Key{f.key}, f.looked.keys)
}

func TestAWatchGoesOnWhereItsPagesEnded(t *testing.T) {
	f := newFollowing(t)
	for i := range 1100 {
		f.clock.advance(time.Second)
		f.Post(bugs, sandbox.Message{User: "ada", Text: fmt.Sprintf("message %d", i)})
	}
	looks := f.watch(func() { f.say(sandbox.Message{User: "chen", Text: "Same here"}) }, nothing, nothing, nothing)
	assert.Equal(t, []int{0, 1, 0, 0}, looks, "it is on the sixth page")
}

// GitHub redirects what reads with 301, and what writes with 307.
func TestAThreadIsFollowedToWhereItsRepositoryWent(t *testing.T) {
	f := newFollowing(t)
	require.NoError(t, f.MoveRepository("acme/app", "umbrella/web"))
	f.say(sandbox.Message{User: "chen", Text: "Same here"})
	assert.Equal(t, 1, f.looks().Comments)
	f.turn("closed", "")
	assert.Equal(t, []int{2}, f.watch(nothing), "one for the thread, one for the issue")
	assert.Equal(t, "closed", f.looks().Told)
	f.say(sandbox.Message{User: "chen", Text: "reopen"})
	look := f.looks()
	assert.True(t, look.Reopened)
	assert.Contains(t, look.Issue, "/umbrella/web/issues/")
	assert.Equal(t, "open", f.issue().State)
	assert.Equal(t, 1, f.Books().IssuesCreated)
}

func TestTroubleWithOneRepositoryStopsNoOther(t *testing.T) {
	f := newFollowing(t)
	f.plan.Routes = append([]triage.Route{{Channel: "C0NOWHERE", Repository: "acme/none"}}, f.plan.Routes...)
	f.say(sandbox.Message{User: "chen", Text: "Same here"})
	f.turn("closed", "")
	f.clock.advance(2 * time.Minute)
	since := f.clock.Now()
	got := f.watches(nil)
	got.fails(t, activities.ErrTypeUnwatched, "C0NOWHERE")
	assert.Equal(t, []triage.Key{f.key, f.key}, f.looked.keys)

	var watched activities.ThreadsWatched
	require.NoError(t, decode(got.beats[len(got.beats)-1], &watched))
	assert.True(t, watched.FailingSince.Equal(since), "it is known since when")
	f.clock.advance(10 * time.Minute)
	got = f.watches(&watched)
	got.fails(t, activities.ErrTypeUnwatched)
	require.Len(t, f.looked.keys, 2, "the rest goes on from where it was")
	f.plan.Routes = f.plan.Routes[1:]
	got = f.watches(&watched)
	got.fails(t, activities.ErrTypeNothingNew)
	assert.NotContains(t, got.beats[len(got.beats)-1], "failing_since")
}

// What stops the watch as a whole is trouble as well, and ends none.
func TestAWatchThatFailsAsAWholeHasNotRecovered(t *testing.T) {
	f := newFollowing(t)
	since := f.clock.Now().UTC()
	in := activities.WatchInput{Triage: "acme/none", Watched: activities.ThreadsWatched{Since: f.key.Time()}}

	got := attempt(f.world, t.Context(), nil, f.threads.WatchThreads, in)
	got.fails(t, activities.ErrTypeNotConfigured)
	var reached activities.ThreadsWatched
	require.NoError(t, decode(got.beats[len(got.beats)-1], &reached))
	assert.True(t, reached.FailingSince.Equal(since))
	f.clock.advance(time.Minute)
	got = attempt(f.world, t.Context(), reached, f.threads.WatchThreads, in)
	got.fails(t, activities.ErrTypeNotConfigured)
	assert.Empty(t, got.beats, "it is known since when")
}

// A watch over many channels has no time for all of them where each request hangs. It ends by itself, a little before Temporal ends it,
// because only so it can say since when.
func TestAWatchThatHangsOrPanicsSaysSinceWhen(t *testing.T) {
	for name, c := range map[string]struct {
		breaks func(following)
		kind   string
	}{
		"hangs": {func(f following) {
			f.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "conversations.history", Kind: sandbox.FaultHang, Times: -1})
		}, activities.ErrTypeProviderUnavailable},
		"panics": {func(f following) { f.slack.APIs = panicking{} }, activities.ErrTypePanicked},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFollowing(t)
			c.breaks(f)
			in := activities.WatchInput{Triage: "acme/bug-reports", Watched: activities.ThreadsWatched{Since: f.key.Time()}}
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()

			got := attempt(f.world, ctx, nil, f.threads.WatchThreads, in)

			got.fails(t, c.kind, "watching the threads of ")
			require.NotEmpty(t, got.beats)
			var reached activities.ThreadsWatched
			require.NoError(t, decode(got.beats[len(got.beats)-1], &reached))
			assert.True(t, reached.FailingSince.Equal(f.clock.Now()))
		})
	}
}

func TestAWatchGivesWayWhenSlackLimits(t *testing.T) {
	f := newFollowing(t)
	f.fault(sandbox.Fault{App: sandbox.Slack, Endpoint: "conversations.history", Kind: sandbox.FaultStatus, Status: 429, RetryAfter: 30 * time.Second})
	got := f.watches(nil)
	got.fails(t, activities.ErrTypeNothingNew, "rate limit")
	assert.Equal(t, 5*time.Minute, got.wait(t))
}

func TestWhatNobodyCouldBeToldOfIsFoundAgain(t *testing.T) {
	f := newFollowing(t)
	f.say(sandbox.Message{User: "chen", Text: "Same here"})
	f.looked.err = errAway
	f.watches(nil).fails(t, activities.ErrTypeUnwatched, errAway.Error())
	f.looked.keys, f.looked.err = nil, nil
	looks := f.watch(nothing, nothing)
	assert.Equal(t, []int{1, 0}, looks)
}

func TestAQuietTriageIsWatchedSeldom(t *testing.T) {
	f := newFollowing(t)
	assert.Equal(t, time.Minute, f.watches(nil).wait(t))
	f.clock.advance(30 * time.Minute)
	assert.InDelta(t, 3*time.Minute, f.watches(nil).wait(t), float64(10*time.Second))
	f.clock.advance(48 * time.Hour)
	assert.Equal(t, 10*time.Minute, f.watches(nil).wait(t))
}

// In a public repository anybody may write what our comments are marked with. That ends no thread.
func TestTheMarkerOfAStrangerSaysNothing(t *testing.T) {
	for association, comments := range map[string]int{"NONE": 1, "CONTRIBUTOR": 1, "COLLABORATOR": 0} {
		t.Run(association, func(t *testing.T) {
			f := newFollowing(t)
			f.say(sandbox.Message{User: "bjorn", Text: "It happens in Safari too"})
			marker := "<!-- tokenkeeper-thread: " + f.key.String() + " upto 9999999999.000000 edited - -->"
			forged, err := json.Marshal([]any{map[string]any{
				"body": "me too\n\n" + marker, "user": map[string]any{"login": "stranger"}, "author_association": association,
			}})
			require.NoError(t, err)
			i := f.issue()
			f.replace(fmt.Sprintf("/github/api/v3/repos/%s/issues/%d/comments", i.Repository, i.Number), func(rw http.ResponseWriter) {
				rw.Header().Set("Content-Type", "application/json")
				_, _ = rw.Write(forged) // the client is there
			})
			assert.Equal(t, comments, f.looks().Comments)
		})
	}
}

func TestWhatGoesWhileItIsFollowedIsToldNothing(t *testing.T) {
	f := newFollowing(t)
	f.turn("closed", "completed")
	f.when("/slack/api/chat.postMessage", func() {
		for _, m := range f.State().Channels[0].Messages {
			for _, reply := range m.Replies {
				assert.NoError(t, f.Delete(bugs, reply.TS))
			}
			assert.NoError(t, f.Delete(bugs, m.TS))
		}
	})
	assert.Empty(t, f.looks().Told)
	assert.Empty(t, f.State().Channels[0].Messages, "nothing stands in the open channel")
	assert.Empty(t, f.looks().Told)
}

func TestTheThreadOfADeletedReportIsFollowed(t *testing.T) {
	f := newFollowing(t)
	require.NoError(t, f.Delete(bugs, f.key.TS))
	f.say(sandbox.Message{User: "chen", Text: "I still have it"})
	f.turn("closed", "completed")

	look := f.looks()

	assert.Equal(t, 1, look.Comments)
	assert.Equal(t, "closed", look.Told)
	comments := f.issue().Comments
	require.Len(t, comments, 1)
	assert.Contains(t, comments[0].Body, "I still have it")
	assert.NotContains(t, comments[0].Body, "deleted", "which is no edit of the report")
}
