package triage

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxTitle is the longest title that GitHub's lists show without cutting it, in runes.
const maxTitle = 80

const (
	greeting = `hi|hello|hey|hiya|howdy|yo|dear|(?:good )?(?:morning|afternoon|evening)`
	audience = `all|team|folks|everyone|everybody|there|guys|people|devs|support|y'all|@\S+`
)

// openers are what people write before they come to the point. Each is removed as often as one matches.
var openers = []*regexp.Regexp{
	regexp.MustCompile(`(?i)^(?:` + greeting + `)(?:(?:\s+(?:` + audience + `))+(?:\s*[,!.…–—-]+\s*|\s*:\s+|\s+|$)|\s+(?-i:\p{Lu}\w+)\s*[,!]+\s*|\s*[,!.…–—]+\s*|\s*$)`),
	regexp.MustCompile(`(?i)^[\[(]\s*(?:bug(?: report)?|issue|defect|error|report|urgent|p[0-4])\s*[\])]\s*[:–—-]?\s*`),
	regexp.MustCompile(`(?i)^(?:possible |new |another |found a |potential )?(?:bug(?: report)?|issue|defect|problem|urgent|fyi|p[0-4])\s*(?::|[-–—]+\s)\s*`),
	regexp.MustCompile(`(?i)^(?:bug(?: report)?|issue|problem|help|urgent|new bug)[\s!.:]*$`),
	regexp.MustCompile(`^:[a-z0-9_+'-]+:(?::skin-tone-\d:)?\s*`),
	regexp.MustCompile(`(?i)^@(?:here|channel|everyone)\b[\s,:–—-]*`),
	regexp.MustCompile(`^(?:[-*•>~_|]+|#+\s)\s*`),
}

var (
	trailingEmoji = regexp.MustCompile(`\s*(?::[a-z0-9_+'-]+:\s*)+$`)
	onlyAddress   = regexp.MustCompile(`^(?:https?://\S+\s*)+$`)
	sentenceEnd   = regexp.MustCompile(`[.!?]\s`)
	leadingPings  = regexp.MustCompile(`(?m)^(?:\s*<[@!][^<>\n]*>[\s,:]*)+`)
)

// Title returns what a list should show for the message, at most 80 runes and in one line; it is never empty.
func (m Message) Title() string {
	m.Text = leadingPings.ReplaceAllString(m.Text, "")
	d := newDocument(shortText(m))
	p := split(d.text)
	for _, text := range []string{p[titlePart], p[summaryPart], p[actualPart], p[stepsPart]} {
		if title := firstMeaningful(d, text); title != "" {
			return title
		}
	}
	for _, code := range d.codes {
		if title := firstMeaningful(document{}, strings.Trim(code, "`")); title != "" {
			return title
		}
	}
	return fallbackTitle(m)
}

// firstMeaningful returns the first line that says something, and an address only where no line says more.
func firstMeaningful(d document, text string) string {
	var addressLine string
	for line := range strings.SplitSeq(text, "\n") {
		line = headline(oneLine(d.restoreInLine(line)))
		switch {
		case !hasWord(line):
		case onlyAddress.MatchString(line):
			addressLine = firstOf(addressLine, line)
		default:
			return line
		}
	}
	return addressLine
}

// headline strips a line of greetings, prefixes, styles and closing punctuation, and cuts it to the length of a title.
func headline(s string) string {
	s = unstyled(s)
	for before := ""; s != before; {
		before = s
		s = strings.TrimLeftFunc(s, isOrnament)
		for _, opener := range openers {
			s = opener.ReplaceAllString(s, "")
		}
	}
	s = trailingEmoji.ReplaceAllString(s, "")
	s = strings.TrimRightFunc(s, func(r rune) bool { return isOrnament(r) || strings.ContainsRune(".,:;!–—-", r) })
	return cut(firstSentences(s), maxTitle)
}

// isOrnament reports whether r carries no meaning at either end of a title: white space, emoji and their modifiers.
func isOrnament(r rune) bool {
	return unicode.IsSpace(r) || r >= 0x2000 && isLetter(r) && !unicode.IsLetter(r)
}

// firstSentences drops the sentences that do not fit into a title, where the first one does.
func firstSentences(s string) string {
	if utf8.RuneCountInString(s) <= maxTitle {
		return s
	}
	best := s
	for _, at := range sentenceEnd.FindAllStringIndex(s, -1) {
		first := s[:at[0]]
		if n := utf8.RuneCountInString(first); n > maxTitle {
			break
		} else if n >= maxTitle/4 {
			best = first
		}
	}
	return best
}

// fallbackTitle names where and when, for a message that says nothing in words.
func fallbackTitle(m Message) string {
	return cut("Report in "+oneLine(m.channelTitle())+" at "+writtenTime(m.TS), maxTitle)
}
