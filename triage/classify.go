package triage

import (
	"math"
	"regexp"
	"strings"
)

// Threshold is the confidence from which a message counts as a bug report.
const Threshold = 0.5

// Classification says whether a message is a bug report, and why.
type Classification struct {
	Report     bool    `json:"report"`
	Confidence float64 `json:"confidence"` // 0 to 1; by the rules, a report from Threshold on
	Reason     string  `json:"reason"`     // the signals that were found, for people
}

// bias is what speaks against a message in a channel before a word is read, in log-odds: most of what people write there
// is no bug report.
const bias = -2.1

// Classify decides by rules whether a message is a bug report. Each signal that is found adds its weight once, and the sum
// is taken as log-odds; so several weak signs make a report as well as a strong one, and no sign is decisive alone.
func Classify(m Message) Classification {
	prose, whole := evidence(m)
	odds := bias
	var pro, contra []string
	for _, s := range signals {
		if !s.in(prose, whole, m) {
			continue
		}
		odds += s.weight
		if s.weight > 0 {
			pro = append(pro, s.name)
		} else {
			contra = append(contra, s.name)
		}
	}
	confidence := math.Round(100/(1+math.Exp(-odds))) / 100
	return Classification{Report: confidence >= Threshold, Confidence: confidence, Reason: reason(pro, contra)}
}

func reason(pro, contra []string) string {
	switch {
	case len(pro) == 0 && len(contra) == 0:
		return "no signal"
	case len(contra) == 0:
		return strings.Join(pro, ", ")
	case len(pro) == 0:
		return "against: " + strings.Join(contra, ", ")
	}
	return strings.Join(pro, ", ") + "; against: " + strings.Join(contra, ", ")
}

var (
	webAddress = regexp.MustCompile(`https?://\S+`)
	shortcode  = regexp.MustCompile(`:[a-z0-9_+'-]+:`)
	quotedLine = regexp.MustCompile(`(?m)^>.*$`)
)

// evidence returns what the author says, without code, quotations, addresses and everything that only looks like a
// symptom; and the whole text, where stack traces are found.
func evidence(m Message) (prose, whole string) {
	whole = beginning(straight(m.PlainText()))
	prose = newDocument(straight(shortText(m))).words()
	for _, noise := range []*regexp.Regexp{quotedLine, webAddress, shortcode, lookalike} {
		prose = noise.ReplaceAllString(prose, " ")
	}
	return prose, whole
}
