package triage

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// minWord is the shortest word that says what a title is about, in runes.
	minWord = 4
	// maxKeywords bounds a search: all of them have to be in what is found.
	maxKeywords = 3
	// alikeShare is the share of the words of both titles that have to be in each.
	alikeShare = 0.5
)

// Keywords returns the longest words of a title, at most three, in lower case. They consist of letters and digits, so that
// none has a meaning to a search.
func Keywords(title string) []string {
	words := titleWords(title)
	slices.SortStableFunc(words, func(a, b string) int { return cmp.Compare(utf8.RuneCountInString(b), utf8.RuneCountInString(a)) })
	return words[:min(len(words), maxKeywords)]
}

// Alike reports whether two titles share so many words that they may be about the same.
func Alike(a, b string) bool {
	left, right := titleWords(a), titleWords(b)
	shared := 0
	for _, word := range left {
		if slices.Contains(right, word) {
			shared++
		}
	}
	all := len(left) + len(right) - shared
	return shared > 1 && float64(shared) >= alikeShare*float64(all)
}

// titleWords returns the words of a title that are long enough, each once.
func titleWords(title string) []string {
	fields := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	var words []string
	for _, word := range fields {
		if utf8.RuneCountInString(word) >= minWord && !slices.Contains(words, word) {
			words = append(words, word)
		}
	}
	return words
}
