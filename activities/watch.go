package activities

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"time"

	"github.com/google/go-github/v62/github"
	"github.com/slack-go/slack"
	"go.temporal.io/sdk/activity"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// WatchInput asks for a watch over the threads and issues of a triage.
type WatchInput struct {
	Triage  string         `json:"triage"`
	Watched ThreadsWatched `json:"watched"`
}

const (
	// maxWatchPages bounds what one watch reads of a channel; the next one goes on there.
	maxWatchPages = 5
	// clockSkew is how far our clock may be ahead of Slack's.
	clockSkew = time.Minute
	// restFromLimits is how long the watch rests after a rate limit, if the provider does not ask for longer: reading new
	// reports comes first.
	restFromLimits = 5 * time.Minute
	// keepWatched is how much progress may be lost when the Activity is cancelled. Repeating it costs a few looks.
	keepWatched = time.Hour
)

// WatchThreads finds the threads in which something happened, and the issues that were closed or reopened, and has each
// looked at by [ThreadLooks]. As with [Slack.Poll], Temporal's retry is the loop: it fails with [ErrTypeNothingNew], or
// with [ErrTypeUnwatched] where something was wrong, and writes nothing to history; once in an hour it returns how far it
// is, if there was anything.
//
// One watch serves all reports of a triage, however many there are. A page of a channel's history says of 200 messages when
// each was answered last and when edited, and one conditional request to a repository lists what changed in it, and costs
// nothing of the rate limit where nothing did (304). To ask for each thread and each issue would cost as many requests as
// there are, and a Workflow for each that waits.
// Errors: also [ErrTypeAccountUnavailable], [ErrTypeRefreshPending], [ErrTypeNotConfigured], [ErrTypePanicked], and
// [ErrTypeProviderUnavailable] where it takes too long.
func (t *Threads) WatchThreads(ctx context.Context, in WatchInput) (ThreadsWatched, error) {
	var reached atomic.Pointer[ThreadsWatched]
	reached.Store(resumeWatch(ctx, in.Watched))
	stop := beatWith(ctx, func() []any { return []any{*reached.Load()} })
	before := *reached.Load()
	trouble, err := guarded(ctx, "watching the threads of "+in.Triage, func(ctx context.Context) (error, error) {
		return t.watchAll(ctx, in.Triage, &reached)
	})
	stop()
	now := t.Slack.now()
	after := reached.Load().since(err != nil || isTrouble(trouble), now)
	if !after.equal(before) {
		activity.RecordHeartbeat(ctx, after)
	}
	if err != nil {
		return ThreadsWatched{}, err
	}
	if after.LastNews.After(in.Watched.LastNews) && now.Sub(activity.GetInfo(ctx).ScheduledTime) >= keepWatched {
		return after, nil
	}
	return ThreadsWatched{}, pauseAfter(in.Triage, trouble, watchPause(now.Sub(after.lastChange())))
}

// pauseAfter has a watch come back after a pause, or when its trouble allows it.
func pauseAfter(triage string, trouble error, pause time.Duration) error {
	if trouble == nil {
		return again(ErrTypeNothingNew, "nothing new in the threads of "+triage, pause)
	}
	pause = max(pause, applicationDelay(trouble))
	if errorType(trouble) == ErrTypeRateLimited {
		pause = max(pause, restFromLimits)
	}
	if !isTrouble(trouble) {
		return again(ErrTypeNothingNew, message(trouble), pause)
	}
	return again(ErrTypeUnwatched, message(trouble), pause)
}

// isTrouble reports whether an error is something people should know of. A watch that only waits for others goes on by
// itself.
func isTrouble(err error) bool {
	kind := errorType(err)
	return kind != "" && kind != ErrTypeRateLimited && kind != ErrTypeOutOfTurn
}

// watchPause is the pause after a watch, by how long nothing has happened.
func watchPause(idle time.Duration) time.Duration {
	return min(max(idle/10, time.Minute), 10*time.Minute)
}

// watchAll watches every channel and every repository of a triage. An error in one of them stops no other; it returns one of
// those errors as trouble, preferably one that people should know of. err is an error that stops all.
func (t *Threads) watchAll(ctx context.Context, name string, reached *atomic.Pointer[ThreadsWatched]) (trouble, err error) {
	plan, err := t.Slack.Plans.Plan(name)
	if err != nil {
		return nil, notConfigured(err)
	}
	if plan.Follow == 0 {
		return nil, nil
	}
	reached.Store(reached.Load().routed(plan.Places(), plan.Follow, t.Slack.now()))
	w := &watcher{Threads: t, plan: plan, reached: reached}
	if w.slack, err = t.Slack.client(plan.Slack); err != nil {
		return nil, err
	}
	if w.who, err = t.Slack.identity(ctx, w.slack, plan.Slack); err != nil {
		return nil, err
	}
	for _, watch := range w.watches(int(activity.GetInfo(ctx).Attempt)) {
		err := watch(ctx)
		switch errorType(err) {
		case "":
		case ErrTypeAccountUnavailable, ErrTypeRefreshPending:
			return nil, err
		default:
			if trouble == nil || isTrouble(err) {
				trouble = err
			}
		}
		if ctx.Err() != nil { // what took so long is what went wrong
			return nil, cmp.Or(err, ctx.Err())
		}
	}
	return trouble, nil
}

