package triage

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// answer is what a model says, by the schema of its [Brief].
type answer struct {
	IsBug       bool     `json:"is_bug"`
	Confidence  float64  `json:"confidence"`
	Title       string   `json:"title"`
	Summary     string   `json:"summary"`
	Steps       []string `json:"steps"`
	Expected    string   `json:"expected"`
	Actual      string   `json:"actual"`
	Severity    string   `json:"severity"`
	Component   string   `json:"component"`
	Environment []string `json:"environment"`
}

// ReadAnswer takes what a model said about a message by its word, and not further: every key has to be there and no other,
// severity and component are of their lists, texts are cleaned and cut like those of [Extract], links and files are the
// message's own. The error says what is wrong with the answer, and repeats nothing of it.
func ReadAnswer(m Message, components []string, said string) (Understanding, error) {
	a, err := parseAnswer(said)
	switch {
	case err != nil:
		return Understanding{}, err
	case !(a.Confidence >= 0 && a.Confidence <= 1):
		return Understanding{}, errors.New("confidence is not between 0 and 1")
	case !slices.Contains(orUnknown(severities), a.Severity):
		return Understanding{}, errors.New("severity is none of those asked for")
	case !slices.Contains(orUnknown(components), a.Component):
		return Understanding{}, errors.New("component is none of those asked for")
	case a.IsBug && !hasWord(oneLine(a.Title)):
		return Understanding{}, errors.New("title says nothing")
	}
	return a.about(m, components), nil
}

// parseAnswer is strict: a key that is missing or unknown makes the whole a guess. A fence around the object, which models
// without schemas like, is none of its words.
func parseAnswer(said string) (answer, error) {
	said = strings.TrimSpace(said)
	if inside, fenced := strings.CutPrefix(said, codeMark); fenced {
		said = strings.TrimSuffix(strings.TrimPrefix(inside, "json"), codeMark)
	}
	var keys map[string]json.RawMessage
	if err := json.Unmarshal([]byte(said), &keys); err != nil {
		return answer{}, errors.New("it is no JSON object")
	}
	for _, key := range answerKeys {
		if value, there := keys[key]; !there || string(value) == "null" {
			return answer{}, fmt.Errorf("%s is missing", key)
		}
	}
	if len(keys) > len(answerKeys) {
		return answer{}, errors.New("it has keys that nobody asked for")
	}
	var a answer
	if err := json.Unmarshal([]byte(said), &a); err != nil {
		if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return answer{}, fmt.Errorf("%s has the wrong type", wrong.Field)
		}
		return answer{}, errors.New("it is no JSON object")
	}
	return a, nil
}

func (a answer) about(m Message, components []string) Understanding {
	text := func(s string, limit int) string { return cut(strings.TrimSpace(clean(named(m, s))), limit) }
	u := Understanding{Classification: Classification{Report: a.IsBug, Confidence: a.Confidence, Reason: "the model says so"}}
	if !a.IsBug {
		u.Confidence, u.Reason = 1-a.Confidence, "the model says that it is none"
	}
	r := Report{
		Title: firstOf(oneLine(text(oneLine(a.Title), maxTitle)), m.Title()), Summary: text(a.Summary, maxSummary),
		Expected: text(a.Expected, maxSection), Actual: text(a.Actual, maxSection),
		Links: links(m), Files: m.Files,
	}
	if a.Severity != unknown {
		r.Severity = a.Severity
	}
	if slices.Contains(components, a.Component) {
		r.Component = a.Component
	}
	for _, step := range a.Steps[:min(len(a.Steps), maxSteps)] {
		if step = text(step, maxStep); hasWord(step) {
			r.Steps = append(r.Steps, step)
		}
	}
	var facts []string
	for _, fact := range a.Environment[:min(len(a.Environment), maxFacts)] {
		if fact = text(oneLine(fact), maxFact); hasWord(fact) {
			facts = append(facts, oneLine(fact))
		}
	}
	r.Environment = strings.Join(facts, "\n")
	if sameWords(r.Summary, r.Title) {
		r.Summary = ""
	}
	u.Content = r
	return u
}

// maxFacts is more than any message tells of where a bug shows.
const maxFacts = 10

var personID = regexp.MustCompile(`@[UW][A-Z0-9]+`)

// named puts people's names back, which a [Brief] leaves out.
func named(m Message, s string) string {
	return personID.ReplaceAllStringFunc(s, func(id string) string {
		return "@" + decoder{names: m.Names}.person(id[1:], "")
	})
}
