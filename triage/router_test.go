package triage

import (
	"slices"
	"strings"
	"testing"
)

// in returns a message of somebody in a channel.
func in(channel, user, text string) Message {
	m := message(text)
	m.Channel, m.User, m.Names = channel, user, map[string]string{"U7": "Mr Checkout"}
	return m
}

func TestTheFirstRouteThatMatchesTakesTheReport(t *testing.T) {
	router, err := NewRouter([]Route{
		{Channel: "C1", Repository: "acme/shop", Match: Match{Patterns: []string{`(?i)\bcheckout\b`, "Zahlung"}}},
		{Channel: "C2", Repository: "acme/web"},
		{Channel: "C1", Repository: "acme/mobile", Match: Match{Components: []string{"app", "sync"}, Reporters: []string{"U2", "U3"}}},
		{Channel: "C1", Repository: "acme/app", Match: Match{Components: []string{"app"}}},
		{Channel: "C1", Repository: "acme/rest", ComponentLabels: map[string]string{"login": "area/login"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name      string
		m         Message
		component string
		want      string
	}{
		{"pattern", in("C1", "U1", "the CHECKOUT page is blank"), "", "acme/shop"},
		{"another pattern, and before every other route", in("C1", "U2", "die Zahlung klappt nicht"), "app", "acme/shop"},
		{"no name is searched", in("C1", "U1", "<@U7> it crashes"), "", "acme/rest"},
		{"component and team", in("C1", "U3", "it crashes"), "sync", "acme/mobile"},
		{"component of somebody else", in("C1", "U1", "it crashes"), "app", "acme/app"},
		{"team about something else", in("C1", "U2", "it crashes"), "login", "acme/rest"},
		{"nothing", in("C1", "U1", "it crashes"), "", "acme/rest"},
		{"a component that no route knows", in("C1", "U1", "it crashes"), "acme/secret", "acme/rest"},
		{"another channel", in("C2", "U2", "checkout"), "app", "acme/web"},
	} {
		if route, ok := router.Route(tt.m, tt.component); !ok || route.Repository != tt.want {
			t.Errorf("%s: %s, %v, want %s", tt.name, route.Repository, ok, tt.want)
		}
	}
	if got := router.Components("C1"); !slices.Equal(got, []string{"app", "login", "sync"}) {
		t.Errorf("components %v", got)
	}
	first, _ := router.Route(in("C1", "U1", "checkout"), "")
	if got := router.Elsewhere(first); !slices.Equal(got, []Place{{Repository: "acme/mobile"}, {Repository: "acme/app"}, {Repository: "acme/rest"}}) {
		t.Errorf("elsewhere %v", got)
	}
	other, _ := router.Route(in("C2", "U1", "it crashes"), "")
	if got := router.Elsewhere(other); len(got) > 0 {
		t.Errorf("elsewhere %v: another channel's repositories are none of its business", got)
	}
}

func TestRouterKnowsItsChannels(t *testing.T) {
	router, err := NewRouter([]Route{
		{Channel: "C2", Repository: "acme/web"},
		{Channel: "C1", Repository: "acme/app", Match: Match{Reporters: []string{"U1"}}},
		{Channel: "C1", Repository: "acme/App", When: When{Mention: true}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := router.Channels(); !slices.Equal(got, []string{"C1", "C2"}) {
		t.Errorf("channels %v", got)
	}
	if rules := router.Rules("C1"); len(rules) != 2 || !rules[0].When.Mention || !rules[1].When.Mention || rules[0].Match.Reporters == nil {
		t.Errorf("what counts for the last route counts for all: %+v", rules)
	}
	if len(router.Rules("C2")) != 1 || router.Rules("C3") != nil || router.At("C1", 1).Repository != "acme/App" {
		t.Error("the rules are those of the channel's routes")
	}
	if route, _ := router.Route(in("C1", "U1", "it crashes"), ""); len(router.Elsewhere(route)) > 0 {
		t.Error("it is the same repository in another case")
	}
	if _, ok := router.Route(in("C3", "U1", "it crashes"), ""); ok || router.Reads("C3") || router.Components("C3") != nil {
		t.Error("C3 has a route")
	}
	var none *Router
	if _, ok := none.Route(in("C1", "U1", "it crashes"), ""); ok || none.Channels() != nil || none.Reads("C1") || none.Elsewhere(Route{Channel: "C1"}) != nil {
		t.Error("a nil router has a route")
	}
}

func TestNewRouterNamesTheFault(t *testing.T) {
	good := Route{Channel: "C1", Repository: "acme/app"}
	tests := []struct {
		name  string
		route Route
		want  string
	}{
		{"channel name", Route{Channel: "#bugs", Repository: "acme/app"}, `channel "#bugs"`},
		{"repository", Route{Channel: "C2", Repository: "app"}, `repository "app"`},
		{"empty label", Route{Channel: "C2", Repository: "acme/app", Labels: []string{""}}, "label"},
		{"long label", Route{Channel: "C2", Repository: "acme/app", Labels: []string{strings.Repeat("x", 51)}}, "label"},
		{"label of two lines", Route{Channel: "C2", Repository: "acme/app", Labels: []string{"a\nb"}}, "label"},
		{"unknown severity", Route{Channel: "C2", Repository: "acme/app", SeverityLabels: map[string]string{"hi": "x"}}, `severity "hi"`},
		{"severity label", Route{Channel: "C2", Repository: "acme/app", SeverityLabels: map[string]string{High: ""}}, "severity_labels"},
		{"template", Route{Channel: "C2", Repository: "acme/app", Template: "../bug.yml"}, `template "../bug.yml"`},
		{"component label", Route{Channel: "C2", Repository: "acme/app", ComponentLabels: map[string]string{"login": ""}}, "component_labels"},
		{"component", Route{Channel: "C2", Repository: "acme/app", Match: Match{Components: []string{""}}}, "name of a component"},
		{"pattern", Route{Channel: "C2", Repository: "acme/app", Match: Match{Patterns: []string{"("}}}, `pattern "("`},
		{"same channel twice", Route{Channel: "C1", Repository: "acme/web"}, "already goes to acme/app"},
		{"behind the one that takes all", Route{Channel: "C1", Repository: "acme/web", Match: Match{Reporters: []string{"U1"}}}, "already goes to acme/app"},
		{"the rest goes nowhere", Route{Channel: "C2", Repository: "acme/web", Match: Match{Reporters: []string{"U1"}}}, "would go nowhere"},
	}
	for _, tt := range tests {
		_, err := NewRouter([]Route{good, tt.route})
		if err == nil || !strings.HasPrefix(err.Error(), "route 2: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error about route 2 with %q", tt.name, err, tt.want)
		}
	}
}

func TestTheReporterIsNamedAndAssigned(t *testing.T) {
	m := message("It crashes")
	m.Login = "ada-l"
	many := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
	for _, tt := range []struct {
		name  string
		login string
		route Route
		want  []string
	}{
		{"as wanted", "ada-l", Route{AssignReporter: true, Assignees: []string{"octocat"}}, []string{"octocat", "ada-l"}},
		{"not wanted", "ada-l", Route{Assignees: []string{"octocat"}}, []string{"octocat"}},
		{"not known", "", Route{AssignReporter: true, Assignees: []string{"octocat"}}, []string{"octocat"}},
		{"there already", "ada-l", Route{AssignReporter: true, Assignees: []string{"Ada-L"}}, []string{"Ada-L"}},
		{"more than GitHub takes", "ada-l", Route{AssignReporter: true, Assignees: many}, many},
	} {
		m.Login = tt.login
		tt.route.Repository = "acme/app"
		if got := Render(m, Report{}, tt.route).Assignees; !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	m.Login = "@octocat`"
	body := Render(m, Report{}, Route{Repository: "acme/app"}).Body
	if want := "Reported by Ada Lovelace (`@octocat'` at GitHub) in `#bug-reports`"; !strings.HasPrefix(body, want) {
		t.Errorf("%s\nwant %s: code, which tells nobody", body, want)
	}
}