// watcher is one watch over all channels and repositories of a triage.
type watcher struct {
	*Threads

	plan    Plan
	who     identity
	slack   *slack.Client
	reached *atomic.Pointer[ThreadsWatched]
}

// watches returns the watches to make: one for each channel, and one for each repository, including those that a route led
// to before. Each attempt begins with another one, because where Slack's limit is narrow only the first may get to read.
func (w *watcher) watches(attempt int) []func(context.Context) error {
	var all []func(context.Context) error
	for _, channel := range w.plan.Channels() {
		all = append(all, func(ctx context.Context) error { return w.channel(ctx, channel) })
	}
	for _, place := range append(w.plan.Places(), w.reached.Load().former()...) {
		all = append(all, func(ctx context.Context) error { return w.place(ctx, place) })
	}
	if len(all) == 0 {
		return nil
	}
	first := attempt % len(all)
	return slices.Concat(all[first:], all[:first])
}

// channel goes through the messages of a channel that are young enough, newest first, and has those looked at in whose
// threads something happened since the last round. A round ends with the oldest such message, which may take several
// watches.
func (w *watcher) channel(ctx context.Context, id string) error {
	c := w.reached.Load().channel(id)
	defer func() { w.reached.Store(w.reached.Load().withChannel(id, c)) }()
	now := w.Slack.now()
	for range maxWatchPages {
		if c.Cursor == "" {
			c.Oldest, c.Begun, c.Newest = triage.TimestampOf(now.Add(-w.plan.Follow)), triage.TimestampOf(now.Add(-clockSkew)), ""
		}
		if err := w.Slack.Reading.turn(ctx, w.plan.Slack, aside); err != nil {
			return err
		}
		page, err := w.slack.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
			ChannelID: id, Oldest: c.Oldest, Latest: openEnd, Cursor: c.Cursor, Limit: pageSize,
		})
		if slackCode(err) == "invalid_cursor" && c.Cursor != "" {
			c.Cursor = ""
			continue
		}
		if err != nil {
			err = slackError("watching the threads of channel "+id, err)
		}
		if err := w.Slack.Reading.heard(w.plan.Slack, aside, err); err != nil {
			return err
		}
		for _, m := range page.Messages {
			c.Newest = max(c.Newest, lastChange(m))
			if c, err = w.message(ctx, id, m, c); err != nil {
				return err
			}
		}
		c.Cursor = page.ResponseMetaData.NextCursor
		if !page.HasMore || c.Cursor == "" {
			// What happened before the round began was there to see in all of it.
			c.After, c.Cursor = max(c.After, min(c.Newest, c.Begun)), ""
			c = c.without(func(ts string) bool { return ts <= c.Oldest })
			return nil
		}
	}
	return nil
}

// message has a filed message looked at if something happened to it. For one that is not filed yet it remembers that
// something did.
func (w *watcher) message(ctx context.Context, channel string, m slack.Message, c ChannelWatched) (ChannelWatched, error) {
	switch filed := isFiled(m); {
	case !filed && w.isEarly(m, c.After):
		return c.noting(m.Timestamp), nil
	case filed && (w.isNews(m, c.After) || slices.Contains(c.Unfiled, m.Timestamp)):
		if err := w.look(ctx, triage.Key{Team: w.who.Team, Channel: channel, TS: m.Timestamp}); err != nil {
			return c, err
		}
		return c.without(func(ts string) bool { return ts == m.Timestamp }), nil
	}
	return c, nil
}

// lastChange returns when a message was edited or answered last, "" for never. A message that began a thread comes with
// latest_reply and reply_users from conversations.history too, although Slack's reference shows them with
// conversations.replies only (docs.slack.dev/reference/methods/conversations.replies).
func lastChange(m slack.Message) string {
	if m.Edited != nil {
		return max(m.Edited.Timestamp, m.LatestReply)
	}
	return m.LatestReply
}

// isFiled reports whether a message has the mark of a report that is filed.
func isFiled(m slack.Message) bool {
	return slices.ContainsFunc(m.Reactions, func(r slack.ItemReaction) bool { return r.Name == FiledReaction })
}

// isNews reports whether a message was edited, or answered in a thread in which not only we speak, after a ts.
func (w *watcher) isNews(m slack.Message, after string) bool {
	edited := m.Edited != nil && m.Edited.Timestamp > after
	return edited || slices.ContainsFunc(m.ReplyUsers, func(user string) bool { return !w.isUs(user) }) && m.LatestReply > after
}

