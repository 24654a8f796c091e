package gateway

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"
)

// Board looks at everything that an operator wants to see. Workflows are asked for no longer than patience each.
type Board interface {
	LookAtAccounts(ctx context.Context, patience time.Duration) ([]AccountView, error)
	LookAtTriages(ctx context.Context, patience time.Duration) ([]TriageView, error)
	// LookAtNotices calls those late that are under way for longer than that.
	LookAtNotices(ctx context.Context, late time.Duration) (NoticesView, error)
}

// LateNotice is how long a notice may be under way before somebody should look: a target that was away for a moment has been
// tried seven times by then.
const LateNotice = 10 * time.Minute

const (
	// lookLimit bounds one look at everything.
	lookLimit = 15 * time.Second
	// lookGood is how long a look is shown before another one is made.
	lookGood = 2 * time.Second
	// lookShare keeps looks at thousands of accounts from being all that a worker does: one that took d is good for this
	// many times d.
	lookShare = 10
)

// look is what was seen at one time.
type look struct {
	at       time.Time // zero for nothing seen yet
	accounts []AccountView
	triages  []TriageView
	notices  NoticesView
	// blind is since when nothing more could be seen; zero while all is well.
	blind time.Time
	next  time.Time // when it is too old to be shown again
	// changes is how many changes were known of when it began. It may or may not show later ones.
	changes int
}

// lookout makes one look for all who want one at the same time.
type lookout struct {
	flights singleflight.Group // :: changes → the look that began after that many

	mu      sync.Mutex // guards what follows
	last    look
	changes int // that people made here
}

// look returns what there is to see: a look that is at most some seconds old, or, while looking fails, the last one that
// succeeded. Without a Board it is empty.
func (s *Server) look(ctx context.Context) look {
	if s.Board == nil {
		return look{}
	}
	last, changes := s.lookout.get()
	if s.now().Before(last.next) {
		return last
	}
	detached := context.WithoutCancel(ctx) // others wait for the same look
	made := s.lookout.flights.DoChan(strconv.Itoa(changes), func() (any, error) {
		s.lookAnew(detached, changes)
		return struct{}{}, nil
	})
	select {
	case <-made:
	case <-ctx.Done():
	}
	last, _ = s.lookout.get()
	return last
}

func (s *Server) lookAnew(ctx context.Context, changes int) {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	begun := s.now()
	seen := look{at: begun, changes: changes}
	group, asking := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		seen.accounts, err = s.Board.LookAtAccounts(asking, statusLimit)
		return err
	})
	group.Go(func() (err error) {
		seen.triages, err = s.Board.LookAtTriages(asking, statusLimit)
		return err
	})
	group.Go(func() (err error) {
		seen.notices, err = s.Board.LookAtNotices(asking, LateNotice)
		return err
	})
	if err := group.Wait(); err != nil {
		if !errors.Is(err, context.Canceled) {
			s.log().WarnContext(ctx, "looking at accounts and triages", "error", err)
		}
		seen, _ = s.lookout.get()
		seen.changes = changes
		if seen.blind.IsZero() {
			seen.blind = begun
		}
	}
	ended := s.now()
	seen.next = ended.Add(max(lookGood, lookShare*ended.Sub(begun)))
	s.lookout.set(seen)
}

// get returns the last look, and how many changes are known of.
func (o *lookout) get() (last look, changes int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last, o.changes
}

// expire has the next look be a new one, because somebody changed what there is to see. A look that is under way may have
// missed the change, so it no longer answers anybody.
func (o *lookout) expire() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.changes++
	o.last.next = time.Time{}
}

// set keeps a look, unless one that began after a later change is there already. A look that began before the last change is
// better than none, but the next request makes a new one.
func (o *lookout) set(l look) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if l.changes < o.last.changes {
		return
	}
	if l.changes < o.changes {
		l.next = time.Time{}
	}
	o.last = l
}
