package triage

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean returns text without anything a reader cannot see: controls, bidi overrides, zero-width characters (but what joins
// emoji), tags, variation selectors, private use. Lines end with "\n", and bytes that are no UTF-8 become U+FFFD.
func clean(s string) string {
	s = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n").Replace(s)
	return breakComments(dropInvisible(strings.ToValidUTF8(s, "\uFFFD")))
}

const zeroWidthJoiner = '\u200D'

// dropInvisible leaves the one zero-width character that shows: a joiner between two pictures makes one of them (UTS #51).
func dropInvisible(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	var before rune // the last one written
	for i, r := range s {
		if r == zeroWidthJoiner {
			next, _ := utf8.DecodeRuneInString(s[i+utf8.RuneLen(r):])
			if !endsPicture(before) || !isPicture(next) {
				continue
			}
		} else if r = visible(r); r < 0 {
			continue
		}
		b.WriteRune(r)
		before = r
	}
	return b.String()
}

// endsPicture reports whether an emoji can end with r: with the picture, its style, or the tone of a skin.
func endsPicture(r rune) bool {
	return isPicture(r) || r == '\uFE0F' || '\U0001F3FB' <= r && r <= '\U0001F3FF'
}

// isPicture leaves out U+FFFD, which stands for bytes that are no text, and for the end of one.
func isPicture(r rune) bool { return r != utf8.RuneError && unicode.Is(unicode.So, r) }

// breakComments takes the one sequence away that could pass for the start of a marker. It runs after everything that
// removes characters, which could otherwise bring the sequence about.
func breakComments(s string) string { return strings.ReplaceAll(s, "<!--", "<! --") }

func visible(r rune) rune {
	switch {
	case r == '\n' || r == '\t':
		return r
	case r == '\uFE0E' || r == '\uFE0F':
		return r // text and emoji style: they change how the character before them looks
	case unicode.In(r, unicode.C, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return -1
	}
	return r
}

// oneLine is clean with every run of white space as one space.
func oneLine(s string) string { return strings.Join(strings.Fields(clean(s)), " ") }

// cut returns at most limit runes of s. Where something has to go, it goes from a word boundary on if there is one in the
// second half, and "…" takes its place.
func cut(s string, limit int) string {
	if utf8.RuneCountInString(s) <= limit {
		return s
	}
	kept := string([]rune(s)[:limit-1])
	if i := strings.LastIndexFunc(kept, unicode.IsSpace); i > len(kept)/2 {
		kept = kept[:i]
	}
	return strings.TrimRight(kept, " \t\n,.;:-–—\u200D") + "…"
}

// hasWord reports whether s says anything in letters or digits.
func hasWord(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) })
}
