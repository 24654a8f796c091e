package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// channels notes which route reads each channel of a Slack account: read by two triages, a channel would have every
// report filed twice.
type channels map[[2]string]string // Slack account, channel → path of the channel in the last route

// routing checks that every report of a channel can go along its last route, and that each route before it leaves something to it.
func (k *checker) routing(path string, t Triage, filed channels) {
	open := map[string]bool{} // :: channel → its last route leaves something to another one
	last := map[string]int{}  // :: channel → place of that route
	for i, r := range t.Routes {
		at := fmt.Sprintf("%s.routes[%d]", path, i)
		channel := join(at, "channel")
		if r.Channel == "" || k.refused[at] || k.refused[channel] {
			continue
		}
		if !open[r.Channel] && !k.onlyRoute(channel, path, t.Slack, r.Channel, filed) {
			continue
		}
		filed[[2]string{t.Slack.String(), r.Channel}] = channel
		open[r.Channel], last[r.Channel] = !r.Match.IsZero() || !r.When.TakesAll() || k.refused[join(at, "when")], i
	}
	for _, channel := range slices.Sorted(maps.Keys(last)) {
		at := fmt.Sprintf("%s.routes[%d].match", path, last[channel])
		if !t.Routes[last[channel]].Match.IsZero() && !k.refused[at] {
			k.add(at, "what it does not match in channel "+channel+" would go nowhere", "add a route for "+channel+" without match behind it")
		}
	}
	k.spelling(path, t)
}

// onlyRoute reports a channel that another route of the same Slack account reads already, to the last message.
func (k *checker) onlyRoute(at, triage string, slack credential.AccountID, channel string, filed channels) bool {
	first, taken := filed[[2]string{slack.String(), channel}]
	if !taken || slack.IsZero() {
		return true
	}
	fix := "delete one of them: a channel is read by one triage"
	if strings.HasPrefix(first, triage+".routes[") {
		fix = "delete one of them, or give the first a match or a when: the other one takes the rest then"
	}
	k.add(at, fmt.Sprintf("two routes for channel %s: the other is %s in line %d", channel, first, lookup(k.places, first).line), fix)
	return false
}

// spelling checks that the routes of a channel spell each component the same way: two spellings are two components, and a
// report that names two is about neither.
func (k *checker) spelling(path string, t Triage) {
	type spelled struct{ component, at string }
	first := map[[2]string]spelled{} // :: channel, component in lower case → how it was written first
	note := func(at, channel, component string) {
		key := [2]string{channel, strings.ToLower(component)}
		before, known := first[key]
		switch {
		case !known:
			first[key] = spelled{component, at}
		case before.component != component && !k.refused[at]:
			k.note(lookup(k.places, at), at, fmt.Sprintf("component %s is written %s in line %d",
				quote(component), quote(before.component), lookup(k.places, before.at).line), "write both alike")
		}
	}
	for i, r := range t.Routes {
		at := fmt.Sprintf("%s.routes[%d]", path, i)
		for _, component := range k.inOrder(join(at, "component_labels"), slices.Sorted(maps.Keys(r.ComponentLabels))) {
			note(join(join(at, "component_labels"), component), r.Channel, component)
		}
		for j, component := range r.Match.Components {
			note(fmt.Sprintf("%s[%d]", join(join(at, "match"), "components"), j), r.Channel, component)
		}
	}
}

func (k *checker) match(path string, m Match, teams map[string][]string) {
	if k.refused[path] {
		return
	}
	k.patterns(join(path, "patterns"), m.Patterns)
	for i, component := range m.Components {
		at := fmt.Sprintf("%s[%d]", join(path, "components"), i)
		switch {
		case k.refused[at]:
		case !isLabel(component):
			k.add(at, quote(component)+" is no name of a component", fmt.Sprintf("write 1 to %d characters in one line", maxLabel))
		case slices.Contains(m.Components[:i], component):
			k.add(at, quote(component)+" is there already", "delete one of them")
		}
	}
	known := slices.Sorted(maps.Keys(teams))
	for i, team := range m.Teams {
		at := fmt.Sprintf("%s[%d]", join(path, "teams"), i)
		switch _, ok := teams[team]; {
		case k.refused[at]:
		case !ok:
			k.add(at, "there is no team "+quote(team)+didYouMean(team, known), "use one of the triage's teams, or add it; they are: "+listing(known))
		case slices.Contains(m.Teams[:i], team):
			k.add(at, quote(team)+" is there already", "delete one of them")
		}
	}
}

// whoIsWho checks the teams and the logins of people.
func (k *checker) whoIsWho(path string, t Triage) {
	for _, team := range slices.Sorted(maps.Keys(t.Teams)) {
		at := join(join(path, "teams"), team)
		if len(t.Teams[team]) == 0 && !k.refused[at] {
			k.add(at, "nobody is in this team, so that its routes would take nothing", "write the Slack user ids of its people, or delete it")
		}
		k.persons(at, t.Teams[team])
	}
	for _, id := range slices.Sorted(maps.Keys(t.Logins)) {
		at := join(join(path, "logins"), id)
		switch {
		case k.refused[at]:
		case !triage.IsUserID(id):
			k.note(lookup(k.places, at), at, quote(id)+" is no id of a person", personHint)
		case !login.MatchString(t.Logins[id]):
			k.add(at, quote(t.Logins[id])+" is no GitHub login", "write the login without @, for example octocat")
		}
	}
	for i, r := range t.Routes {
		if at := fmt.Sprintf("%s.routes[%d].assign_reporter", path, i); r.AssignReporter && len(t.Logins) == 0 && !k.refused[at] {
			k.add(at, "nobody's login is known", "write logins: {U0123456789: octocat} beside routes, or delete it")
		}
	}
}
