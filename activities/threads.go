package activities

import (
	"context"
	"errors"
	"time"

	"tokenkeeper/triage"
)

// Threads holds the Activities that follow the threads of filed reports, and their issues.
//
// All that is known of a thread stands in it: the metadata of our reply hold the issue and how far the thread was followed,
// and comments carry a marker as issues do. So a look needs no memory. It compares what people see in Slack with what they
// see at GitHub, and does what is missing: any number of looks does it once, and the next look makes good for one that was
// missed.
type Threads struct {
	Slack  *Slack
	GitHub *GitHub
	Looks  ThreadLooks
}

// ThreadLooks has threads looked at.
type ThreadLooks interface {
	// LookAtThread has [Threads.FollowThread] run for a report from now on, without waiting for it.
	LookAtThread(ctx context.Context, triage string, report triage.Key) error
}

// FollowInput names the report whose thread is looked at.
type FollowInput struct {
	Triage string     `json:"triage"`
	Report triage.Key `json:"report"`
	// Reset says that another run of the Thread may have begun a look a moment ago.
	Reset bool `json:"reset,omitempty"`
}

// ThreadLook is what came of a look at a thread.
type ThreadLook struct {
	// Issue is its URL, "" for a message without an issue of ours.
	Issue    string `json:"issue,omitempty"`
	Comments int    `json:"comments,omitempty"` // written to the issue
	// Told is the state of the issue that the thread was told of, "open" or "closed"; "" where it knew.
	Told     string `json:"told,omitempty"`
	Asked    bool   `json:"asked,omitempty"`    // whether to reopen the issue
	Reopened bool   `json:"reopened,omitempty"` // because somebody asked for it
	Refused  bool   `json:"refused,omitempty"`  // GitHub did not reopen it, and the thread was told
}

const (
	// quietTime is how long nobody may have written before what was written becomes a comment: people write in pieces.
	quietTime = 2 * time.Minute
	// maxHold is how long what was written waits, at the most, for the end of a conversation.
	maxHold = 15 * time.Minute
)

// FollowThread brings the thread of a report and its issue up to date with each other:
//
//   - what people wrote in the thread, and an edit of the report, becomes a comment, once they pause;
//   - the thread is told when the issue was closed or reopened, and our reply shows it;
//   - who writes after the issue was closed is asked whether to reopen it, once for each closing; the reply
//     [triage.ReopenWord] reopens it, or has us say that GitHub refuses.
//
// While people write it fails with [ErrTypeNotQuiet] and asks to be tried again.
// Errors: also [ErrTypeAccountUnavailable], [ErrTypeRateLimited], [ErrTypeOutOfTurn], [ErrTypeProviderUnavailable], [ErrTypeRejected],
// [ErrTypeNotConfigured], [ErrTypeInterrupted], [ErrTypePoisoned].
func (t *Threads) FollowThread(ctx context.Context, in FollowInput) (look ThreadLook, err error) {
	read := resumeHalfway[conversation](ctx)
	defer reportEnd(ctx, &err, read.reached)
	defer beatHalfway(ctx, read.reached)()
	if err := tooEarly(ctx, "following the thread of "+in.Report.String(), in.Reset); err != nil {
		return ThreadLook{}, err
	}
	th, filed, err := t.read(ctx, in, read)
	if err != nil || !filed {
		return ThreadLook{}, err
	}
	for _, step := range []func(context.Context) error{th.reopen, th.tell, th.refuse, th.ask, th.comment} {
		switch err := step(ctx); {
		case errors.Is(err, errThreadGone): // since it was read
			return th.look, nil
		case err != nil:
			return ThreadLook{}, err
		}
	}
	if th.More && th.look.Comments > 0 {
		return ThreadLook{}, again(ErrTypeNotQuiet, "people said more in the thread of "+in.Report.String()+" than one look takes", 0)
	}
	return th.look, nil
}

func (in FollowInput) place() string { return in.Triage + " " + in.Report.Channel }

// hold returns how long what was written between first and last (both ts) has to wait before it becomes a comment; 0 for not
// at all.
func hold(first, last string, now time.Time) time.Duration {
	quiet := timeOf(last).Add(quietTime).Sub(now)
	patience := timeOf(first).Add(maxHold).Sub(now)
	return max(min(quiet, patience), 0)
}

func timeOf(ts string) time.Time { return triage.Key{TS: ts}.Time() }
