package activities

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"tokenkeeper/credential"
)

// Reading has the read requests of an account take turns where Slack allows its app fewer than it wants. Slack counts by
// method, workspace and app, so all channels share the limit of conversations.history: 50 requests a minute, or a single one
// with 15 messages for an app that is distributed outside the Marketplace. Which of them holds is learnt from the answers,
// unless the configuration says it. conversations.replies has such a limit of its own: see [threads].
//
// While nothing was refused, nothing waits. An answer that asks to wait stops the reads of the account for that long. Where
// only a few requests were granted since the last such answer, the limit counts as narrow: time is cut into slots of a
// little more than a minute, one for each channel in turn. Every worker knows the channels from the configuration, and so
// whose slot it is. So the limit is kept over all workers without any communication, and a channel with a long backlog reads
// one page in each round and holds up no other. One more slot in each round is for what no poll reads: see [aside].
//
// A nil Reading knows no turns.
type Reading struct {
	// Channels returns the channels that are polled through an account, in an order that all workers agree on.
	Channels func(account credential.AccountID) []string
	// Rate returns how many requests a minute the configuration allows an account; 0 leaves it to be found out, and so does nil.
	Rate func(account credential.AccountID) int

	mu      sync.Mutex // guards everything below
	readers map[readLimit]*reader
}

// readLimit is what Slack counts by, within a workspace and for an app.
type readLimit struct {
	account credential.AccountID
	threads bool // it is that of conversations.replies
}

// reader is what is known of one limit.
type reader struct {
	granted int                  // since Slack last asked to wait
	rest    time.Time            // until when it asked
	narrow  time.Time            // until when the limit is taken for narrow
	used    map[string]time.Time // :: channel → the beginning of the last slot of it that this process used
}

// aside stands, in the place of a channel, for reads that are no polls: of threads that are watched, and of single messages.
// A channel that is polled without being in a triage of the configuration shares its slot.
const aside = ""

// threads stands, in the place of a channel, for reads of threads. Which threads will be read is not known beforehand, so
// their slots belong to nobody: whoever comes first has the next one.
const threads = "threads"

const (
	// fewGranted is how many requests must have been granted since the last refusal for a limit not to count as narrow. An
	// ordinary limit grants many times that.
	fewGranted = 3
	// narrowFor is how long a limit counts as narrow before that is tried again. The first time of a process is shorter
	// (narrowAtFirst): it does not know what was used up before it began.
	narrowFor, narrowAtFirst = 6 * time.Hour, 10 * time.Minute
	// narrowRate is the narrow limit, in requests a minute.
	narrowRate = 1
	// slotLate is how late in its slot a request may go out. Slots are that much longer than a minute, so that no minute
	// sees one request too many.
	slotLate = 5 * time.Second
	// slotEarly is how much before its slot a poll is scheduled, because Temporal's timers are not that exact. It then waits
	// for the slot.
	slotEarly = 3 * time.Second
)

// turn waits until a channel may be read. Where that is not soon it fails with the time to come back: with
// [ErrTypeOutOfTurn] until the channel's slot, with [ErrTypeRateLimited] while Slack wants no requests.
func (r *Reading) turn(ctx context.Context, account credential.AccountID, channel string) error {
	if r == nil {
		return nil
	}
	wait, resting := r.take(account, channel)
	switch {
	case resting:
		return again(ErrTypeRateLimited, reading(channel)+": the provider's rate limit", wait)
	case !isNear(wait):
		return outOfTurn(account, channel, wait)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}

// take returns how long a request has to wait, and whether that is because Slack asked to. A slot that is near counts as
// used.
func (r *Reading) take(account credential.AccountID, channel string) (wait time.Duration, resting bool) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.of(account, channel)
	if r.rate(account, channel) == 0 {
		wait = max(a.rest.Sub(now), 0)
		return wait, wait > 0
	}
	slot := r.slot(account, channel, now)
	if wait = max(slot.Sub(now), 0); isNear(wait) {
		a.used[channel] = slot
	}
	return wait, false
}

// isNear reports whether a slot is so near that the request waits for it, instead of failing and coming back.
func isNear(wait time.Duration) bool { return wait <= 2*slotEarly }

// slot returns the beginning of the channel's next slot that is neither used nor too far gone. The lock is held.
func (r *Reading) slot(account credential.AccountID, channel string, now time.Time) time.Time {
	a, channels := r.of(account, channel), r.sharing(account, channel)
	length := r.slotLength(account, channel)
	after := later(later(now, a.rest).Add(-min(slotLate, length/4)), a.used[channel])
	i := slices.Index(channels, channel)
	if i < 0 {
		i = len(channels)
	}
	slots := int64(len(channels) + 1)
	next := after.UnixNano()/int64(length) + 1 // the first that begins after that
	ahead := (int64(i) - next%slots + slots) % slots
	return time.Unix(0, (next+ahead)*int64(length))
}

