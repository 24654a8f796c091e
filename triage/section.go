package triage

import (
	"regexp"
	"slices"
	"strings"
)

// kind is what a labelled part of a report speaks of.
type kind int

const (
	summaryPart kind = iota // what has no label, and "Summary:", "Description:"
	titlePart
	stepsPart
	expectedPart
	actualPart
	severityPart
	environmentPart
	versionPart
	systemPart
	browserPart
	devicePart
	otherPart // "Notes:", "Logs:": ends the part before, and stays in the summary with its label
)

// labels are the words of each kind. Longer ones come first, since the first alternative of a regular expression wins.
var labels = map[kind]string{
	summaryPart:     `summary|description|bug description|issue description`,
	titlePart:       `title|subject`,
	stepsPart:       `(?:steps|how) to (?:reproduce|repro)(?: (?:it|this|the (?:bug|issue|problem|crash|error)))?|reproduction steps|repro(?:duce)? steps|to reproduce|reproduction|repro|steps`,
	expectedPart:    `expected (?:results?|behaviou?r|outcome|output)|what (?:i|we|you) expected|expected|expectation`,
	actualPart:      `actual (?:results?|behaviou?r|outcome|output)|observed(?: (?:results?|behaviou?r))?|current behaviou?r|what (?:actually )?happen(?:ed|s)(?: instead)?|actual`,
	severityPart:    `severity|priority|impact|prio|sev`,
	environmentPart: `environment|environments|env`,
	versionPart:     `(?:app |build |software |product )?version|build number`,
	systemPart:      `os version|operating system|os|platform`,
	browserPart:     `browser(?: version)?`,
	devicePart:      `device`,
	otherPart:       `additional (?:info|information|context|details)|notes?|context|workaround|logs?|log output|stack ?trace|traceback|screenshots?|attachments?|error message|links?|frequency`,
}

// heading is where a label stands in a text.
type heading struct {
	kind       kind
	start, end int // of the label with its punctuation
}

// headingRule finds labels; the label itself is the first group.
type headingRule struct {
	kind  kind
	match *regexp.Regexp
}

var headingRules = buildHeadingRules()

// buildHeadingRules makes the rules of each kind. At the start of a line a label needs a colon or a dash behind it; the
// unmistakable ones may also fill a line alone, or be set in bold; and they may stand inside a line, with a colon, as in "… steps: 1) open 2) save".
func buildHeadingRules() []headingRule {
	const decoration = `[-*•>#_~ \t]*`
	var rules []headingRule
	for kind, words := range labels {
		rules = append(rules, headingRule{kind, regexp.MustCompile(`(?im)^` + decoration + `(` + words + `)[*_~]{0,2}[ \t]*(?::|[ \t][-–—][ \t])[*_~]{0,2}[ \t]*`)})
		if kind >= stepsPart && kind <= environmentPart {
			rules = append(rules, headingRule{kind, regexp.MustCompile(`(?im)^` + decoration + `(` + words + `)[*_~]{0,2}[ \t]*\??[ \t]*$`)})
			rules = append(rules, headingRule{kind, regexp.MustCompile(`(?im)^[ \t]*[*_]{1,2}(` + words + `)[*_]{1,2}[ \t]+`)})
		}
		if kind >= stepsPart && kind <= browserPart {
			rules = append(rules, headingRule{kind, regexp.MustCompile(`(?i)[ \t(][*_]{0,2}(` + words + `)[*_]{0,2}:[*_]{0,2}[ \t]*`)})
		}
	}
	return rules
}

// headings returns the labels of a text in its order; of those that overlap, the one that begins first and is longest.
func headings(text string) []heading {
	var found []heading
	for _, rule := range headingRules {
		for _, at := range rule.match.FindAllStringIndex(text, -1) {
			found = append(found, heading{rule.kind, at[0], at[1]})
		}
	}
	slices.SortFunc(found, func(a, b heading) int {
		switch {
		case a.start != b.start:
			return a.start - b.start
		case a.end != b.end:
			return b.end - a.end
		}
		return int(a.kind - b.kind)
	})
	kept := found[:0]
	for _, h := range found {
		if len(kept) == 0 || h.start >= kept[len(kept)-1].end {
			kept = append(kept, h)
		}
	}
	return kept
}

// parts is a text cut at its labels. What follows a part without belonging to it goes to the summary.
type parts map[kind]string

func split(text string) parts {
	p := parts{}
	found := headings(text)
	end := func(i int) int {
		if i < len(found) {
			return found[i].start
		}
		return len(text)
	}
	p.add(summaryPart, text[:end(0)])
	for i, h := range found {
		body := text[h.end:end(i+1)]
		switch h.kind {
		case otherPart:
			p.add(summaryPart, text[h.start:end(i+1)])
		case summaryPart:
			p.add(summaryPart, body)
		default:
			own, rest := ownPart(h.kind, body)
			p.add(h.kind, own)
			p.add(summaryPart, rest)
		}
	}
	return p
}

func (p parts) add(k kind, body string) {
	body = strings.TrimSpace(body)
	switch {
	case body == "":
	case p[k] == "":
		p[k] = body
	default:
		p[k] += "\n\n" + body
	}
}

// ownPart divides what follows a label into what the label speaks of and the rest.
func ownPart(k kind, body string) (own, rest string) {
	body = strings.TrimLeft(body, " \t\n")
	switch k {
	case stepsPart:
		return untilListEnds(body)
	case expectedPart, actualPart, environmentPart:
		return untilEmptyLine(body)
	default:
		own, rest, _ = strings.Cut(body, "\n")
		return strings.Trim(own, " \t,;"), rest
	}
}

// untilEmptyLine cuts at the first empty line that is not followed by code: that still belongs to what announced it.
func untilEmptyLine(body string) (own, rest string) {
	lines := strings.Split(body, "\n")
	for i, line := range lines {
		if strings.TrimSpace(line) != "" {
			continue
		}
		next := firstLine(lines[i:])
		if !isPlaceOnly(next) {
			return strings.Join(lines[:i], "\n"), strings.Join(lines[i:], "\n")
		}
	}
	return body, ""
}

// untilListEnds cuts at the first empty line that is followed by something other than another item, or by code.
func untilListEnds(body string) (own, rest string) {
	lines := strings.Split(body, "\n")
	for i, line := range lines {
		if strings.TrimSpace(line) != "" {
			continue
		}
		next := firstLine(lines[i:])
		if next != "" && !listItem.MatchString(next) && !isPlaceOnly(next) {
			return strings.Join(lines[:i], "\n"), strings.Join(lines[i:], "\n")
		}
	}
	return body, ""
}

func firstLine(lines []string) string {
	for _, line := range lines {
		if line = strings.TrimSpace(line); line != "" {
			return line
		}
	}
	return ""
}

func isPlaceOnly(s string) bool {
	return s != "" && strings.IndexFunc(s, func(r rune) bool { return !isPlace(r) }) < 0
}
