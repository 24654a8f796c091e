package triage

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// answers are what a report says, part by part, and which of them stand in the issue already.
type answers struct {
	message Message
	report  Report
	taken   map[kind]bool
}

// part is one thing that a report says: as text, and as Markdown that shows the text and does nothing else.
type part struct{ plain, shown string }

func (a *answers) part(k kind) part {
	r := a.report
	switch k {
	case titlePart:
		return ofLine(r.Title, maxIssueTitle)
	case summaryPart:
		return ofProse(firstOf(r.Summary, r.Title), maxSummary)
	case stepsPart:
		return ofSteps(r.Steps)
	case expectedPart:
		return ofProse(r.Expected, maxSection)
	case actualPart:
		return ofProse(r.Actual, maxSection)
	case severityPart:
		return ofLine(r.Severity, maxName)
	case componentPart:
		return ofLine(r.Component, maxName)
	case environmentPart:
		return ofFacts(a.facts())
	case versionPart, systemPart, browserPart, devicePart:
		return ofLine(factIn(a.facts(), k), maxFact)
	case logsPart:
		return ofLogs(a.message)
	case filesPart:
		return ofFiles(r.Files)
	case reporterPart:
		return ofReporter(a.message)
	case otherPart:
	}
	return part{}
}

// rest adds what no field took, under headings of ours.
func (a *answers) rest(head *body) {
	for _, own := range []struct {
		kind    kind
		heading string
	}{
		{summaryPart, "Summary"}, {stepsPart, "Steps to reproduce"}, {expectedPart, "Expected"}, {actualPart, "Actual"},
		{environmentPart, "Environment"}, {severityPart, "Severity"}, {componentPart, "Component"},
	} {
		switch {
		case a.taken[own.kind], own.kind == summaryPart && a.report.Summary == "": // the title says it
		case own.kind == environmentPart:
			head.section(own.heading, ofFacts(a.untaken()).shown)
		default:
			head.section(own.heading, a.part(own.kind).shown)
		}
	}
}

// facts are the lines of the environment.
func (a *answers) facts() []string {
	return strings.Split(cut(a.report.Environment, maxSection), "\n")
}

// untaken returns the facts that no field has asked for by their name.
func (a *answers) untaken() []string {
	return slices.DeleteFunc(a.facts(), func(line string) bool {
		for _, k := range factKinds {
			if a.taken[k] && factIn([]string{line}, k) != "" {
				return true
			}
		}
		return false
	})
}

// factLines find one fact among the lines of an environment; the value is the first group.
var factLines = map[kind]*regexp.Regexp{
	versionPart: factLine(versionPart), systemPart: factLine(systemPart), browserPart: factLine(browserPart), devicePart: factLine(devicePart),
}

var factKinds = []kind{versionPart, systemPart, browserPart, devicePart}

func factLine(k kind) *regexp.Regexp {
	return regexp.MustCompile(`(?i)^\s*(?:` + labels[k] + `)\s*[:=–-]\s*(\S.*)$`)
}

// factIn returns the value of a fact, or "".
func factIn(lines []string, k kind) string {
	for _, line := range lines {
		if found := factLines[k].FindStringSubmatch(oneLine(line)); found != nil {
			return found[1]
		}
	}
	return ""
}

func ofLine(s string, limit int) part {
	s = cut(oneLine(s), limit)
	return part{s, inert(s)}
}

func ofProse(s string, limit int) part {
	s = cut(s, limit)
	return part{strings.TrimSpace(clean(s)), prose(s)}
}

func ofSteps(steps []string) part {
	plain := make([]string, 0, len(steps))
	for _, step := range steps {
		if step = cut(strings.TrimSpace(clean(step)), maxStep); step != "" {
			plain = append(plain, fmt.Sprintf("%d. %s", len(plain)+1, step))
		}
	}
	return part{listed(plain, "steps"), numbered(steps)}
}

func ofFacts(lines []string) part {
	return part{strings.TrimSpace(clean(strings.Join(lines, "\n"))), bullets(lines)}
}

// maxLogs is how much of the code in a message a field for logs gets, in bytes: the message follows in full.
const maxLogs = 4000

// ofLogs takes the code blocks of a message.
func ofLogs(m Message) part {
	var logs []string
	for _, code := range newDocument(m.PlainText()).codes {
		if inside, block := strings.CutPrefix(code, codeMark); block {
			logs = append(logs, strings.Trim(strings.TrimSuffix(inside, codeMark), "\n"))
		}
	}
	text := strings.Join(logs, "\n\n")
	if len(text) > maxLogs {
		text = cutBytes(text, maxLogs) + "\n…"
	}
	if strings.TrimSpace(text) == "" {
		return part{}
	}
	return part{text, fence(text)}
}

func ofFiles(files []File) part {
	plain := make([]string, 0, len(files))
	for _, f := range files {
		plain = append(plain, cut(firstOf(oneLine(f.Name), oneLine(f.ID), "unnamed file"), maxName))
	}
	return part{listed(plain, "files"), attachments(files)}
}

func ofReporter(m Message) part {
	p := ofLine(m.author(), maxName)
	if link := address(m.Permalink); link != "" {
		p.shown += ", in Slack: " + link
	}
	return p
}
