package credential_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
)

const day = 24 * time.Hour

var (
	acme  = credential.AccountID{Organization: "acme", User: "triage", Connector: "slack"}
	start = time.Date(2026, 10, 21, 7, 28, 0, 0, time.UTC)
)

// share returns how much of a lifetime had passed at a time.
func share(at time.Time, lifetime time.Duration) float64 {
	return float64(at.Sub(start)) / float64(lifetime)
}

func TestDueAt(t *testing.T) {
	in := start.Add
	for _, c := range []struct {
		name string
		of   credential.Lifetimes
		// The due time is 0.7 to 0.8 of this; 0: never.
		by time.Duration
	}{
		{"20 seconds", credential.Lifetimes{Expires: in(20 * time.Second), Refreshable: true}, 20 * time.Second},
		{"60 days", credential.Lifetimes{Expires: in(60 * day), Refreshable: true}, 60 * day},
		{"minted", credential.Lifetimes{Expires: in(time.Hour), Minted: true}, time.Hour},
		{"minted, no end", credential.Lifetimes{Minted: true}, 0},
		{"no end, no limit", credential.Lifetimes{Refreshable: true}, 0},
		{"no end, idles out", credential.Lifetimes{RefreshIdle: 30 * day, Refreshable: true}, 30 * day},
		{"idles out before it ends", credential.Lifetimes{Expires: in(60 * day), RefreshIdle: 20 * time.Second, Refreshable: true}, 20 * time.Second},
		{"ends before it idles out", credential.Lifetimes{Expires: in(8 * time.Hour), RefreshIdle: 180 * day, Refreshable: true}, 8 * time.Hour},
		{"refresh token ends first", credential.Lifetimes{Expires: in(60 * day), RefreshExpires: in(30 * day), Refreshable: true}, 30 * day},
		{
			"no use in keeping alive what does not live longer",
			credential.Lifetimes{Expires: in(60 * day), RefreshExpires: in(30 * day), Refreshable: true, Fixed: true}, 60 * day,
		},
		{"no end, and nothing helps", credential.Lifetimes{RefreshExpires: in(30 * day), Refreshable: true, Fixed: true}, 0},
		{"limits of a refresh token that is not there", credential.Lifetimes{RefreshIdle: day}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.of.Issued = start
			due := c.of.DueAt(acme)
			if c.by == 0 {
				assert.Zero(t, due)
				return
			}
			require.NotZero(t, due)
			assert.GreaterOrEqual(t, share(due, c.by), 0.7)
			assert.LessOrEqual(t, share(due, c.by), 0.8)
		})
	}
}

func TestTokensThatCannotBeReplacedAreDueWhenTheyEnd(t *testing.T) {
	assert.Equal(t, start.Add(day), credential.Lifetimes{Issued: start, Expires: start.Add(day)}.DueAt(acme))
	assert.Equal(t, start, credential.RefreshAt(acme, start, start.Add(-time.Second)), "a life that is over already")
}

func TestAccountsComeDueApart(t *testing.T) {
	seen := map[time.Duration]bool{}
	for i := range 100 {
		account := credential.AccountID{Organization: "acme", User: fmt.Sprintf("u%d", i), Connector: "slack"}
		every := account.Every(15 * time.Minute)
		assert.GreaterOrEqual(t, every, 13*time.Minute+30*time.Second)
		assert.Less(t, every, 16*time.Minute+30*time.Second)
		seen[every.Round(time.Second)] = true
	}
	assert.Greater(t, len(seen), 60, "100 accounts over 180 seconds")
	assert.Zero(t, acme.Every(0))
}

func TestConsentBy(t *testing.T) {
	end, refreshEnd := start.Add(10*day), start.Add(30*day)
	for name, c := range map[string]struct {
		of   credential.Lifetimes
		want time.Time
	}{
		"minted":                          {credential.Lifetimes{Expires: end, Minted: true}, time.Time{}},
		"ends and cannot be refreshed":    {credential.Lifetimes{Expires: end}, end},
		"never ends":                      {credential.Lifetimes{}, time.Time{}},
		"refreshable":                     {credential.Lifetimes{Expires: end, Refreshable: true}, time.Time{}},
		"refresh token that is extended":  {credential.Lifetimes{Expires: end, RefreshExpires: refreshEnd, Refreshable: true}, time.Time{}},
		"refresh token that ends for all": {credential.Lifetimes{Expires: end, RefreshExpires: refreshEnd, Refreshable: true, Fixed: true}, refreshEnd},
	} {
		c.of.Issued = start
		assert.Equal(t, c.want, c.of.ConsentBy(), name)
	}
}

