package triage

import (
	"regexp"
	"strings"
)

// The severities of a [Report], worst first. A report whose message tells none has the empty one.
const (
	Critical = "critical"
	High     = "high"
	Medium   = "medium"
	Low      = "low"
)

var severities = []string{Critical, High, Medium, Low}

var (
	// statedSeverity finds what a reporter says in so many words; P0 and sev1 mean the same without a label.
	statedSeverity = regexp.MustCompile(`(?i)\b(?:severity|priority|prio|sev)\b[*_]{0,2}\s*(?:is|[:=–-])?\s*[*_]{0,2}(` + severityWords + `)\b`)
	bareLevel      = regexp.MustCompile(`\b(?:[Pp][0-4]|(?i:sev)[ -]?[0-4])\b`)
	leadingWord    = regexp.MustCompile(`(?i)^[\s*_]*(` + severityWords + `)\b`)
	harmless       = regexp.MustCompile(`(?i)\b(?:not|isn't|is not|no|without|never)\s+(?:really\s+|that\s+|very\s+|so\s+|an?\s+|any\s+)*(?:critical|blocker|blocking|urgent|outage|data loss|crash(?:es|ing)?)\b|\bedit(?:ed)?: typos?\b`)
)

const severityWords = `critical|blocker|highest|urgent|high|major|medium|moderate|normal|minor|lowest|low|trivial|cosmetic|p[0-4]|sev[ -]?[0-4]`

// statedAs maps the words of severityWords; spaces and hyphens are removed before.
var statedAs = map[string]string{
	"critical": Critical, "highest": Critical, "p0": Critical, "sev0": Critical, "sev1": Critical,
	"blocker": High, "urgent": High, "high": High, "major": High, "p1": High, "sev2": High,
	"medium": Medium, "moderate": Medium, "normal": Medium, "p2": Medium, "sev3": Medium,
	"minor": Low, "lowest": Low, "low": Low, "trivial": Low, "cosmetic": Low, "p3": Low, "p4": Low, "sev4": Low,
}

// impliedBy tells the severity by what happened, worst first.
var impliedBy = []struct {
	severity string
	words    *regexp.Regexp
}{
	{Critical, regexp.MustCompile(`(?i)\b(?:outages?|data[ -]?loss|(?:lost|losing|loses?|wiped|deleted) (?:\w+ ){0,2}(?:data|work|orders|records|history)|(?:prod|production|site|website|service|api|app|everything) (?:is|are|was|went) (?:completely |totally )?down|security (?:hole|issue|bug)|vulnerability|(?:all|every|no) (?:users?|customers?|one|body)(?: \w+)? (?:can|cannot|can't|are|is) |nobody can|charged twice|double[ -]charged)\b`)},
	{High, regexp.MustCompile(`(?i)\b(?:crash(?:es|ed|ing)?|blockers?|blocks? (?:us|me|our|the)|blocking|panics?|segfaults?|urgent|asap|regression|corrupt(?:s|ed|ion)?|internal server error|memory leak)\b`)},
	{Medium, regexp.MustCompile(`(?i)\b(?:sometimes|intermittent(?:ly)?|occasionally|workaround|slow|flaky|once in a while)\b`)},
	{Low, regexp.MustCompile(`(?i)\b(?:typos?|cosmetic|misspell(?:ed|ing)|misaligned|alignment|pixels?|nitpick|nit|minor|trivial|wording)\b`)},
}

// severityOf returns the severity that a text states, else the one that its words imply, else "". The first argument is
// what stands behind a label such as "Severity:".
func severityOf(labelled, text string) string {
	if m := leadingWord.FindStringSubmatch(labelled); m != nil {
		return stated(m[1])
	}
	text = harmless.ReplaceAllString(straight(text), " ")
	if m := statedSeverity.FindStringSubmatch(text); m != nil {
		return stated(m[1])
	}
	if level := bareLevel.FindString(text); level != "" {
		return stated(level)
	}
	for _, implied := range impliedBy {
		if implied.words.MatchString(text) {
			return implied.severity
		}
	}
	return ""
}

func stated(word string) string {
	return statedAs[strings.NewReplacer(" ", "", "-", "").Replace(strings.ToLower(word))]
}

// straight replaces the typographic apostrophe, which telephones put into "can’t".
func straight(s string) string { return strings.ReplaceAll(s, "’", "'") }
