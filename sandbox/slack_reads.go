package sandbox

import (
	"slices"
	"time"
)

const (
	// narrowReads is up to how many calls in a minute an app counts as one outside the Marketplace.
	narrowReads = 5
	// narrowPage is the most messages such an app gets at once, whatever it asks for.
	narrowPage = 15
)

// readTooOften counts a call of a method that reads messages, and returns how long one that is too many has to wait
// (docs.slack.dev/apis/web-api/rate-limits).
func (s *Sandbox) readTooOften(c *call) time.Duration {
	limit := s.options.ReadsPerMinute
	if limit == 0 || c.endpoint != "conversations.history" && c.endpoint != "conversations.replies" {
		return 0
	}
	now := s.now()
	recent := slices.DeleteFunc(s.workspace.reads[c.endpoint], func(t time.Time) bool { return now.Sub(t) >= time.Minute })
	s.workspace.reads[c.endpoint] = recent
	if len(recent) >= limit {
		wait := recent[len(recent)-limit].Add(time.Minute).Sub(now)
		s.ledger.limited(c, now, wait)
		return wait
	}
	s.workspace.reads[c.endpoint] = append(recent, now)
	return 0
}

// narrow reports whether pages are small.
func (s *Sandbox) narrow() bool {
	return s.options.ReadsPerMinute > 0 && s.options.ReadsPerMinute <= narrowReads
}

// as returns the answer with another status.
func (a answer) as(status int) answer {
	a.status = status
	return a
}
