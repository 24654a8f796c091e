package triage

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// What may stand around a word in plain text: nothing in these two sets starts anything in Markdown or at GitHub.
const (
	opening = "(\"'“‘«¿¡"
	closing = ".,;:!?)\"'”’»…"
)

var (
	abbreviation = regexp.MustCompile(`^[A-Za-z](?:\.[A-Za-z])+$`)             // e.g, i.e
	number       = regexp.MustCompile(`^v?[0-9]{1,6}(?:\.[0-9]{1,6}){0,3}%?$`) // 7 digits could be a commit
	moment       = regexp.MustCompile(`^(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}:[0-9]{2})$`)
	commit       = regexp.MustCompile(`[0-9A-Fa-f]{7}`)             // "defaced" could be one too
	keyPrefix    = regexp.MustCompile(`^\p{Lu}{2,}-`)               // GH-…, and the prefixes a repository may set up
	sign         = regexp.MustCompile(`^(?:&|/|–|—|•|→|…|[.!?]+)$`) // safe where it stands alone
	dash         = regexp.MustCompile(`^-{1,3}$`)                   // would underline a heading or start a list
)

// inert returns one line of Markdown that shows s and does nothing else. Words stand as they are, everything else and
// whatever the author wrote as code becomes a code span.
func inert(s string) string {
	var out line
	rest := oneLine(s)
	for {
		before, code, after, found := cutCode(rest)
		out.words(before)
		if !found {
			return out.String()
		}
		out.put(codeSpan(code), !endsInSpace(before))
		out.glued = !startsWithSpace(after)
		rest = after
	}
}

// cutCode splits s around its first code in backticks, of any number.
func cutCode(s string) (before, code, after string, found bool) {
	for start := 0; ; {
		i := strings.IndexByte(s[start:], '`')
		if i < 0 {
			return s, "", "", false
		}
		i += start
		ticks := leadingTicks(s[i:])
		inside := s[i+len(ticks):]
		if end := strings.Index(inside, ticks); end > 0 && strings.TrimSpace(inside[:end]) != "" {
			return s[:i], inside[:end], inside[end+len(ticks):], true
		}
		start = i + len(ticks)
	}
}

func leadingTicks(s string) string { return s[:len(s)-len(strings.TrimLeft(s, "`"))] }

// codeSpan shows s as code. A backtick inside becomes an apostrophe, so that one backtick on each side always holds.
func codeSpan(s string) string {
	return "`" + strings.TrimSpace(strings.ReplaceAll(oneLine(s), "`", "'")) + "`"
}

// line puts pieces together with single spaces.
type line struct {
	strings.Builder
	glued bool // the next piece follows the last one without a space in the source
	last  byte
}

func (l *line) words(s string) {
	for i, token := range strings.Fields(s) {
		l.put(word(token), i == 0 && !startsWithSpace(s))
	}
	if s != "" {
		l.glued = !endsInSpace(s)
	}
}

// put appends a piece. It is set apart from the last one unless the source has them joined, and always where two code
// spans would run together.
func (l *line) put(piece string, joined bool) {
	if l.Len() > 0 && (!joined || !l.glued || l.last == '`' && piece[0] == '`') {
		l.WriteByte(' ')
	}
	l.WriteString(piece)
	l.last, l.glued = piece[len(piece)-1], true
}

// word returns a token without white space, as text if it is a plain word and as code otherwise.
func word(token string) string {
	if dash.MatchString(token) {
		return "–"
	}
	if sign.MatchString(token) {
		return token
	}
	if shortcode.FindString(token) == token {
		return codeSpan(token) // with both its colons
	}
	core := strings.TrimLeft(token, opening)
	before := token[:len(token)-len(core)]
	core = strings.TrimRight(core, closing)
	after := token[len(before)+len(core):]
	for after != "" && after[0] == ')' && strings.Count(core, "(") > strings.Count(core, ")") {
		core, after = core+")", after[1:] // as in call(x) and [label](address)
	}
	switch {
	case core == "", isPlain(core, after):
		return token
	}
	return before + codeSpan(core) + after
}

// isPlain reports whether a word that is followed by the punctuation after can stand in the text.
func isPlain(core, after string) bool {
	switch {
	case commit.MatchString(core) || keyPrefix.MatchString(core):
		return false
	case number.MatchString(core):
		return !strings.HasPrefix(after, ".") && !strings.HasPrefix(after, ")") // "1." starts a list
	case abbreviation.MatchString(core), moment.MatchString(core):
		return true
	}
	return isLetters(core)
}

// isLetters reports whether s is made of letters and emoji, in parts joined by single hyphens, apostrophes and slashes.
func isLetters(s string) bool {
	joiner := true // no joiner may come first
	for _, r := range s {
		switch {
		case isLetter(r):
			joiner = false
		case !joiner && strings.ContainsRune("-'’/", r):
			joiner = true
		default:
			return false
		}
	}
	return !joiner
}

func isLetter(r rune) bool {
	const lightest, darkest = '\U0001F3FB', '\U0001F3FF' // the skin tones of emoji
	return unicode.In(r, unicode.L, unicode.M, unicode.So) || r >= lightest && r <= darkest
}

func startsWithSpace(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return s != "" && unicode.IsSpace(r)
}

func endsInSpace(s string) bool {
	r, _ := utf8.DecodeLastRuneInString(s)
	return s != "" && unicode.IsSpace(r)
}
