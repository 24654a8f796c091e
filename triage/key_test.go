package triage

import (
	"strings"
	"testing"
)

var testKey = Key{Team: "T1", Channel: "C1", TS: "1700000000.000100"}

func TestKeyIsWrittenAndRead(t *testing.T) {
	const written = "T1/C1/1700000000.000100"
	if got := testKey.String(); got != written {
		t.Errorf("String() = %q, want %q", got, written)
	}
	key, err := ParseKey(written)
	if err != nil || key != testKey {
		t.Errorf("ParseKey(%q) = %v, %v", written, key, err)
	}
}

func TestParseKeyNamesTheFault(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", "want team/channel/ts"},
		{"T1/C1", "want team/channel/ts"},
		{"T1/C1/1.000100/2", "want team/channel/ts"},
		{"t1/C1/1700000000.000100", `team "t1"`},
		{"U1/C1/1700000000.000100", `team "U1"`},
		{"T/C1/1700000000.000100", `team "T"`},
		{"T1\n/C1/1700000000.000100", "team"},
		{"T1/X1/1700000000.000100", `channel "X1"`},
		{"T1/C1 /1700000000.000100", `channel "C1 "`},
		{"T1/C1-->/1700000000.000100", "channel"},
		{"T1/C1/1700000000", `ts "1700000000"`},
		{"T1/C1/1700000000.0001", `ts "1700000000.0001"`},
		{"T1/C1/1700000000.0001000", "ts"},
		{"T1/C1/.000100", "ts"},
		{"T1/C1/1700000000.000100\n", "ts"},
	}
	for _, tt := range tests {
		_, err := ParseKey(tt.in)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("ParseKey(%q): error %v, want one with %q", tt.in, err, tt.want)
		}
	}
	for _, in := range []string{"E1/G9/1.000000", "T0SANDBOX/D0AB/1700000000.999999"} {
		if _, err := ParseKey(in); err != nil {
			t.Errorf("ParseKey(%q): %v", in, err)
		}
	}
}

func TestTheLastMarkerOfABodyCounts(t *testing.T) {
	const marker, other = "<!-- tokenkeeper: T1/C1/1700000000.000100 -->", "<!-- tokenkeeper: T1/C1/1600000000.000100 -->"
	if got := testKey.Marker(); got != marker {
		t.Fatalf("Marker() = %q, want %q", got, marker)
	}
	if got := (Key{Team: "T1", Channel: "C1 --> x", TS: "1"}).Marker(); got != "" {
		t.Errorf("marker of an invalid key: %q, want none", got)
	}
	tests := []struct {
		name, body string
		found      bool
	}{
		{"alone", marker, true},
		{"last line", "text\n\n" + marker, true},
		{"as a browser sends it", "text\r\n\r\n" + marker + "\r\n", true},
		{"somebody added to it", marker + "\r\n\r\nSee the log.\r\n", true},
		{"somebody copied another one before it", other + "\n" + marker + "\nSee the log.", true},
		{"quoted", "> " + marker, false},
		{"with text before it", "text " + marker, false},
		{"with text after it", marker + " text", false},
		{"indented", "  " + marker, false},
		{"invalid key", "<!-- tokenkeeper: T1/C1/1 -->", false},
		{"two in one line", marker + marker, false},
		{"empty", "", false},
	}
	for _, tt := range tests {
		key, found := FindMarker(tt.body)
		if found != tt.found || found && key != testKey || !found && key != (Key{}) {
			t.Errorf("%s: FindMarker = %v, %v", tt.name, key, found)
		}
	}
}
