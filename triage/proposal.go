package triage

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Proposal has people asked in the thread before a report is filed.
type Proposal struct {
	// By are those who may answer, everybody where it is empty.
	By []string `json:"by,omitempty" yaml:"by,omitempty"` // user ids
	// Within is how long an answer is waited for. Without one nothing is filed.
	Within time.Duration `json:"within" yaml:"within"` // nanoseconds in JSON
}

// The reactions that answer, without colons.
const (
	AgreeEmoji   = "white_check_mark"
	DeclineEmoji = "x"
)

// Validate returns an error that names the faulty field, or nil.
func (p Proposal) Validate() error {
	if p.Within <= 0 {
		return fmt.Errorf("propose: within %s: want how long an answer is waited for", p.Within)
	}
	for _, id := range p.By {
		if !IsUserID(id) {
			return fmt.Errorf("propose: person %q: want a Slack user id, for example U0123456", id)
		}
	}
	return nil
}

// Reaction is an emoji on a message, and who put it there.
type Reaction struct {
	Name  string   `json:"name"`
	Users []string `json:"users"` // ids
}

// Outcome is how a proposal ended; "" while it has not.
type Outcome string

// The outcomes.
const (
	Agreed     Outcome = "agreed"
	Declined   Outcome = "declined"
	Unanswered Outcome = "unanswered"
)

// Outcome returns what the reactions say, and who said it. Slack does not tell which of two reactions came first, so one
// that declines outweighs those that agree: what was not filed can be asked for again.
func (p Proposal) Outcome(reactions []Reaction, self Self) (outcome Outcome, by string) {
	if by = p.answered(reactions, self, DeclineEmoji); by != "" {
		return Declined, by
	}
	if by = p.answered(reactions, self, AgreeEmoji); by != "" {
		return Agreed, by
	}
	return "", ""
}

// answered returns the first who may answer and put the emoji there; our own only shows people what to press.
func (p Proposal) answered(reactions []Reaction, self Self, emoji string) string {
	return reactedBy(reactions, self, emoji, p.By)
}

// reactedBy returns the first of some people, or of all where none are named, who put an emoji there; "" for nobody, which
// this agent is.
func reactedBy(reactions []Reaction, self Self, emoji string, people []string) string {
	emoji = sameEmoji(emoji)
	for _, r := range reactions {
		if name, _, _ := strings.Cut(r.Name, "::"); sameEmoji(name) != emoji { // thumbsup::skin-tone-2
			continue
		}
		for _, user := range r.Users {
			if user != self.UserID && (len(people) == 0 || slices.Contains(people, user)) {
				return user
			}
		}
	}
	return ""
}

// sameEmoji returns the one name of an emoji that has two. Slack shows people either, and may send the other.
func sameEmoji(name string) string {
	switch name {
	case "thumbsup":
		return "+1"
	case "thumbsdown":
		return "-1"
	}
	return name
}
