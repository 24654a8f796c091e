package activities_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/connector"
	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
)

// enterprise files what is about the server, into a GitHub of its own.
var enterprise = credential.AccountID{Organization: "acme", User: "platform", Connector: "github"}

// servers are worlds, each with the accounts that are connected in it.
type servers map[credential.AccountID]*world

func (s servers) API(account credential.AccountID) (activities.API, error) {
	w, known := s[account]
	if !known {
		return activities.API{}, unknownError("account " + account.String() + ": there is no such connector")
	}
	return w.API(account)
}

// newServers is a world whose reports go to two servers, each with a repository acme/app.
func newServers(t *testing.T) (f following, other *world) {
	t.Helper()
	w, other := newWorld(t, sandbox.Options{}), newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	w.connect(githubAccount)
	other.connect(enterprise)
	w.github.APIs = servers{githubAccount: w, enterprise: other}
	w.plan.Follow = 14 * 24 * time.Hour
	w.plan.Routes = []triage.Route{
		{Channel: bugs, Repository: "acme/app", GitHub: enterprise, Match: triage.Match{Patterns: []string{"server"}}},
		{Channel: bugs, Repository: "acme/app"},
	}
	f = following{world: w, looked: &looked{}}
	f.threads = &activities.Threads{Slack: w.slack, GitHub: w.github, Looks: f.looked}
	return f, other
}

// down has the grants at GitHub end, and their owner know it.
func (w *world) down() {
	w.t.Helper()
	w.Revoke(sandbox.GitHub)
	w.answer = &connector.Answer{Generation: 1, Status: credential.ReauthorizationRequired}
}

// files does what a Report does, with the account that its draft names.
func (f following) files(text string) (key triage.Key, filed activities.CreatedIssue) {
	f.t.Helper()
	key = f.message(text)
	draft := f.draft(key)
	issue := once(f.world, f.github.CreateIssue, activities.CreateIssueInput{Account: draft.GitHub, Report: key, Issue: draft.Issue})
	require.NoError(f.t, issue.err)
	reply := activities.ReplyInput{Account: slackAccount, Report: key, Issue: issue.out, Filer: draft.GitHub}
	require.NoError(f.t, once(f.world, f.slack.Reply, reply).err)
	react := activities.ReactInput{Account: slackAccount, Report: key, Emoji: activities.FiledReaction}
	require.NoError(f.t, once(f.world, noResult(f.slack.React), react).err)
	return key, issue.out
}

const outage = "The server crashes with error 500"

func TestAReportIsFiledWithTheAccountOfItsRoute(t *testing.T) {
	f, other := newServers(t)
	draft := f.draft(f.message(outage))
	assert.Equal(t, enterprise, draft.GitHub)
	assert.Equal(t, []triage.Place{{Account: githubAccount, Repository: "acme/app"}}, draft.Elsewhere)
	draft = f.draft(f.message(crash))
	assert.Equal(t, githubAccount, draft.GitHub)
	assert.Equal(t, []triage.Place{{Account: enterprise, Repository: "acme/app"}}, draft.Elsewhere)

	_, filed := f.files(outage)
	assert.Contains(t, filed.URL, other.url)
	assert.Equal(t, 1, other.Books().IssuesCreated)
	assert.Zero(t, f.Books().IssuesCreated)
}