// isEarly reports whether what happened to an unfiled message would be news if that were filed. It may still be: GitHub is
// away, or people were asked whether to file it. The reply that tells of the issue usually makes news of what was said
// before it, but not where it replaces a question.
func (w *watcher) isEarly(m slack.Message, after string) bool {
	edited := m.Edited != nil && m.Edited.Timestamp > after
	return edited || slices.ContainsFunc(m.ReplyUsers, w.isUs) && w.isNews(m, after)
}

func (w *watcher) isUs(user string) bool {
	return user == w.who.Self.UserID || user == w.who.Self.BotID
}

// place watches a repository. Where one of several accounts cannot be used, that stops only what is watched with it. What no
// route leads to any more does not call for a person to mend an account that no other route files with.
func (w *watcher) place(ctx context.Context, at triage.Place) error {
	account, filers := cmp.Or(at.Account, w.plan.GitHub), w.plan.Filers()
	err := w.repository(ctx, at, account)
	switch kind := errorType(err); {
	case !isOutOfReach(err) && kind != ErrTypeRefreshPending:
		return err
	case !slices.Contains(filers, account):
		return nil
	case len(filers) > 1:
		return again(ErrTypeUnwatched, message(err), applicationDelay(err))
	}
	return err
}

// repository has the reports looked at whose issues were closed or reopened since the last watch that read the whole list.
// After each page it asks for what changed since that page's newest update, instead of for page 2: an issue that changes
// meanwhile moves to the end of the list, and the next issue would move to the page that was read already.
func (w *watcher) repository(ctx context.Context, at triage.Place, account credential.AccountID) error {
	client, err := w.GitHub.client(account)
	if err != nil {
		return err
	}
	name, r := at.Repository, w.reached.Load().repository(at)
	defer func() { w.reached.Store(w.reached.Load().withRepository(at, r)) }()
	if r.Begun.IsZero() {
		r.Begun = r.Since
	}
	asked, page, etag := r.Since, 1, r.ETag
	for page != 0 {
		issues, resp, err := listChanged(ctx, client, name, asked, page, etag)
		if etag != "" && notModified(err) {
			r.Begun = time.Time{}
			return nil
		}
		if !r.Left.IsZero() && holdsNone(err) {
			return nil // that may be why no route leads there any more
		}
		if err != nil {
			return githubError("listing what changed in "+name, err)
		}
		if r, err = w.lookThrough(ctx, issues, r); err != nil {
			return err
		}
		// A list that has more pages, or is not asked for again, is not known again by its first one.
		if etag = ""; page == 1 && resp.NextPage == 0 && r.Since.Equal(asked) {
			etag = resp.Header.Get("ETag")
		}
		if page = resp.NextPage; page != 0 && r.Since.After(asked) {
			asked, page = r.Since, 1
		}
	}
	r.ETag, r.Begun = etag, time.Time{} // not earlier: who does not come to the end has to be given the list again
	return nil
}

// lookThrough has the reports of a page looked at, and returns how far it came.
func (w *watcher) lookThrough(ctx context.Context, issues []*github.Issue, r RepositoryWatched) (RepositoryWatched, error) {
	for _, issue := range issues {
		if key, ours := w.isTurned(issue, r.Begun); ours && !r.saw(issue) {
			if err := w.look(ctx, key); err != nil {
				return r, err
			}
		}
		r = r.with(issue)
	}
	return r, nil
}

// listChanged returns a page of the issues that were updated since, oldest update first.
func listChanged(
	ctx context.Context, client *github.Client, repository string, since time.Time, page int, etag string,
) ([]*github.Issue, *github.Response, error) {
	path := fmt.Sprintf("repos/%s/issues?state=all&sort=updated&direction=asc&per_page=100&page=%d&since=%s",
		repository, page, url.QueryEscape(since.UTC().Format(time.RFC3339)))
	request, err := client.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		return nil, nil, err
	}
	if etag != "" {
		request.Header.Set("If-None-Match", etag)
	}
	var issues []*github.Issue
	resp, err := client.Do(ctx, request, &issues)
	return issues, resp, err
}

// isTurned returns the report of an issue that was closed since a time, or that is reopened, and reports whether it is one
// of this triage's. GitHub does not say when an issue was reopened; the look at the thread finds out whether that is news.
func (w *watcher) isTurned(issue *github.Issue, since time.Time) (triage.Key, bool) {
	key, ours := triage.FindMarker(issue.GetBody())
	if !ours || issue.IsPullRequest() || key.Team != w.who.Team ||
		!slices.Contains(w.plan.Channels(), key.Channel) {
		return triage.Key{}, false
	}
	if issue.GetState() == issueClosed {
		return key, !issue.GetClosedAt().Before(since)
	}
	return key, issue.GetStateReason() == "reopened"
}

func (w *watcher) look(ctx context.Context, report triage.Key) error {
	if err := w.Looks.LookAtThread(ctx, w.plan.Triage, report); err != nil {
		return outage("having the thread of "+report.String()+" looked at", err)
	}
	now := *w.reached.Load()
	now.LastNews = w.Slack.now()
	w.reached.Store(&now)
	return nil
}
