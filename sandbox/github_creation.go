package sandbox

import (
	"net/http"
	"slices"
	"time"
)

// creations are the times at which a credential created content. GitHub limits them by the minute and by the hour, and
// does not say how many are left (docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api, "secondary
// rate limits").
type creations struct{ at []time.Time }

// creationWait is the wait that GitHub asks for where it is not more precise: a minute.
const creationWait = time.Minute

// wait returns how long the next one has to wait, 0 for not at all.
func (c *creations) wait(now time.Time, perMinute, perHour int) time.Duration {
	c.at = slices.DeleteFunc(c.at, func(t time.Time) bool { return now.Sub(t) >= time.Hour })
	inMinute := 0
	for _, t := range c.at {
		if now.Sub(t) < time.Minute {
			inMinute++
		}
	}
	switch {
	case perHour > 0 && len(c.at) >= perHour:
		return max(c.at[len(c.at)-perHour].Add(time.Hour).Sub(now), creationWait)
	case perMinute > 0 && inMinute >= perMinute:
		return creationWait
	}
	return 0
}

// creating is a handler that creates content. What is refused for another reason does not count.
func (s *Sandbox) creating(run gitHubHandling) gitHubHandling {
	return func(c *call, g *grant) answer {
		made, ok := s.hub.created[g.subject]
		if !ok {
			made = &creations{}
			s.hub.created[g.subject] = made
		}
		now := s.now()
		if wait := made.wait(now, s.options.CreationsPerMinute, s.options.CreationsPerHour); wait > 0 {
			s.ledger.limited(c, now, wait)
			return gitHubSecondaryLimit(http.StatusForbidden).retryAfter(wait)
		}
		answered := run(c, g)
		if answered.status == http.StatusCreated {
			made.at = append(made.at, now)
		}
		return answered
	}
}
