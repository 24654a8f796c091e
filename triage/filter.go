package triage

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The reasons, besides those of [Candidate], for which a [Filter] passes a message over.
const (
	SkipAuthor  = "author"  // its author is not one of those whose messages count
	SkipTrigger = "trigger" // nothing in it says that it counts
)

// Choice is what a filter made of a message.
type Choice struct {
	Counts bool `json:"counts"`
	// Certain says that it need not read like a report: somebody asked for this one, or the route for all of them.
	Certain bool `json:"certain,omitempty"`
	// Reason is what made it count, for people, or one of the Skip constants.
	Reason string `json:"reason"`
}

// Over returns what was found out about the message, where the choice leaves something to find out.
func (c Choice) Over(found Classification) Classification {
	if c.Counts && c.Certain {
		return Classification{Report: true, Confidence: 1, Reason: c.Reason}
	}
	return found
}

// Filter chooses the messages that count. Make one with [NewFilter].
type Filter struct {
	when     When
	self     Self
	keywords *regexp.Regexp // a group for each; nil without any
	patterns []*regexp.Regexp
}

// NewFilter returns the filter for an agent. Errors: those of [When.Validate].
func NewFilter(when When, self Self) (*Filter, error) {
	if err := when.Validate(); err != nil {
		return nil, err
	}
	f := &Filter{when: when, self: self}
	if len(when.Keywords) > 0 {
		words := make([]string, len(when.Keywords))
		for i, keyword := range when.Keywords {
			words[i] = "(" + wholeWords(keyword) + ")"
		}
		f.keywords = regexp.MustCompile(`(?i)` + strings.Join(words, "|"))
	}
	for _, pattern := range when.Patterns {
		f.patterns = append(f.patterns, regexp.MustCompile(pattern))
	}
	return f, nil
}

// Choose says whether a message counts, and why.
func (f *Filter) Choose(m Message) Choice {
	if reason := f.skip(m); reason != "" {
		return Choice{Reason: reason}
	}
	if marked := f.marked(m); marked != "" {
		return Choice{Counts: true, Certain: true, Reason: marked}
	}
	if f.when.Mention && mentions(m, f.self) {
		return Choice{Counts: true, Certain: true, Reason: "it mentions this agent"}
	}
	reason := f.found(m)
	if f.when.triggers() && reason == "" {
		return Choice{Reason: SkipTrigger}
	}
	return Choice{Counts: true, Certain: f.when.Certain, Reason: firstOf(reason, "every message counts")}
}

// ChooseAgain is [Filter.Choose] for a message that was looked at before: of all that makes a message count, only a
// reaction can have come since.
func (f *Filter) ChooseAgain(m Message) Choice {
	reason := f.skip(m)
	if marked := f.marked(m); reason == "" && marked != "" {
		return Choice{Counts: true, Certain: true, Reason: marked}
	}
	return Choice{Reason: firstOf(reason, SkipTrigger)}
}

// skip returns why a message cannot count whatever it says, "" when it can.
func (f *Filter) skip(m Message) string {
	if ok, reason := Candidate(m, f.self); !ok {
		return reason
	}
	if slices.Contains(f.when.Ignore, m.User) || len(f.when.Only) > 0 && !slices.Contains(f.when.Only, m.User) {
		return SkipAuthor
	}
	return ""
}

// marked returns who marked a message, "" for nobody.
func (f *Filter) marked(m Message) string {
	for _, emoji := range f.when.Reactions {
		if by := reactedBy(m.Reactions, f.self, emoji, f.when.ReactionsBy); by != "" {
			return by + " marked it :" + emoji + ":"
		}
	}
	return ""
}

// searched returns the text of a message in which words and patterns are looked for. Names are left out: what somebody is
// called makes no report, and sends none anywhere.
func searched(m Message) string {
	m.Names = nil
	return norm.NFC.String(m.PlainText())
}

// found returns which keyword or pattern is in the message, "" for none.
func (f *Filter) found(m Message) string {
	text := searched(m)
	if f.keywords != nil {
		if groups := f.keywords.FindStringSubmatchIndex(straight(text)); groups != nil {
			first := slices.IndexFunc(groups[2:], func(at int) bool { return at >= 0 })
			return "keyword " + strconv.Quote(f.when.Keywords[first/2])
		}
	}
	for i, pattern := range f.patterns {
		if pattern.MatchString(text) {
			return "pattern " + strconv.Quote(f.when.Patterns[i])
		}
	}
	return ""
}

// mentions looks at the text as Slack sends it: what people type as "<@U1>" is escaped there.
func mentions(m Message, self Self) bool {
	return self.UserID != "" && (strings.Contains(m.Text, "<@"+self.UserID+">") || strings.Contains(m.Text, "<@"+self.UserID+"|"))
}

const (
	// inWord are the characters of words. RE2's \b and \w know those of ASCII only.
	inWord = `\p{L}\p{M}\p{N}_`
	// unspaced are the letters of scripts that put no space between words: beside one of them a word may begin or end.
	unspaced = `\p{Han}\p{Hiragana}\p{Katakana}\x{30FC}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}`
	wordEdge = `[^` + inWord + `]|[` + unspaced + `]`
)

var needsEdge = regexp.MustCompile(`^[` + inWord + `]$`)

// wholeWords returns an expression for a keyword between two edges of words. An end that is no letter or digit, as of
// "bug:", is an edge by itself, and so is one in a script without spaces.
func wholeWords(keyword string) string {
	words := strings.Fields(straight(norm.NFC.String(keyword)))
	for i, word := range words {
		words[i] = regexp.QuoteMeta(word)
	}
	expression, letters := strings.Join(words, `\s+`), []rune(strings.Join(strings.Fields(norm.NFC.String(keyword)), " "))
	if hasEdge(letters[0]) {
		expression = `(?:^|` + wordEdge + `)` + expression
	}
	if hasEdge(letters[len(letters)-1]) {
		expression += `(?:` + wordEdge + `|$)`
	}
	return expression
}

func hasEdge(r rune) bool {
	return needsEdge.MatchString(string(r)) && !unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}
