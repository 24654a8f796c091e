package triage

import (
	"regexp"
	"slices"
	"time"
)

// Rule says which messages a route takes: those that count for it, and that it matches.
type Rule struct {
	Match Match `json:"match,omitzero"`
	When  When  `json:"when,omitzero"`
}

// RulesOf returns the rules of the routes of a channel, in order. What counts for a route that does not say it is what counts
// for the last one.
func RulesOf(routes []Route, channel string) []Rule {
	var rules []Rule
	for _, r := range routes {
		if r.Channel == channel {
			rules = append(rules, Rule{Match: r.Match, When: r.When})
		}
	}
	for i := range rules {
		if rules[i].When.IsZero() {
			rules[i].When = rules[len(rules)-1].When
		}
	}
	return rules
}

// OneWhen returns what counts for all routes of a channel, whatever they match. It reports false where a route before the last
// says it for itself.
func OneWhen(routes []Route, channel string) (when When, one bool) {
	one = true
	for _, r := range routes {
		if r.Channel == channel {
			one, when = one && when.IsZero(), r.When
		}
	}
	return when, one
}

// ReactionsCountFor returns how long after it was posted a message can be marked for some route, 0 where no reaction makes one
// count.
func ReactionsCountFor(rules []Rule) time.Duration {
	var longest time.Duration
	for _, r := range rules {
		if len(r.When.Reactions) > 0 {
			longest = max(longest, r.When.ReactionsCountFor())
		}
	}
	return longest
}

// Selector chooses, among the rules of the routes of one channel, the one that takes a message: the first that matches and for
// which the message counts. Make one with [NewSelector].
type Selector struct{ takers []taker }

// taker is a rule, compiled.
type taker struct {
	Rule

	patterns []*regexp.Regexp
	filter   *Filter
}

// NewSelector returns the selector for an agent. Errors: those of [When.Validate], and patterns of a match that are none.
func NewSelector(rules []Rule, self Self) (*Selector, error) {
	s := &Selector{takers: make([]taker, len(rules))}
	for i, rule := range rules {
		patterns, err := rule.Match.compile()
		if err != nil {
			return nil, err
		}
		filter, err := NewFilter(rule.When, self)
		if err != nil {
			return nil, err
		}
		s.takers[i] = taker{Rule: rule, patterns: patterns, filter: filter}
	}
	return s, nil
}

// matches reports whether the match of a rule holds, as far as that is known without the component.
func (t taker) matches(m Message, text string) bool {
	found := func(re *regexp.Regexp) bool { return re.MatchString(text) }
	return (len(t.patterns) == 0 || slices.ContainsFunc(t.patterns, found)) &&
		(len(t.Match.Reporters) == 0 || slices.Contains(t.Match.Reporters, m.User))
}

func (t taker) about(component string) bool {
	return len(t.Match.Components) == 0 || slices.Contains(t.Match.Components, component)
}

// Choose says whether a message may count, and why, before anybody knows which component it is about.
func (s *Selector) Choose(m Message) Choice {
	_, choice := s.first(m, func(taker) bool { return true }, func(t taker) Choice { return t.filter.Choose(m) })
	return choice
}

// ChooseAgain is Choose for a message that was looked at before: of all that makes one count, only a reaction can have come
// since, within the time of the rule that it counts for.
func (s *Selector) ChooseAgain(m Message, now time.Time) Choice {
	_, choice := s.first(m, func(t taker) bool { return now.Sub(m.Time()) <= t.When.ReactionsCountFor() },
		func(t taker) Choice { return t.filter.ChooseAgain(m) })
	return choice
}

// Take returns the place of the rule that takes a message about a component, and what makes it count. The place is -1 where none
// does; the choice then says why the last one that matches does not.
func (s *Selector) Take(m Message, component string) (place int, choice Choice) {
	return s.first(m, func(t taker) bool { return t.about(component) }, func(t taker) Choice { return t.filter.Choose(m) })
}

func (s *Selector) first(m Message, may func(taker) bool, choose func(taker) Choice) (place int, last Choice) {
	text := searched(m)
	last = Choice{Reason: SkipTrigger}
	for i, t := range s.takers {
		if !may(t) || !t.matches(m, text) {
			continue
		}
		if last = choose(t); last.Counts {
			return i, last
		}
	}
	return -1, last
}
