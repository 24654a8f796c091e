package triage

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestSinceIsAnAgeOrATime(t *testing.T) {
	now := time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)
	for text, bound := range map[string]time.Time{
		"720h": now.Add(-720 * time.Hour), "36h30m": now.Add(-36*time.Hour - 30*time.Minute),
		"2026-01-02T15:04:05Z":      time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC),
		"2026-01-02T15:04:05+02:00": time.Date(2026, 1, 2, 13, 4, 5, 0, time.UTC),
		"2027-01-02T15:04:05Z":      now, // a year that somebody got wrong leaves out nothing that is to come
	} {
		var s, again Since
		if err := s.UnmarshalText([]byte(text)); err != nil || s.IsZero() || s.Bound(now) != TimestampOf(bound) {
			t.Errorf("%s: %v, %s, want %s", text, err, s.Bound(now), TimestampOf(bound))
		}
		data, err := json.Marshal(s)
		if err != nil || json.Unmarshal(data, &again) != nil || again != s {
			t.Errorf("%s became %s, and then %+v", text, data, again)
		}
	}
	for _, bad := range []string{"", "30d", "yesterday", "2026-01-02", "2026-01-02 15:04:05"} {
		var s Since
		if err := s.UnmarshalText([]byte(bad)); err == nil || !strings.Contains(err.Error(), "720h") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if (Since{}).Bound(now) != "" || !(Since{}).IsZero() {
		t.Error("nothing bounds nothing")
	}
}
