package activities

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"tokenkeeper/credential"
)

// Reading has the polls of an account take turns where Slack lets its app read less than they ask for. Slack counts by method,
// workspace and app, so all channels share one limit: 50 requests a minute, or a single one with 15 messages for an app that
// is distributed outside the Marketplace. Which one holds is found out from the answers.
//
// While nothing was refused, nothing waits. An answer that asks to wait stops the polls of the account for that long. Where
// hardly one was granted since the last such answer the limit is narrow, and time is cut into slots of a good minute, one for
// each channel in turn. Every worker knows the channels from the configuration and so whose slot it is: the limit is kept over
// all workers together without a word between them, and a channel with a long backlog has one page in each round and keeps
// nobody from being read. One slot more in each round is left to reports that are read.
//
// Nil knows no turns.
type Reading struct {
	// Channels returns the channels that are polled through an account, in an order that all workers agree on.
	Channels func(account credential.AccountID) []string

	mu       sync.Mutex // guards everything below
	accounts map[credential.AccountID]*reader
}

// reader is what is known of the limit of one account.
type reader struct {
	granted int       // since Slack last asked to wait
	rest    time.Time // until when it asked
	narrow  time.Time // until when the limit is taken for narrow
	used    time.Time // the beginning of the last slot that a poll of this process used
}

const (
	// fewGranted is what an ordinary limit grants many times over before it refuses.
	fewGranted = 3
	// narrowFor is after what time it is tried whether the limit is still narrow.
	narrowFor = 6 * time.Hour
	// slotLength leaves a minute between two requests, however late each is in its slot.
	slotLength = time.Minute + slotLate
	// slotLate is how late in its slot a request may go out.
	slotLate = 5 * time.Second
	// slotEarly is how early a poll comes: it waits for its slot, because Temporal's timers are not as exact.
	slotEarly = 3 * time.Second
)

// turn waits until a channel may be read. Where its slot is not near it fails with [ErrTypeOutOfTurn] and the time to come
// back, while Slack wants no requests with [ErrTypeRateLimited].
func (r *Reading) turn(ctx context.Context, account credential.AccountID, channel string) error {
	if r == nil {
		return nil
	}
	wait, resting := r.wait(account, channel)
	switch {
	case resting:
		return again(ErrTypeRateLimited, "reading channel "+channel+": the provider's rate limit", wait)
	case wait > 2*slotEarly:
		return r.outOfTurn(account, channel, wait)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(wait):
		return nil
	}
}

// wait returns how long a poll has to wait, and whether that is because Slack asked for it. A slot that is near is used up.
func (r *Reading) wait(account credential.AccountID, channel string) (wait time.Duration, resting bool) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.of(account)
	if !now.Before(a.narrow) {
		wait = max(a.rest.Sub(now), 0)
		return wait, wait > 0
	}
	slot := r.slot(account, channel, later(now, a.rest))
	if slot.Equal(a.used) {
		slot = r.slot(account, channel, slot.Add(slotLength))
	}
	if wait = max(slot.Sub(now), 0); wait <= 2*slotEarly {
		a.used = slot
	}
	return wait, false
}

// slot returns the beginning of a channel's next slot that is not yet too far gone.
func (r *Reading) slot(account credential.AccountID, channel string, now time.Time) time.Time {
	channels := r.Channels(account)
	i := slices.Index(channels, channel)
	if i < 0 {
		i = len(channels) // it shares the slot of the reports
	}
	slots := int64(len(channels) + 1)
	current := now.Add(-slotLate).UnixNano()/int64(slotLength) + 1 // the first that begins after that
	ahead := (int64(i) - current%slots + slots) % slots
	return time.Unix(0, (current+ahead)*int64(slotLength))
}

func (r *Reading) outOfTurn(account credential.AccountID, channel string, wait time.Duration) error {
	return again(ErrTypeOutOfTurn, fmt.Sprintf("channel %s waits for its turn: Slack lets the app of %s read once a minute", channel, account),
		wait-slotEarly)
}

// next ends the turn of a channel of which there is more to read: it fails with [ErrTypeOutOfTurn], and the time of the
// channel's next turn, unless everybody may read at once.
func (r *Reading) next(account credential.AccountID, channel string) error {
	if !r.isNarrow(account) {
		return nil
	}
	wait, _ := r.wait(account, channel)
	return r.outOfTurn(account, channel, wait)
}

// heard learns from how a request of a poll ended, and returns its error. Requests that were on their way when Slack asked to
// wait say nothing more. To be refused at a narrow limit is no failure: a report was read in the slot.
func (r *Reading) heard(account credential.AccountID, channel string, err error) error {
	wait, limited := limitedFor(err)
	if r == nil || err != nil && !limited {
		return err
	}
	r.learn(account, wait)
	if limited && r.isNarrow(account) {
		return r.next(account, channel)
	}
	return err
}

func (r *Reading) learn(account credential.AccountID, asked time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a, now := r.of(account), time.Now()
	switch {
	case asked == 0:
		a.granted++
		return
	case now.Before(a.rest):
	case a.granted < fewGranted:
		a.granted, a.narrow = 0, now.Add(narrowFor)
	default:
		a.granted = 0
	}
	a.rest = later(a.rest, now.Add(asked))
}

// isNarrow reports whether an account reads in turns.
func (r *Reading) isNarrow(account credential.AccountID) bool {
	if r == nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().Before(r.of(account).narrow)
}

func (r *Reading) of(account credential.AccountID) *reader {
	a, ok := r.accounts[account]
	if !ok {
		a = &reader{}
		if r.accounts == nil {
			r.accounts = map[credential.AccountID]*reader{}
		}
		r.accounts[account] = a
	}
	return a
}
