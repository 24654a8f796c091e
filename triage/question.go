package triage

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// What only templates ask for; the kinds before these are what people write as labels too.
const (
	componentPart = otherPart + 1 + iota
	logsPart
	filesPart
	reporterPart
)

// questions tells what a field asks for by words of its label. The first that matches wins, so those come first that
// sound like another and are not: an "existing issue" is no issue, and a "link to a reproduction" has no steps.
var questions = []struct {
	asks  kind
	words *regexp.Regexp
}{
	{stepsPart, asking(`steps?|(?:to|can we|can i|we can) reproduce`)},
	{otherPart, asking(`existing|duplicates?|search(?:ed)?|agree|conduct|terms|guidelines|contribut\w*|checklist|checks|additional|anything|other|` +
		`further|more|context|workarounds?|frequency|often|regression|last|links?|urls?|repository|playground|sandbox|solutions?|fix|` +
		`pull requests?|willing|notes?|alternatives?`)},
	{stepsPart, asking(`reproduc\w*|repro`)},
	{expectedPart, asking(wantedWords)},
	{actualPart, asking(seenWords)},
	{environmentPart, asking(surroundingWords + `|system|desktop|where`)},
	{severityPart, asking(`severity|priority|impact|urgency`)},
	{logsPart, asking(`logs?|log output|stack ?traces?|traceback|console|output|errors?(?: messages?)?`)},
	{filesPart, asking(`screen ?shots?|screen recordings?|recordings?|attachments?|images?|videos?|files?|media`)},
	{reporterPart, asking(`contact|reporter|reported by|e-?mail|your name`)},
	{componentPart, asking(`components?|areas?|modules?|packages?|subsystems?|affected (?:feature|product|service|part)s?|part of`)},
	{titlePart, asking(`title|subject|headline`)},
	{summaryPart, asking(`summary|descri(?:be|ption)|bugs?|issues?|problems?|details?|overview|wrong|report`)},
}

const (
	wantedWords      = `expect(?:ed|ation|ations)?|should (?:have )?happen(?:ed)?`
	surroundingWords = `environments?|env|set-?up|system info(?:rmation)?`
	seenWords        = `actual(?:ly)?|observed|current behaviou?r|what happen(?:ed|s)|what (?:went|goes|is going) wrong|what is happening`
)

// factQuestions are about one fact of where a bug shows; a field may ask for several of them.
var factQuestions = []struct {
	asks  kind
	words *regexp.Regexp
}{
	{systemPart, asking(`operating systems?|os|platforms?`)},
	{browserPart, asking(`browsers?`)},
	{devicePart, asking(`devices?|hardware|phones?|smartphones?`)},
	{versionPart, asking(`versions?|build|release`)},
}

var (
	wanted       = asking(wantedWords)
	seen         = asking(seenWords)
	surroundings = asking(surroundingWords)
	aside        = regexp.MustCompile(`\([^()]*\)|\[[^\[\]]*\]`)
)

func asking(words string) *regexp.Regexp {
	return regexp.MustCompile(`(?:^|[^\pL\pN])(?:` + words + `)(?:[^\pL\pN]|$)`)
}

// asked returns what a field asks for, by its label, else by its id; nothing where neither says. Product are the words
// that the product goes by.
func (f field) asked(product []string) []kind {
	for _, text := range []string{f.label, strings.NewReplacer("-", " ", "_", " ").Replace(f.id)} {
		if asks := askedBy(text, product); asks != nil {
			return asks
		}
	}
	return nil
}

func askedBy(text string, product []string) []kind {
	if short := aside.ReplaceAllString(text, " "); hasWord(short) {
		text = short
	}
	text = strings.ToLower(straight(oneLine(text)))
	if wanted.MatchString(text) && seen.MatchString(text) {
		return []kind{expectedPart, actualPart}
	}
	var facts []kind
	for _, q := range factQuestions {
		if q.words.MatchString(text) {
			facts = append(facts, q.asks)
		}
	}
	if surroundings.MatchString(text) {
		facts = nil // it asks for all of them
	}
	for _, q := range questions {
		if q.words.MatchString(text) && (facts == nil || q.asks == otherPart) {
			return []kind{q.asks}
		}
	}
	if i := slices.Index(facts, versionPart); i >= 0 && !speaksOf(text, product) {
		if facts = slices.Delete(facts, i, i+1); len(facts) == 0 {
			return []kind{otherPart} // the version of something else
		}
	}
	return facts
}

// smallWords may stand beside "version" where the version is the product's: the one of Node.js is not what a report tells.
var smallWords = strings.Fields(`version versions build release number the a an of in is are was what which do did does you your
	using use used running run app application software product program service affected current currently exact latest tested
	have i this that issue bug problem occur occurs happen happens our on with installed`)

func speaksOf(text string, product []string) bool {
	for _, word := range wordsOf(text) {
		if !slices.Contains(smallWords, word) && !slices.Contains(product, word) {
			return false
		}
	}
	return true
}

func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
