package triage

import (
	"regexp"
	"strings"
)

// Report is what a bug report says, in plain text that is cleaned and not yet made inert: [Render] does that. Code stands
// between backticks as its author set it.
type Report struct {
	Title       string   `json:"title"` // one line, never empty when it comes from Extract
	Summary     string   `json:"summary,omitempty"`
	Steps       []string `json:"steps,omitempty"`
	Expected    string   `json:"expected,omitempty"`
	Actual      string   `json:"actual,omitempty"`
	Severity    string   `json:"severity,omitempty"`    // Critical, High, Medium, Low, or empty
	Component   string   `json:"component,omitempty"`   // one of the route's, or empty
	Environment string   `json:"environment,omitempty"` // one fact in each line, such as "Browser: Chrome 120"
	Links       []string `json:"links,omitempty"`
	Files       []File   `json:"files,omitempty"`
	// Footer says who read the message, in one line of our own words; empty where nobody could ask.
	Footer string `json:"footer,omitempty"`
}

// The longest texts of a report, in runes. The message itself is quoted in full, so a section may be short.
const (
	maxSummary = 2000
	maxSection = 1000
	maxLinks   = 20
)

// contrast is how people tell expected and actual without labels.
var contrast = regexp.MustCompile(`(?i)\bexpect(?:ed|ing|s)?\s+(?:to see\s+|that\s+)?([^.!?\n]{3,200}?),?\s+(?:but|instead)\s+((?:i\s+|we\s+|it\s+)?(?:got|get|saw|see|it|they|the|there|nothing|only|was|is|all)\b[^\n]{0,300}?)(?:[.!?](?:\s|$)|\n|$)`)

// Extract reads a message that was taken for a bug report. It never fails: a message that says little gives a report that
// says little, with a title.
func Extract(m Message) Report {
	d := newDocument(m.PlainText())
	p := split(d.text)
	words := d.words()
	r := Report{
		Title:       m.Title(),
		Summary:     section(d, fromFirstWord(p[summaryPart]), maxSummary),
		Expected:    section(d, p[expectedPart], maxSection),
		Actual:      section(d, p[actualPart], maxSection),
		Severity:    severityOf(p[severityPart], words),
		Environment: environmentOf(p, words),
		Links:       links(m),
		Files:       m.Files,
	}
	for _, step := range stepsIn(p[stepsPart]) {
		r.Steps = append(r.Steps, section(d, step, maxStep))
	}
	if r.Expected == "" && r.Actual == "" {
		r.Expected, r.Actual = contrasted(d)
	}
	if sameWords(r.Summary, r.Title) {
		r.Summary = ""
	}
	return r
}

func section(d document, text string, limit int) string {
	return cut(strings.TrimSpace(d.restore(unstyled(text))), limit)
}

// fromFirstWord drops the lines before the first that says more than hello.
func fromFirstWord(text string) string {
	for text != "" {
		line, rest, _ := strings.Cut(text, "\n")
		if hasWord(headline(oneLine(line))) || strings.ContainsFunc(line, isPlace) {
			return text
		}
		text = rest
	}
	return ""
}

// contrasted finds "expected X but got Y".
func contrasted(d document) (expected, actual string) {
	m := contrast.FindStringSubmatch(d.text)
	if m == nil {
		return "", ""
	}
	return section(d, m[1], maxSection), section(d, m[2], maxSection)
}

// sameWords reports whether a summary says no more than the title made from it.
func sameWords(summary, title string) bool {
	return strings.HasSuffix(strings.TrimRight(oneLine(summary), ".,:;! "), title) && !strings.Contains(summary, "\n")
}
