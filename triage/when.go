package triage

import (
	"fmt"
	"regexp"
	"time"
	"unicode/utf8"
)

// When says which messages of a channel count. The zero value takes every top-level message that a person wrote; each
// trigger that is set narrows that to the messages that have one of them.
type When struct {
	// Every takes every message, and whatever else is set narrows nothing; a mention or a reaction still makes one certain.
	Every bool `json:"every,omitempty" yaml:"every,omitempty"`
	// Keywords are words or phrases, found as whole words in either case, in any script.
	Keywords []string `json:"keywords,omitempty" yaml:"keywords,omitempty"`
	// Patterns are regular expressions of Go's, tried on the text as people read it.
	Patterns []string `json:"patterns,omitempty" yaml:"patterns,omitempty"`
	// Mention takes messages that name this agent, as in "@bug-triage the login page is blank".
	Mention bool `json:"mention,omitempty" yaml:"mention,omitempty"`
	// Reactions takes messages that one of ReactionsBy, or anybody where that is empty, put one of these emoji on, within
	// ReactionsWithin of their being posted; see [When.ReactionsCountFor].
	Reactions       []string      `json:"reactions,omitempty" yaml:"reactions,omitempty"`       // without colons
	ReactionsBy     []string      `json:"reactions_by,omitempty" yaml:"reactions_by,omitempty"` // user ids
	ReactionsWithin time.Duration `json:"reactions_within,omitempty" yaml:"reactions_within,omitempty"`
	// Only are the people whose messages count, everybody's where it is empty; those of Ignore never do.
	Only   []string `json:"only,omitempty" yaml:"only,omitempty"`     // user ids
	Ignore []string `json:"ignore,omitempty" yaml:"ignore,omitempty"` // user ids
	// Certain takes what counts for a report without asking whether it reads like one.
	Certain bool `json:"certain,omitempty" yaml:"certain,omitempty"`
}

// IsZero reports whether nothing is said: then every message of a person counts, and has to read like a report.
func (w When) IsZero() bool { return w.TakesAll() && !w.Every && !w.Certain }

// TakesAll reports whether no message of a person is passed over, so that nothing is left to who comes after.
func (w When) TakesAll() bool { return !w.triggers() && len(w.Only)+len(w.Ignore) == 0 }

// triggers reports whether a message needs something of its own in order to count.
func (w When) triggers() bool {
	return !w.Every && (len(w.Keywords)+len(w.Patterns)+len(w.Reactions) > 0 || w.Mention)
}

// ReactionsCountFor returns how long after it was posted a message can be marked; a day unless configured.
func (w When) ReactionsCountFor() time.Duration {
	if w.ReactionsWithin > 0 {
		return w.ReactionsWithin
	}
	return 24 * time.Hour
}

var emojiName = regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N}_+'-]{1,100}$`)

// IsEmoji reports whether s can be the name of an emoji, without colons and skin tone.
func IsEmoji(s string) bool { return emojiName.MatchString(s) }

var userID = regexp.MustCompile(`^[UW][A-Z0-9]{1,31}$`)

// IsUserID reports whether s has the form of Slack's ids of people.
func IsUserID(s string) bool { return userID.MatchString(s) }

// Validate returns an error that names the faulty field, or nil.
func (w When) Validate() error {
	for _, keyword := range w.Keywords {
		if !utf8.ValidString(keyword) {
			return fmt.Errorf("when: keyword %q: want text in UTF-8", keyword)
		}
		if !hasWord(keyword) {
			return fmt.Errorf("when: keyword %q: want a letter or a digit in it", keyword)
		}
	}
	for _, pattern := range w.Patterns {
		if _, err := regexp.Compile(pattern); err != nil {
			return fmt.Errorf("when: pattern %q: %w", pattern, err)
		}
	}
	for _, name := range w.Reactions {
		if !IsEmoji(name) {
			return fmt.Errorf("when: reaction %q: want the name of an emoji without colons, for example beetle", name)
		}
	}
	for _, people := range [][]string{w.Only, w.Ignore, w.ReactionsBy} {
		for _, id := range people {
			if !IsUserID(id) {
				return fmt.Errorf("when: person %q: want a Slack user id, for example U0123456", id)
			}
		}
	}
	return nil
}
