package activities

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/google/go-github/v62/github"
	"go.temporal.io/sdk/activity"

	"tokenkeeper/triage"
)

// ThreadsWatched is how far a watch is.
type ThreadsWatched struct {
	// Since is from when on things are news in a channel or repository that was not watched before.
	Since        time.Time                          `json:"since,omitzero"`
	Channels     map[string]ChannelWatched          `json:"channels,omitempty"`
	Repositories map[triage.Place]RepositoryWatched `json:"repositories,omitempty"`
	// LastNews is when a thread was looked at last.
	LastNews time.Time `json:"last_news,omitzero"`
	// FailingSince is when the first of the watches ended that met trouble one after the other until now.
	FailingSince time.Time `json:"failing_since,omitzero"`
}

// ChannelWatched is how far the watch over a channel is.
type ChannelWatched struct {
	// After is the ts up to which all that happened in threads was looked at.
	After string `json:"after"`
	// Of the round under way: the next page, the oldest message, when it began, and the newest thing seen in it.
	Cursor string `json:"cursor,omitempty"`
	Oldest string `json:"oldest,omitempty"`
	Begun  string `json:"begun,omitempty"`
	Newest string `json:"newest,omitempty"`
	// Unfiled are messages, by ts and in order, in which something happened before a report of them was filed: that one of them
	// is filed at last is news.
	Unfiled []string `json:"unfiled,omitempty"`
}

// maxUnfiled bounds Unfiled; the newest stay. One that drops out is found again when something else happens in its thread.
const maxUnfiled = 200

// noting returns a copy that remembers a message in Unfiled. It is a copy because heartbeats read the old list.
func (c ChannelWatched) noting(ts string) ChannelWatched {
	if !slices.Contains(c.Unfiled, ts) {
		c.Unfiled = append(slices.Clone(c.Unfiled), ts)
		slices.Sort(c.Unfiled)
		c.Unfiled = c.Unfiled[max(len(c.Unfiled)-maxUnfiled, 0):]
	}
	return c
}

// without returns a copy that no longer remembers, in Unfiled, the messages for which over is true.
func (c ChannelWatched) without(over func(ts string) bool) ChannelWatched {
	c.Unfiled = slices.DeleteFunc(slices.Clone(c.Unfiled), over)
	return c
}

// RepositoryWatched is how far the watch over a repository is.
type RepositoryWatched struct {
	// Since is the newest update that was looked at, and Seen are the issues that had it: GitHub lists them again.
	Since time.Time `json:"since"`
	Seen  []int     `json:"seen,omitempty"`
	// Begun is the Since of the last watch that read all of the list; zero where the last one did.
	Begun time.Time `json:"begun,omitzero"`
	ETag  string    `json:"etag,omitempty"` // of the list since then
	// Left is when a watch first found no route that leads there; zero while there is one.
	Left time.Time `json:"left,omitzero"`
}

// maxFormer bounds how many repositories are watched that no route leads to any more.
const maxFormer = 20

// Knowing returns a copy that knows places, so that their issues are watched on when the routes change.
func (w ThreadsWatched) Knowing(places []triage.Place) ThreadsWatched {
	for _, at := range places {
		w = *w.withRepository(at, w.repository(at))
	}
	return w
}

// routed returns a copy that knows where the routes lead now. A former repository is forgotten once every report in it is older
// than what is followed, and of very many those that were left first.
func (w *ThreadsWatched) routed(places []triage.Place, follow time.Duration, now time.Time) *ThreadsWatched {
	next := *w
	next.Repositories = maps.Clone(w.Repositories)
	for at, r := range next.Repositories {
		switch {
		case slices.Contains(places, at):
			r.Left = time.Time{}
		case r.Left.IsZero():
			r.Left = now
		case now.Sub(r.Left) > follow:
			delete(next.Repositories, at)
			continue
		}
		next.Repositories[at] = r
	}
	former := next.former()
	slices.SortStableFunc(former, func(a, b triage.Place) int { return next.Repositories[b].Left.Compare(next.Repositories[a].Left) })
	for _, at := range former[min(len(former), maxFormer):] {
		delete(next.Repositories, at)
	}
	return &next
}

