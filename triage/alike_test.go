package triage

import (
	"slices"
	"strings"
	"testing"
)

func TestKeywords(t *testing.T) {
	for title, want := range map[string][]string{
		"The export button crashes in Safari":  {"crashes", "export", "button"},
		"repo:evil/x is:closed \"OR\" payment": {"payment", "closed", "repo"},
		"It is so":                             {},
		"Größenänderung schlägt fehl":          {"größenänderung", "schlägt", "fehl"},
		"crash and CRASH":                      {"crash"},
	} {
		if got := Keywords(title); !slices.Equal(got, want) {
			t.Errorf("Keywords(%q) = %q, want %q", title, got, want)
		}
	}
}

func TestAlike(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"The export button crashes in Safari", "Export button crashes with Safari 17", true},
		{"Login fails", "Login page has a typo", false},
		{"Login", "login", false}, // one word is no likeness
		{"Export to PDF is slow", "Import from CSV is slow", false},
		{"", "", false},
	} {
		if got := Alike(tt.a, tt.b); got != tt.want {
			t.Errorf("Alike(%q, %q) = %v", tt.a, tt.b, got)
		}
		if got := Alike(tt.b, tt.a); got != tt.want {
			t.Errorf("Alike(%q, %q) = %v", tt.b, tt.a, got)
		}
	}
}

func TestNotesStayAboveTheMarkerAndWithinTheLimit(t *testing.T) {
	const marker = "<!-- tokenkeeper: T1/C1/1700000000.000100 -->"
	issue := Issue{Body: "It broke.\n\n" + marker}
	got := issue.WithRelated([]int{4, 7}).WithLeftOut([]string{"milestone @everyone\n#1"}).Body
	if !strings.HasPrefix(got, "It broke.\n\n### Possibly related\n\n- #4\n- #7\n\n### Left out") || !strings.HasSuffix(got, "\n\n"+marker) {
		t.Errorf("got %q", got)
	}
	if key, ok := FindMarker(got); !ok || key.String() != "T1/C1/1700000000.000100" {
		t.Errorf("the marker is lost in %q", got)
	}
	if strings.Contains(got, "- milestone @everyone") {
		t.Errorf("a mention takes effect in %q", got)
	}
	full := Issue{Body: strings.Repeat("x", maxBody-len(marker)-2) + "\n\n" + marker}
	if full.WithRelated([]int{1}).Body != full.Body {
		t.Error("a full body has no room for notes")
	}
	if got := issue.WithRelated(nil); got.Body != issue.Body {
		t.Error("no note without a reason")
	}
}
