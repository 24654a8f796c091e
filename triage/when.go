package triage

import (
	"fmt"
	"regexp"
)

// When says which messages of a channel count. The zero value takes every top-level message that a person wrote; each
// trigger that is set narrows that to the messages that have one of them.
type When struct {
	// Keywords are words or phrases, found as whole words in either case, in any script.
	Keywords []string `json:"keywords,omitempty" yaml:"keywords,omitempty"`
	// Patterns are regular expressions of Go's, tried on the text as people read it.
	Patterns []string `json:"patterns,omitempty" yaml:"patterns,omitempty"`
	// Mention takes messages that name this agent, as in "@bug-triage the login page is blank".
	Mention bool `json:"mention,omitempty" yaml:"mention,omitempty"`
	// Only are the people whose messages count, everybody's where it is empty; those of Ignore never do.
	Only   []string `json:"only,omitempty" yaml:"only,omitempty"`     // user ids
	Ignore []string `json:"ignore,omitempty" yaml:"ignore,omitempty"` // user ids
	// Certain takes what counts for a report without asking whether it reads like one.
	Certain bool `json:"certain,omitempty" yaml:"certain,omitempty"`
}

// IsZero reports whether every message of a person counts, and has to read like a report.
func (w When) IsZero() bool { return !w.triggers() && len(w.Only)+len(w.Ignore) == 0 && !w.Certain }

// triggers reports whether a message needs something of its own in order to count.
func (w When) triggers() bool { return len(w.Keywords)+len(w.Patterns) > 0 || w.Mention }

var userID = regexp.MustCompile(`^[UW][A-Z0-9]{1,31}$`)

// IsUserID reports whether s has the form of Slack's ids of people.
func IsUserID(s string) bool { return userID.MatchString(s) }

// Validate returns an error that names the faulty field, or nil.
func (w When) Validate() error {
	for _, keyword := range w.Keywords {
		if !hasWord(keyword) {
			return fmt.Errorf("when: keyword %q: want a letter or a digit in it", keyword)
		}
	}
	for _, pattern := range w.Patterns {
		if _, err := regexp.Compile(pattern); err != nil {
			return fmt.Errorf("when: pattern %q: %w", pattern, err)
		}
	}
	for _, people := range [][]string{w.Only, w.Ignore} {
		for _, id := range people {
			if !IsUserID(id) {
				return fmt.Errorf("when: person %q: want a Slack user id, for example U0123456", id)
			}
		}
	}
	return nil
}