// sharing returns the channels that have slots of their own under the same limit.
func (r *Reading) sharing(account credential.AccountID, channel string) []string {
	if channel == threads {
		return nil
	}
	return r.Channels(account)
}

// slotLength returns the length of a slot of an account that reads in turns. The lock is held.
func (r *Reading) slotLength(account credential.AccountID, channel string) time.Duration {
	return (time.Minute + slotLate) / time.Duration(r.rate(account, channel))
}

// round returns how long it takes until a channel has its turn again, 0 where nobody waits for a turn.
func (r *Reading) round(account credential.AccountID, channel string) time.Duration {
	if !r.inTurns(account, channel) {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Duration(len(r.sharing(account, channel))+1) * r.slotLength(account, channel)
}

// rate returns how many requests a minute an account may send in turns, 0 where nobody waits for a turn. The lock is held.
func (r *Reading) rate(account credential.AccountID, channel string) int {
	if r.Rate != nil {
		if rate := r.Rate(account); rate > 0 {
			return rate
		}
	}
	if time.Now().Before(r.of(account, channel).narrow) {
		return narrowRate
	}
	return 0
}

// inTurns reports whether the account takes turns under the limit of the channel.
func (r *Reading) inTurns(account credential.AccountID, channel string) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rate(account, channel) > 0
}

// untilTurn returns how long a channel that is read in turns has to wait for the next one.
func (r *Reading) untilTurn(account credential.AccountID, channel string) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Until(r.slot(account, channel, time.Now()))
}

func outOfTurn(account credential.AccountID, channel string, wait time.Duration) error {
	return again(ErrTypeOutOfTurn, fmt.Sprintf("%s waits for its turn: the app of %s reads as often as Slack lets it", reading(channel), account),
		wait-slotEarly)
}

func reading(channel string) string {
	switch channel {
	case aside:
		return "reading single messages, and what happens in threads"
	case threads:
		return "reading threads"
	}
	return "reading channel " + channel
}

// next is called between two pages of a channel. Where the channel's next turn is not near it fails with [ErrTypeOutOfTurn]
// and the time of that turn.
func (r *Reading) next(account credential.AccountID, channel string) error {
	if !r.inTurns(account, channel) {
		return nil
	}
	if wait := r.untilTurn(account, channel); !isNear(wait) {
		return outOfTurn(account, channel, wait)
	}
	return nil
}

// heard learns from how a request ended, and returns its error. A refusal in a turn that others share is no failure, and
// neither is the one that shows that turns are needed: both become [ErrTypeOutOfTurn]. A refusal in a channel's own turn is
// [ErrTypeRateLimited]: somebody else reads with the same app.
func (r *Reading) heard(account credential.AccountID, channel string, err error) error {
	wait, limited := limitedFor(err)
	if r == nil || err != nil && !limited {
		return err
	}
	own := r.inTurns(account, channel) && slices.Contains(r.sharing(account, channel), channel)
	r.learn(account, channel, wait)
	switch {
	case !limited, !r.inTurns(account, channel):
		return err
	case own:
		return again(ErrTypeRateLimited, fmt.Sprintf("%s in its turn: the provider's rate limit; another program reads with the app of %s, "+
			"or history_rate of connector %s is too high", reading(channel), account, account.Connector), r.untilTurn(account, channel)-slotEarly)
	}
	return outOfTurn(account, channel, r.untilTurn(account, channel))
}

// learn takes how long a request was asked to wait, 0 where it was granted. Refusals of requests that were on their way when
// Slack last asked to wait teach nothing, nor do those of [aside]: reports are read in bursts, which exceed any limit.
func (r *Reading) learn(account credential.AccountID, channel string, asked time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, now := r.of(account, channel), time.Now()
	switch {
	case asked == 0:
		a.granted++
		return
	case now.Before(a.rest), channel == aside:
	case a.granted < fewGranted && a.narrow.IsZero():
		a.granted, a.narrow = 0, now.Add(narrowAtFirst)
	case a.granted < fewGranted:
		a.granted, a.narrow = 0, now.Add(narrowFor)
	default:
		a.granted = 0
	}
	a.rest = later(a.rest, now.Add(asked))
}

func (r *Reading) of(account credential.AccountID, channel string) *reader {
	by := readLimit{account: account, threads: channel == threads}
	a, ok := r.readers[by]
	if !ok {
		a = &reader{used: map[string]time.Time{}}
		if r.readers == nil {
			r.readers = map[readLimit]*reader{}
		}
		r.readers[by] = a
	}
	return a
}