// A report that may have been filed along another route is looked for at that one's server, and waits for its own account alone.
func TestAReportIsLookedForWithTheAccountsOfOtherRoutes(t *testing.T) {
	f, other := newServers(t)
	in := f.report(outage)
	before := in
	before.Account = enterprise
	first := once(f.world, f.github.CreateIssue, before)
	require.NoError(t, first.err)
	in.LookFirst, in.Elsewhere = true, []triage.Place{{Account: enterprise, Repository: "acme/app"}}
	again := once(f.world, f.github.CreateIssue, in)
	require.NoError(t, again.err)
	assert.Equal(t, first.out.URL, again.out.URL)
	assert.True(t, again.out.Found)
	assert.Equal(t, enterprise, again.out.Account, "who follows the thread has to know")

	linked := in
	linked.Filed, linked.Elsewhere = first.out.URL, []triage.Place{{Account: enterprise, Repository: "acme/web"}}
	found := once(f.world, f.github.CreateIssue, linked)
	require.NoError(t, found.err)
	assert.Equal(t, first.out.URL, found.out.URL, "the link leads to the other server, which has it")
	assert.Equal(t, enterprise, found.out.Account)
	assert.Zero(t, f.Books().IssuesCreated)

	other.fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "issues.list", Kind: sandbox.FaultStatus, Status: 503})
	once(f.world, f.github.CreateIssue, in).fails(t, activities.ErrTypeProviderUnavailable, "acme/app via "+enterprise.String())
	assert.Zero(t, f.Books().IssuesCreated, "an outage says nothing about what is there")
	fresh := f.report("Search crashes")
	fresh.LookFirst = true
	fresh.Elsewhere = []triage.Place{{Account: enterprise, Repository: "acme/app"}, {Account: slackAccount, Repository: "acme/gone"}}
	other.down()
	created := once(f.world, f.github.CreateIssue, fresh)
	require.NoError(t, created.err)
	assert.False(t, created.out.Found)
	found = once(f.world, f.github.CreateIssue, linked)
	require.NoError(t, found.err)
	assert.Equal(t, first.out.URL, found.out.URL, "the thread is believed")

	own := f.report("Menu crashes")
	own.Account, own.LookFirst = enterprise, true
	once(f.world, f.github.CreateIssue, own).fails(t, activities.ErrTypeAccountUnavailable, enterprise.String())
}

// Both servers have an issue of the same number in a repository of the same name.
func TestAThreadIsFollowedWithTheAccountOfItsIssue(t *testing.T) {
	f, other := newServers(t)
	var theirs, ours activities.CreatedIssue
	f.key, theirs = f.files(outage)
	_, ours = f.files(crash)
	require.Equal(t, theirs.Number, ours.Number)
	f.say(sandbox.Message{User: "chen", Text: "Same here"})
	assert.Equal(t, 1, f.looks().Comments)
	comments := func(w *world) (n int) {
		for _, i := range w.State().Issues {
			n += len(i.Comments)
		}
		return n
	}
	assert.Equal(t, []int{0, 1}, []int{comments(f.world), comments(other)})

	f.plan.Routes = f.plan.Routes[1:] // the account is no route's any more
	f.say(sandbox.Message{User: "chen", Text: "Still"})
	assert.Equal(t, 1, f.looks().Comments)
	assert.Equal(t, []int{0, 2}, []int{comments(f.world), comments(other)})
	other.down()
	f.say(sandbox.Message{User: "chen", Text: "And now"})
	assert.Zero(t, f.looks(), "nobody has to mend it for this")

	f.plan.Routes = append([]triage.Route{{Channel: bugs, Repository: "acme/app", GitHub: enterprise, Match: triage.Match{Patterns: []string{"server"}}}}, f.plan.Routes...)
	f.look().fails(t, activities.ErrTypeAccountUnavailable, enterprise.String())
}

// What our replies of before said names no account: the link and the routes tell.
func TestAnIssueOfAReplyWithoutAnAccountIsFound(t *testing.T) {
	f, other := newServers(t)
	f.key = f.message(outage)
	draft := f.draft(f.key)
	issue := once(f.world, f.github.CreateIssue, activities.CreateIssueInput{Account: enterprise, Report: f.key, Issue: draft.Issue})
	require.NoError(t, issue.err)
	require.NoError(t, once(f.world, f.slack.Reply, activities.ReplyInput{Account: slackAccount, Report: f.key, Issue: issue.out}).err)
	f.say(sandbox.Message{User: "chen", Text: "Same here"})
	assert.Equal(t, issue.out.URL, f.looks().Issue)
	require.NoError(t, other.MoveRepository("acme/app", "umbrella/web"))
	f.say(sandbox.Message{User: "chen", Text: "Still"})
	look := f.looks()
	assert.Equal(t, 1, look.Comments)
	assert.Contains(t, look.Issue, other.url+"/github/umbrella/web/issues/")
}