func TestRefreshEnds(t *testing.T) {
	of := credential.Lifetimes{Issued: start, RefreshExpires: start.Add(30 * day), RefreshIdle: 7 * day, Refreshable: true}
	assert.Equal(t, start.Add(7*day), of.RefreshEnds())
	of.RefreshIdle = 60 * day
	assert.Equal(t, start.Add(30*day), of.RefreshEnds())
	of.RefreshExpires = time.Time{}
	assert.Equal(t, start.Add(60*day), of.RefreshEnds())
	of.Refreshable = false
	assert.Zero(t, of.RefreshEnds())
}

func TestExtends(t *testing.T) {
	for _, c := range []struct {
		name              string
		passed, old, next time.Duration // from start; 0: no end
		want              bool
	}{
		{"rolling, 60 days", 8 * time.Hour, 60 * day, 60*day + 8*time.Hour, true},
		{"rolling, 20 seconds", 15 * time.Second, 20 * time.Second, 35 * time.Second, true},
		{"counting down, 60 days", 8 * time.Hour, 60 * day, 60*day + 3*time.Second, false},
		{"counting down, 20 seconds", 15 * time.Second, 20 * time.Second, 21 * time.Second, false},
		{"the same token", 8 * time.Hour, 60 * day, 60 * day, false},
		{"nearer than before", time.Hour, 60 * day, 59 * day, false},
		{"nothing said before", time.Hour, 0, 60 * day, true},
		{"nothing said now", time.Hour, 60 * day, 0, true},
	} {
		at := func(d time.Duration) time.Time {
			if d == 0 {
				return time.Time{}
			}
			return start.Add(d)
		}
		before := credential.Lifetimes{Issued: start, RefreshExpires: at(c.old)}
		assert.Equal(t, c.want, before.Extends(credential.Lifetimes{Issued: at(c.passed), RefreshExpires: at(c.next)}), c.name)
	}
}

// given plays the calendar: it returns how long before the deadline people were told, hour by hour.
func given(known, deadline time.Time, step time.Duration) []time.Duration {
	var all []time.Duration
	var told time.Duration
	for now := known; now.Before(deadline); now = now.Add(step) {
		at, before := credential.NextWarning(known, deadline, now, told)
		if !at.IsZero() && !now.Before(at) {
			told = before
			all = append(all, before)
		}
	}
	return all
}

func TestWarningsComeOnceEach(t *testing.T) {
	for _, c := range []struct {
		notice, step time.Duration
		want         []time.Duration
	}{
		{60 * day, time.Hour, []time.Duration{14 * day, 7 * day, 3 * day, day}},
		{14 * day, time.Hour, []time.Duration{7 * day, 3 * day, day}},
		{5 * day, time.Hour, []time.Duration{3 * day, day}},
		{day, time.Minute, []time.Duration{day / 5}},
		{20 * time.Second, time.Second, []time.Duration{4 * time.Second}},
		{60 * day, 5 * day, []time.Duration{14 * day, 7 * day}}, // looked at on day 50 and 55
	} {
		assert.Equal(t, c.want, given(start, start.Add(c.notice), c.step), "%s", c.notice)
	}
}

func TestMissedWarningsAreMadeUpForByTheLast(t *testing.T) {
	deadline := start.Add(60 * day)
	at, before := credential.NextWarning(start, deadline, deadline.Add(-2*day), 0)
	assert.Equal(t, 3*day, before)
	assert.Equal(t, deadline.Add(-3*day), at)

	at, before = credential.NextWarning(start, deadline, start, 0)
	assert.Equal(t, 14*day, before)
	assert.Equal(t, deadline.Add(-14*day), at)

	at, _ = credential.NextWarning(start, deadline, deadline, day)
	assert.Zero(t, at, "all were given")
	at, _ = credential.NextWarning(start, time.Time{}, start, 0)
	assert.Zero(t, at, "no deadline")
	at, _ = credential.NextWarning(deadline, start, start, 0)
	assert.Zero(t, at, "over before it was known")
}
