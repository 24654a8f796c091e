package triage

import (
	"fmt"
	"regexp"
	"strings"
)

// Key names a Slack message for good. A timestamp is unique in its channel only, so all three parts are needed; it is a
// string because it has more digits than a float64 holds.
type Key struct {
	Team    string `json:"team"`
	Channel string `json:"channel"`
	TS      string `json:"ts"`
}

var (
	teamID    = regexp.MustCompile(`^[TE][A-Z0-9]{1,31}$`)
	channelID = regexp.MustCompile(`^[CGD][A-Z0-9]{1,31}$`)
	timestamp = regexp.MustCompile(`^[0-9]{1,12}\.[0-9]{6}$`)
)

const (
	markerStart = "<!-- tokenkeeper: "
	markerEnd   = " -->"
)

// ParseKey reads "T1/C1/1700000000.000100".
func ParseKey(s string) (Key, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 3 {
		return Key{}, fmt.Errorf("message key %q: want team/channel/ts, for example T1/C1/1700000000.000100", s)
	}
	key := Key{Team: parts[0], Channel: parts[1], TS: parts[2]}
	return key, key.Validate()
}

// Validate returns an error that names the faulty part, or nil. It is strict because a key becomes a Workflow id and part
// of an HTML comment.
func (k Key) Validate() error {
	switch {
	case !teamID.MatchString(k.Team):
		return fmt.Errorf("message key: team %q: want T or E followed by capital letters and digits", k.Team)
	case !channelID.MatchString(k.Channel):
		return fmt.Errorf("message key: channel %q: want C, G or D followed by capital letters and digits", k.Channel)
	case !timestamp.MatchString(k.TS):
		return fmt.Errorf("message key: ts %q: want seconds, a dot and six digits, for example 1700000000.000100", k.TS)
	}
	return nil
}

// String returns the form that [ParseKey] reads.
func (k Key) String() string { return k.Team + "/" + k.Channel + "/" + k.TS }

// Marker returns the HTML comment that signs the issue made from this message, or "" for an invalid key, which could
// close the comment early.
func (k Key) Marker() string {
	if k.Validate() != nil {
		return ""
	}
	return markerStart + k.String() + markerEnd
}

// FindMarker returns the key that an issue body was signed with, and reports whether there is one. [Render] writes it last, and
// people and bots edit bodies and add to their end, so that the last line that is a marker counts. No line of a message is one:
// [clean] breaks it.
func FindMarker(body string) (key Key, found bool) {
	for line := range strings.Lines(body) {
		if at, ok := parseMarker(strings.TrimRight(line, " \t\r\n")); ok {
			key, found = at, true
		}
	}
	return key, found
}

func parseMarker(line string) (Key, bool) {
	written, starts := strings.CutPrefix(line, markerStart)
	written, ends := strings.CutSuffix(written, markerEnd)
	if !starts || !ends {
		return Key{}, false
	}
	key, err := ParseKey(written)
	if err != nil {
		return Key{}, false
	}
	return key, true
}
