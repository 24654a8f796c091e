package triage

import (
	"regexp"
	"strings"
)

const maxFact = 120 // runes

// fact is one thing about where a bug shows: how to find it in a text without labels, and the label it gets. The first
// group of the pattern is the value.
type fact struct {
	kind  kind
	label string
	find  *regexp.Regexp
}

// facts are in the order of the report. The version comes last, because a number with two dots that belongs to a system
// or a browser is not the product's.
var facts = []fact{
	{systemPart, "OS", regexp.MustCompile(`\b((?:macOS|Mac OS X|OS X|iOS|iPadOS|Android|Windows|Ubuntu|Debian|Fedora|Linux|ChromeOS|android|ubuntu)(?:[ -](?:Server )?(?:\d+(?:[._]\d+)*|XP|Ventura|Sonoma|Sequoia|Monterey|Big Sur)(?: LTS)?)?)\b`)},
	{browserPart, "Browser", regexp.MustCompile(`\b((?:[Mm]obile )?(?:(?:Google )?[Cc]hrome|[Ff]irefox|[Ss]afari|Microsoft Edge|MS Edge|Opera|Brave)(?: (?:v|version )?\d+(?:\.\d+)*)?)\b|\b(Edge (?:v|version )?\d+(?:\.\d+)*)\b|\b(?:in|on|using|with) (Edge)\b`)},
	{devicePart, "Device", regexp.MustCompile(`\b(iPhone(?: ?(?:SE|XR|XS|X|\d{1,2}))?(?: (?:Pro Max|Pro|Plus|[Mm]ini))?|iPad(?: (?:Pro|Air|[Mm]ini))?|Pixel \d\w?(?: Pro)?|Galaxy \w+)\b`)},
	{versionPart, "Version", regexp.MustCompile(`(?i)(?:\b(?:version|build|release)\s+(v?\d+(?:\.\d+)*(?:[-+][\w.]+)?)|(?:^|[\s(@])(v\d+(?:\.\d+){1,3}(?:[-+][\w.]+)?|\d+(?:\.\d+){2}(?:[-+]\w+(?:\.\w+)*)?))(?:[\s,;:!?)]|\.(?:\s|$)|$)`)},
}

var (
	stage      = regexp.MustCompile(`(?i)(?:\b(?:on|in|to|from|only)\s+(?:the\s+|our\s+)?|^|[\[(])(production|prod|staging|stage|qa|uat|dev|development|localhost)(?:[\s.,;:!?)\]]|$)|\b(production|prod|staging|qa|uat|dev|development|preview|sandbox)\s+(?:env(?:ironment)?|server|cluster|site)\b`)
	elsewhere  = regexp.MustCompile(`(?i)\b(?:works?|worked|working|fine|ok|okay|good)\s+(?:fine\s+|ok\s+|well\s+|as expected\s+)?(?:in|on|with|under)\s+(?:the\s+)?\w+(?:\s+v?\d[\d.]*)?`)
	stageNames = map[string]string{"prod": "production", "stage": "staging", "dev": "development"}
)

// environmentOf returns the facts of a report, one in each line: as labelled, else by their common forms in the text.
func environmentOf(p parts, text string) string {
	free := p[environmentPart]
	text = elsewhere.ReplaceAllString(text, " ")
	lines := stageLine(free, text)
	for _, f := range facts {
		value := p[f.kind]
		if value == "" && !f.find.MatchString(free) {
			value = firstGroup(f.find, text)
		}
		text = f.find.ReplaceAllString(text, " ")
		if value = cut(oneLine(strings.Trim(value, " \t.,;*_")), maxFact); hasWord(value) {
			lines = append(lines, f.label+": "+value)
		}
	}
	return strings.Join(lines, "\n")
}

// stageLine returns what stands behind "Environment:", of several lines if it has them, else the stage the text names.
func stageLine(free, text string) []string {
	var lines []string
	for line := range strings.SplitSeq(free, "\n") {
		if line = cut(oneLine(itemMark.ReplaceAllString(line, "")), maxFact); hasWord(line) {
			lines = append(lines, line)
		}
	}
	switch {
	case len(lines) == 1:
		return []string{"Environment: " + canonicalStage(strings.Trim(lines[0], " .,;*_"))}
	case len(lines) > 1:
		return lines
	}
	if name := firstGroup(stage, text); name != "" {
		return []string{"Environment: " + canonicalStage(name)}
	}
	return nil
}

func canonicalStage(name string) string {
	return firstOf(stageNames[strings.ToLower(name)], name)
}

// firstGroup returns the first group of the first match that holds anything.
func firstGroup(re *regexp.Regexp, text string) string {
	for _, groups := range re.FindAllStringSubmatch(text, -1) {
		for _, group := range groups[1:] {
			if group != "" {
				return group
			}
		}
	}
	return ""
}
