package triage

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestParseRepository(t *testing.T) {
	owner, name, err := ParseRepository("acme/app.js_2-x")
	if err != nil || owner != "acme" || name != "app.js_2-x" {
		t.Errorf("got %q, %q, %v", owner, name, err)
	}
	for _, bad := range []string{"", "acme", "acme/", "/app", "acme/app/x", "acme/a b", "-acme/app", "acme/..", "acme/app.git", "acme/app\n", "https://github.com/acme/app", strings.Repeat("a", 40) + "/app"} {
		if _, _, err := ParseRepository(bad); err == nil || !strings.Contains(err.Error(), "repository") {
			t.Errorf("ParseRepository(%q): %v, want an error that names the repository", bad, err)
		}
	}
}

func TestRouterFindsByChannel(t *testing.T) {
	routes := []Route{{Channel: "C2", Repository: "acme/web"}, {Channel: "C1", Repository: "acme/app", Labels: []string{"bug"}}}
	router, err := NewRouter(routes)
	if err != nil {
		t.Fatal(err)
	}
	if route, ok := router.Route("C1"); !ok || route.Repository != "acme/app" {
		t.Errorf("route of C1: %v, %v", route, ok)
	}
	if _, ok := router.Route("C3"); ok {
		t.Error("C3 has a route")
	}
	if got := router.Channels(); !slices.Equal(got, []string{"C1", "C2"}) {
		t.Errorf("channels %v", got)
	}
	var none *Router
	if _, ok := none.Route("C1"); ok || none.Channels() != nil {
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
		{"same channel twice", Route{Channel: "C1", Repository: "acme/web"}, "already goes to acme/app"},
	}
	for _, tt := range tests {
		_, err := NewRouter([]Route{good, tt.route})
		if err == nil || !strings.HasPrefix(err.Error(), "route 2: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error about route 2 with %q", tt.name, err, tt.want)
		}
	}
}

func TestLabelsComeFromTheRouteAlone(t *testing.T) {
	route := Route{
		Channel: "C1", Repository: "acme/app", Labels: []string{"bug", "Bug", "from-slack"},
		SeverityLabels: map[string]string{High: "severity/high", Low: "bug"},
	}
	tests := []struct {
		severity string
		want     []string
	}{
		{"", []string{"bug", "from-slack"}},
		{High, []string{"bug", "from-slack", "severity/high"}},
		{Low, []string{"bug", "from-slack"}},
		{"wontfix", []string{"bug", "from-slack"}},
	}
	for _, tt := range tests {
		if got := Render(message("It crashes"), Report{Severity: tt.severity}, route).Labels; !reflect.DeepEqual(got, tt.want) {
			t.Errorf("severity %q: labels %v, want %v", tt.severity, got, tt.want)
		}
	}
	if len(route.Labels) != 3 {
		t.Errorf("the route was changed: %v", route.Labels)
	}
}