// former returns the repositories that no route leads to any more, in order.
func (w *ThreadsWatched) former() []triage.Place {
	var places []triage.Place
	for at, r := range w.Repositories {
		if !r.Left.IsZero() {
			places = append(places, at)
		}
	}
	slices.SortFunc(places, triage.Place.Compare)
	return places
}

// resumeWatch returns where the attempt before this one stopped.
func resumeWatch(ctx context.Context, from ThreadsWatched) *ThreadsWatched {
	var w ThreadsWatched
	if !activity.HasHeartbeatDetails(ctx) || activity.GetHeartbeatDetails(ctx, &w) != nil || w.Since.IsZero() {
		return &from
	}
	return &w
}

func (w *ThreadsWatched) channel(id string) ChannelWatched {
	if c, known := w.Channels[id]; known {
		return c
	}
	return ChannelWatched{After: triage.TimestampOf(w.Since)}
}

func (w *ThreadsWatched) repository(at triage.Place) RepositoryWatched {
	if r, known := w.Repositories[at]; known {
		return r
	}
	return RepositoryWatched{Since: w.Since.UTC().Truncate(time.Second)}
}

// withChannel returns a copy: heartbeats read the old one at the same time.
func (w *ThreadsWatched) withChannel(id string, c ChannelWatched) *ThreadsWatched {
	next := *w
	next.Channels = maps.Clone(w.Channels)
	if next.Channels == nil {
		next.Channels = map[string]ChannelWatched{}
	}
	next.Channels[id] = c
	return &next
}

func (w *ThreadsWatched) withRepository(at triage.Place, r RepositoryWatched) *ThreadsWatched {
	next := *w
	next.Repositories = maps.Clone(w.Repositories)
	if next.Repositories == nil {
		next.Repositories = map[triage.Place]RepositoryWatched{}
	}
	next.Repositories[at] = r
	return &next
}

// since returns a copy that knows since when there is trouble.
func (w *ThreadsWatched) since(trouble bool, now time.Time) ThreadsWatched {
	next := *w
	switch {
	case !trouble:
		next.FailingSince = time.Time{}
	case next.FailingSince.IsZero():
		next.FailingSince = now
	}
	return next
}

// equal reports whether nothing is worth a heartbeat.
func (w ThreadsWatched) equal(other ThreadsWatched) bool {
	far := func(a, b ChannelWatched) bool {
		return a.After == b.After && a.Cursor == b.Cursor && slices.Equal(a.Unfiled, b.Unfiled)
	}
	same := func(a, b RepositoryWatched) bool {
		return a.ETag == b.ETag && a.Since.Equal(b.Since) && a.Left.Equal(b.Left)
	}
	return w.LastNews.Equal(other.LastNews) && w.FailingSince.Equal(other.FailingSince) && maps.EqualFunc(w.Channels, other.Channels, far) &&
		maps.EqualFunc(w.Repositories, other.Repositories, same)
}

// lastChange returns when something last happened that was seen. Our own answers count: where they are, there is a new
// report.
func (w *ThreadsWatched) lastChange() time.Time {
	last := w.LastNews
	if w.Since.After(last) {
		last = w.Since
	}
	for _, c := range w.Channels {
		if at := timeOf(max(c.After, c.Newest)); at.After(last) {
			last = at
		}
	}
	return last
}

func (r RepositoryWatched) saw(issue *github.Issue) bool {
	return issue.GetUpdatedAt().Equal(github.Timestamp{Time: r.Since}) && slices.Contains(r.Seen, issue.GetNumber())
}

// with returns what is known after an issue of the list.
func (r RepositoryWatched) with(issue *github.Issue) RepositoryWatched {
	updated := issue.GetUpdatedAt().Time
	switch {
	case updated.After(r.Since):
		r.Since, r.Seen = updated, []int{issue.GetNumber()}
	case updated.Equal(r.Since) && !slices.Contains(r.Seen, issue.GetNumber()):
		r.Seen = append(slices.Clone(r.Seen), issue.GetNumber())
	}
	return r
}
