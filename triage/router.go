package triage

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Match are the conditions under which a route takes a report of its channel: all that are there have to hold. The zero
// value takes every report.
type Match struct {
	// Patterns are regular expressions of Go's, one of which has to be found in the text as people read it.
	Patterns []string `json:"patterns,omitempty" yaml:"patterns,omitempty"`
	// Components are parts of the product, one of which the report has to be about.
	Components []string `json:"components,omitempty" yaml:"components,omitempty"`
	// Reporters are Slack user ids, one of which has to be the author's.
	Reporters []string `json:"reporters,omitempty" yaml:"reporters,omitempty"`
}

// IsZero reports whether every report matches.
func (m Match) IsZero() bool { return len(m.Patterns)+len(m.Components)+len(m.Reporters) == 0 }

func (m Match) compile() ([]*regexp.Regexp, error) {
	compiled := make([]*regexp.Regexp, len(m.Patterns))
	for i, pattern := range m.Patterns {
		var err error
		if compiled[i], err = regexp.Compile(pattern); err != nil {
			return nil, fmt.Errorf("match: pattern %q: %w", pattern, err)
		}
	}
	return compiled, nil
}

// Router finds the route of a report.
type Router struct {
	routes map[string][]matcher // :: channel → its routes, in order; the last has no match
}

// matcher is a route with its patterns compiled.
type matcher struct {
	Route

	patterns []*regexp.Regexp
}

func (r matcher) takes(m Message, text, component string) bool {
	t := taker{Rule: Rule{Match: r.Match}, patterns: r.patterns}
	return t.matches(m, text) && t.about(component)
}

// NewRouter returns a router over valid routes. A channel may have several: the last has to match every report, so that none
// goes nowhere, and no other may take all there are. The error of a faulty one names its place, counted from 1.
func NewRouter(routes []Route) (*Router, error) {
	router := &Router{routes: make(map[string][]matcher, len(routes))}
	last := map[string]int{} // :: channel → place of its last route
	for i, route := range routes {
		if err := route.Validate(); err != nil {
			return nil, fmt.Errorf("route %d: %w", i+1, err)
		}
		before := router.routes[route.Channel]
		if n := len(before); n > 0 && before[n-1].TakesAll() {
			return nil, fmt.Errorf("route %d: channel %s already goes to %s: give that route a match or a when, or keep one of the two",
				i+1, route.Channel, before[n-1].Repository)
		}
		patterns, err := route.Match.compile()
		if err != nil {
			return nil, fmt.Errorf("route %d: %w", i+1, err)
		}
		router.routes[route.Channel] = append(before, matcher{Route: route, patterns: patterns})
		last[route.Channel] = i + 1
	}
	for _, channel := range router.Channels() {
		if of := router.routes[channel]; !of[len(of)-1].Match.IsZero() {
			return nil, fmt.Errorf("route %d: what it does not match in channel %s would go nowhere: add a route of the channel without match",
				last[channel], channel)
		}
	}
	return router, nil
}

// Reads reports whether a channel has a route. A nil Router has none.
func (r *Router) Reads(channel string) bool { return r != nil && len(r.routes[channel]) > 0 }

// Rules returns those of the routes of a channel, in order.
func (r *Router) Rules(channel string) []Rule {
	if !r.Reads(channel) {
		return nil
	}
	routes := make([]Route, len(r.routes[channel]))
	for i, route := range r.routes[channel] {
		routes[i] = route.Route
	}
	return RulesOf(routes, channel)
}

// At returns the route of a channel whose rule stands at a place.
func (r *Router) At(channel string, place int) Route { return r.routes[channel][place].Route }

// Components returns what a report of a channel can be about, by any of its routes, sorted.
func (r *Router) Components(channel string) []string {
	if !r.Reads(channel) {
		return nil
	}
	var all []string
	for _, route := range r.routes[channel] {
		all = append(all, route.Components()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Route returns where a report about a component, "" for none of those there are, goes that need not count: along the first route
// of its channel that matches it and has no when of its own, else along the last. It reports whether the channel has any. What the
// message or a model says can choose among these routes only.
func (r *Router) Route(m Message, component string) (Route, bool) {
	if !r.Reads(m.Channel) {
		return Route{}, false
	}
	text := searched(m)
	of := r.routes[m.Channel]
	for _, route := range of {
		if route.When.IsZero() && route.takes(m, text, component) {
			return route.Route, true
		}
	}
	return of[len(of)-1].Route, true
}

// Elsewhere returns the other places that reports of a route's channel go to.
func (r *Router) Elsewhere(chosen Route) []Place {
	if !r.Reads(chosen.Channel) {
		return nil
	}
	var others []Place
	for _, route := range r.routes[chosen.Channel] {
		known := func(p Place) bool {
			return p.Account == route.GitHub && strings.EqualFold(p.Repository, route.Repository)
		}
		if !known(chosen.Place()) && !slices.ContainsFunc(others, known) {
			others = append(others, route.Place())
		}
	}
	return others
}

// Channels returns the ids of the channels that have a route, sorted.
func (r *Router) Channels() []string {
	if r == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(r.routes))
}
