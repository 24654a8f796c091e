package triage

import (
	"reflect"
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
