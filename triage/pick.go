package triage

import (
	"regexp"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// unknowing finds options for who does not know.
var unknowing = regexp.MustCompile(`(?i)^\W*(?:unknown|not sure|unsure|i don['’]?t know|don['’]?t know|n/?a|not applicable)\b`)

// severityWordsOf are the words of options for each severity, the plainest first: where a list has "blocker" and "major", high
// is major.
var severityWordsOf = map[string][]string{
	Critical: {"critical", "highest", "p0", "sev0", "sev1"},
	High:     {"high", "major", "p1", "sev2", "urgent", "blocker"},
	Medium:   {"medium", "moderate", "normal", "p2", "sev3"},
	Low:      {"low", "minor", "lowest", "trivial", "cosmetic", "p3", "p4", "sev4"},
}

// pick returns the option that says the value, "" for none. Nothing is guessed: two that would do are none.
func pick(options []string, asks kind, value string) string {
	value = oneLine(value)
	if value == "" {
		return ""
	}
	if asks == severityPart {
		return pickSeverity(options, value)
	}
	for _, option := range options {
		if strings.EqualFold(option, value) {
			return option
		}
	}
	if longest := longestIn(options, value); longest != "" {
		return longest
	}
	return onlyWith(options, value)
}

func pickSeverity(options []string, severity string) string {
	for _, word := range severityWordsOf[severity] {
		for _, option := range options {
			if holdsWords(strings.ReplaceAll(strings.ToLower(option), "sev ", "sev"), word) {
				return option
			}
		}
	}
	return ""
}

// longestIn returns the longest option that stands in the value as whole words, such as Firefox in "Firefox 143".
func longestIn(options []string, value string) string {
	longest := ""
	for _, option := range options {
		if len(option) > len(longest) && !unknowing.MatchString(option) && holdsWords(value, option) {
			longest = option
		}
	}
	return longest
}

// onlyWith returns the only option that holds the value as whole words, such as "Checkout and payment" for checkout.
func onlyWith(options []string, value string) string {
	only := ""
	for _, option := range options {
		if holdsWords(option, value) {
			if only != "" {
				return ""
			}
			only = option
		}
	}
	return only
}

func holdsWords(text, words string) bool {
	if !hasWord(words) || len(words) > maxFact {
		return false
	}
	return regexp.MustCompile(`(?i)` + wholeWords(words)).MatchString(straight(norm.NFC.String(text)))
}
