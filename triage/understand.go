package triage

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Understanding is what somebody made of a message: whether it is a bug report, and what it says.
type Understanding struct {
	Classification

	Content Report `json:"content"`
	// Unread is why no model read the message, as [NoAnswerError.Reason]; "" where one did, or none was asked.
	Unread string `json:"unread,omitempty"`
}

// Understander reads a message. Components are the parts of the product that a report can be about; it names one of them,
// or none. Whatever else it answers is a text, which [Render] makes inert: it cannot choose a repository or a label.
// Errors: [*NoAnswerError]; the rules have none.
type Understander interface {
	Understand(ctx context.Context, m Message, components []string) (Understanding, error)
}

// NoAnswerError says why a language model understood nothing.
type NoAnswerError struct {
	// Reason completes "because the model …". It holds nothing of the message and nothing of the network, so it may stand in
	// an issue.
	Reason string
	// Err is the cause for operators; nil where there is no more to say.
	Err error
}

func (e *NoAnswerError) Error() string {
	if e.Err == nil {
		return "the model " + e.Reason
	}
	return "the model " + e.Reason + ": " + e.Err.Error()
}

func (e *NoAnswerError) Unwrap() error { return e.Err }

// ByRules reads a message with [Classify] and [Extract], without a network and without fail. The component is the one
// that the message names; where it names several, none.
func ByRules(m Message, components []string) Understanding {
	u := Understanding{Classification: Classify(m), Content: Extract(m)}
	u.Content.Component = componentIn(m, components)
	return u
}

// componentIn returns the only component that stands in the message as whole words, or "".
func componentIn(m Message, components []string) string {
	text := straight(searched(m))
	var found []string
	for _, component := range components {
		if regexp.MustCompile(`(?i)` + wholeWords(component)).MatchString(text) {
			found = append(found, component)
		}
	}
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// UnderstoodBy returns the understanding with a line for the foot of the issue: which model read the message, and how sure it
// is.
func (u Understanding) UnderstoodBy(model string) Understanding {
	u.Content.Footer = fmt.Sprintf("Read by model `%s`, %s sure that this is a bug report.", codeless(model), percent(u.Confidence))
	return u
}

// Instead returns the understanding of the rules with a line for the foot of the issue: why no model read the message.
func (u Understanding) Instead(e *NoAnswerError) Understanding {
	u.Unread = e.Reason
	u.Content.Footer = "Read by rules, because the model " + e.Reason + "."
	return u
}

func codeless(s string) string { return strings.ReplaceAll(oneLine(s), "`", "'") }

func percent(share float64) string { return fmt.Sprintf("%.0f%%", 100*share) }

// NeedsTriage is the label of issues that nobody was sure enough about.
const NeedsTriage = "needs-triage"

// Weighed returns the issue with the label [NeedsTriage] where confidence is below the threshold.
func (i Issue) Weighed(confidence, threshold float64) Issue {
	known := slices.ContainsFunc(i.Labels, func(label string) bool { return strings.EqualFold(label, NeedsTriage) })
	if confidence < threshold && !known {
		i.Labels = append(slices.Clone(i.Labels), NeedsTriage)
	}
	return i
}