// One account of two needs a person: what the other one filed is watched on, and so are the threads.
func TestAWatchGoesOnWithTheAccountsThatWork(t *testing.T) {
	f, other := newServers(t)
	theirs, _ := f.files(outage)
	ours, _ := f.files(crash)
	at := map[triage.Key]*world{theirs: other, ours: f.world}
	turn := func(key triage.Key) {
		for _, i := range at[key].State().Issues {
			if i.Key == key.String() {
				at[key].clock.advance(10 * time.Second)
				require.NoError(t, at[key].ChangeIssue(sandbox.IssueChange{Repository: i.Repository, Number: i.Number, State: "closed"}))
			}
		}
	}
	f.key = ours
	other.down()
	turn(ours)
	turn(theirs)
	f.clock.advance(2 * time.Minute)
	got := f.watches(nil)
	got.fails(t, activities.ErrTypeUnwatched, enterprise.String())
	assert.Equal(t, []triage.Key{ours}, f.looked.keys)
	var reached activities.ThreadsWatched
	require.NoError(t, decode(got.beats[len(got.beats)-1], &reached))

	f.plan.Routes = f.plan.Routes[1:]
	f.looked.keys = nil
	former := reached.Knowing([]triage.Place{{Account: enterprise, Repository: "acme/app"}})
	f.watches(&former).fails(t, activities.ErrTypeNothingNew)
	assert.Empty(t, f.looked.keys, "an account that no route names is missed by nobody")

	f.plan.Routes = append([]triage.Route{{Channel: "C0SUPPORT", Repository: "acme/app", GitHub: enterprise}}, f.plan.Routes...)
	other.answer = nil
	other.connect(enterprise)
	got = f.watches(&reached)
	got.fails(t, activities.ErrTypeNothingNew)
	assert.Equal(t, []triage.Key{theirs}, f.looked.keys)
}

func TestAPreviewLooksForTemplatesWithTheAccountOfTheRoute(t *testing.T) {
	f, other := newServers(t)
	for i := range f.plan.Routes {
		f.plan.Routes[i].Template = "bug.yml"
	}
	in := activities.PreviewInput{Triage: f.plan.Triage, Channel: bugs, After: triage.TimestampOf(f.clock.Now().Add(-time.Second))}
	f.message(crash)
	f.message(outage)
	other.down()
	page, err := f.slack.Preview(t.Context(), in)
	require.NoError(t, err)
	require.Len(t, page.Messages, 2)
	templates := activities.TemplatePreview{GitHub: f.github}
	for i := range page.Messages {
		templates.Apply(t.Context(), &page.Messages[i])
	}
	assert.Equal(t, "acme/app via "+enterprise.String(), page.Messages[0].Place().String())
	assert.Contains(t, page.Messages[0].Untemplated, enterprise.String())
	assert.Equal(t, "acme/app", page.Messages[1].Place().String())
	assert.Contains(t, page.Messages[1].Untemplated, "no such file", "one that is down keeps nobody from asking with the other")
}

func TestWhoFilesIsSaidByThePlan(t *testing.T) {
	another := credential.AccountID{Organization: "acme", User: "another", Connector: "github"}
	plan := activities.Plan{Slack: slackAccount, GitHub: githubAccount, Routes: []triage.Route{
		{Channel: "C1", Repository: "acme/app", GitHub: enterprise}, {Channel: "C1", Repository: "acme/app"},
		{Channel: "C2", Repository: "acme/web", GitHub: enterprise},
	}}
	assert.Equal(t, []credential.AccountID{enterprise, githubAccount}, plan.Filers())
	assert.Equal(t, []credential.AccountID{slackAccount, enterprise, githubAccount}, plan.Accounts())
	assert.Len(t, plan.Places(), 3)
	assert.Equal(t, []credential.AccountID{githubAccount}, activities.Plan{GitHub: githubAccount}.Filers())
	for name, c := range map[string]struct {
		was           credential.AccountID
		channel, repo string
		want          credential.AccountID
	}{
		"as before":                            {githubAccount, "C1", "Acme/App", githubAccount},
		"as before, along another route":       {enterprise, "C1", "acme/app", enterprise},
		"another account, the route's":         {githubAccount, "C2", "acme/web", enterprise},
		"gone, the first of the routes":        {another, "C1", "acme/app", enterprise},
		"no route any more, an account still":  {enterprise, "C2", "acme/gone", enterprise},
		"no route and no account any more":     {another, "C2", "acme/gone", githubAccount},
		"no route, and the triage's own still": {githubAccount, "C2", "acme/gone", githubAccount},
	} {
		assert.Equal(t, c.want, plan.FilerInstead(c.was, c.channel, c.repo), name)
	}
}
