package e2e

import (
	"flag"
	"math"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// turnsAtOnce is how many tests run side by side, unless -parallel says so: a test here waits for most of its time, so they are more
// than there are cores. Those that count what happens in a time, or need both cores, run alone.
const turnsAtOnce = 4

// schedule is the order in which tests run side by side: those that last longest begin first. Package testing begins them in no
// order, and a test of minutes that begins last has the machine to itself for as long.
type schedule struct {
	mu    sync.Mutex
	free  int     // guarded by mu
	queue []*turn // guarded by mu; those that have not begun
}

// turn is that of one test.
type turn struct {
	lasts  time.Duration
	begins chan struct{}
}

var sideBySide schedule

// takeTurns parses the flags, and has tests take turns here and not in package testing.
func takeTurns() error {
	const parallel = "test.parallel"
	if err := flag.Set(parallel, strconv.Itoa(turnsAtOnce)); err != nil {
		return err
	}
	flag.Parse()
	var err error
	if sideBySide.free, err = strconv.Atoi(flag.Lookup(parallel).Value.String()); err != nil {
		return err
	}
	return flag.Set(parallel, strconv.Itoa(math.MaxInt))
}

// beside has a test run beside others, in place of t.Parallel.
func beside(t *testing.T) {
	t.Helper()
	besideFor(t, 0)
}

// besideFor is beside for a test that lasts a minute or more, on a machine that does nothing else.
func besideFor(t *testing.T, lasts time.Duration) {
	t.Helper()
	mine := sideBySide.join(lasts)
	t.Parallel() //nolint:forbidigo // all have joined when the first of them goes on
	since := time.Now()
	sideBySide.begin()
	<-mine.begins
	t.Logf("waited %s for its turn", time.Since(since).Round(time.Second))
	t.Cleanup(sideBySide.end)
}

func (s *schedule) join(lasts time.Duration) *turn {
	s.mu.Lock()
	defer s.mu.Unlock()
	mine := &turn{lasts: lasts, begins: make(chan struct{})}
	s.queue = append(s.queue, mine)
	slices.SortStableFunc(s.queue, func(a, b *turn) int { return int(b.lasts - a.lasts) })
	return mine
}

// begin has as many begin as may.
func (s *schedule) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.free > 0 && len(s.queue) > 0 {
		close(s.queue[0].begins)
		s.free, s.queue = s.free-1, s.queue[1:]
	}
}

func (s *schedule) end() {
	s.mu.Lock()
	s.free++
	s.mu.Unlock()
	s.begin()
}
