package triage

import (
	"regexp"
	"strconv"
	"strings"
)

const (
	maxSteps = 30
	maxStep  = 300 // runes
)

var (
	listItem   = regexp.MustCompile(`^\s*(?:\(?\d{1,2}(?:[.):]\s|\))|[-*•–+]\s)`)
	itemMark   = regexp.MustCompile(`^\s*(?:\(?\d{1,2}[.):]|[-*•–+])\s*`)
	inlineMark = regexp.MustCompile(`(?:^|[\s,;])\(?(\d{1,2})(?:[.):]\s+|\))`) // not the 1. of 1.5
	arrow      = regexp.MustCompile(`\s*(?:->|=>|→|➡️?|⇒)\s*`)
)

// stepsIn returns the items of a list, numbered, bulleted, in lines or in one line.
func stepsIn(body string) []string {
	var steps []string
	for _, item := range items(body) {
		if item = strings.TrimSpace(item); hasWord(item) || strings.ContainsFunc(item, isPlace) {
			steps = append(steps, item)
		}
	}
	return steps[:min(len(steps), maxSteps)]
}

func items(body string) []string {
	body = strings.TrimSpace(body)
	if numbered := inlineItems(body); len(numbered) > 1 {
		return numbered
	}
	lines := lineItems(body)
	if len(lines) == 1 && arrow.MatchString(lines[0]) {
		return arrow.Split(lines[0], -1)
	}
	return lines
}

// inlineItems splits at 1), 2), 3) … as long as they count up, wherever they stand; "2 tabs" or "3.5" do not.
func inlineItems(body string) []string {
	var cuts [][]int
	for _, at := range inlineMark.FindAllStringSubmatchIndex(body, -1) {
		if n, err := strconv.Atoi(body[at[2]:at[3]]); err == nil && n == len(cuts)+1 {
			cuts = append(cuts, at)
		}
	}
	var found []string
	for i, at := range cuts {
		end := len(body)
		if i+1 < len(cuts) {
			end = cuts[i+1][0]
		}
		found = append(found, joinLines(body[at[1]:end]))
	}
	return found
}

// lineItems takes each line for an item, and a line without a mark for a part of the item before it where that has one.
func lineItems(body string) []string {
	var found []string
	marked := false
	for line := range strings.SplitSeq(body, "\n") {
		switch {
		case strings.TrimSpace(line) == "":
		case listItem.MatchString(line):
			found, marked = append(found, itemMark.ReplaceAllString(line, "")), true
		case marked:
			found[len(found)-1] += " " + strings.TrimSpace(line)
		default:
			found = append(found, strings.TrimSpace(line))
		}
	}
	return found
}

func joinLines(s string) string { return strings.Join(strings.Fields(s), " ") }
