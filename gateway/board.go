package gateway

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"
)

// Board looks at everything that an operator wants to see. Workflows are asked for no longer than patience each.
type Board interface {
	LookAtAccounts(ctx context.Context, patience time.Duration) ([]AccountView, error)
	LookAtTriages(ctx context.Context, patience time.Duration) ([]TriageView, error)
}

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
	// blind is since when nothing more could be seen; zero while all is well.
	blind time.Time
	next  time.Time // when it is too old to be shown again
}

// lookout makes one look for all who want one at the same time.
type lookout struct {
	flights singleflight.Group

	mu   sync.Mutex // guards last
	last look
}

// look returns what there is to see, which is some seconds old at most, or of before it could no longer be seen. Without a
// board that is nothing.
func (s *Server) look(ctx context.Context) look {
	if s.Board == nil {
		return look{}
	}
	if last := s.lookout.get(); s.now().Before(last.next) {
		return last
	}
	detached := context.WithoutCancel(ctx) // others wait for the same look
	made := s.lookout.flights.DoChan("", func() (any, error) {
		s.lookAnew(detached)
		return struct{}{}, nil
	})
	select {
	case <-made:
	case <-ctx.Done():
	}
	return s.lookout.get()
}

func (s *Server) lookAnew(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	begun := s.now()
	seen := look{at: begun}
	group, asking := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		seen.accounts, err = s.Board.LookAtAccounts(asking, statusLimit)
		return err
	})
	group.Go(func() (err error) {
		seen.triages, err = s.Board.LookAtTriages(asking, statusLimit)
		return err
	})
	if err := group.Wait(); err != nil {
		if !errors.Is(err, context.Canceled) {
			s.log().WarnContext(ctx, "looking at accounts and triages", "error", err)
		}
		seen = s.lookout.get()
		if seen.blind.IsZero() {
			seen.blind = begun
		}
	}
	ended := s.now()
	seen.next = ended.Add(max(lookGood, lookShare*ended.Sub(begun)))
	s.lookout.set(seen)
}

func (o *lookout) get() look {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.last
}

// expire has the next look be a new one, because somebody changed what there is to see.
func (o *lookout) expire() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last.next = time.Time{}
}

func (o *lookout) set(l look) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last = l
}
