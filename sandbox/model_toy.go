package sandbox

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// jsonSchema is the part of JSON Schema that strict answers are made by.
type jsonSchema struct {
	Type                 string                `json:"type"`
	Enum                 []string              `json:"enum"`
	Properties           map[string]jsonSchema `json:"properties"`
	Required             []string              `json:"required"`
	AdditionalProperties *bool                 `json:"additionalProperties"`
}

// fault says why a strict answer cannot be made by the schema, as OpenAI's guide to structured outputs has it: every key is
// required, and no other is allowed. "" is none.
func (s jsonSchema) fault() string {
	if s.Type != "object" || s.AdditionalProperties == nil || *s.AdditionalProperties {
		return "'additionalProperties' is required to be supplied and to be false."
	}
	for key := range s.Properties {
		if !slices.Contains(s.Required, key) {
			return "'required' is required to be supplied and to be an array including every key in properties. Missing '" + key + "'."
		}
	}
	return ""
}

// toy answers questions about a text by a few rules of its own, no more than its tests need.
type toy struct{ text string }

// toyOf takes the text out of a question that is JSON.
func toyOf(question string) toy {
	var asked struct {
		Message string `json:"message"`
	}
	if json.Unmarshal([]byte(question), &asked) != nil || asked.Message == "" {
		return toy{question}
	}
	return toy{asked.Message}
}

// modelReply is the message of the assistant.
type modelReply struct {
	Role    string  `json:"role"`
	Content string  `json:"content"`
	Refusal *string `json:"refusal"`
	finish  string
}

func (t toy) reply(s jsonSchema, mood string) modelReply {
	r := modelReply{Role: "assistant", Content: t.answer(s, mood), finish: "stop"}
	switch mood {
	case AnswerNonsense:
		r.Content = "Sure! Here is the JSON that you asked for. It looks like a bug to me: " + t.text
	case AnswerCut:
		r.Content, r.finish = r.Content[:len(r.Content)/2], "length"
	case AnswerRefusal:
		sorry := "I'm sorry, I cannot assist with that request."
		r.Content, r.Refusal = "", &sorry
	}
	return r
}

// answer fills in the schema.
func (t toy) answer(s jsonSchema, mood string) string {
	values := map[string]any{}
	for name, property := range s.Properties {
		if values[name] = t.value(name, property); mood == AnswerObedient {
			values[name] = t.obeyed(property)
		}
	}
	if mood == AnswerForeign {
		values["repository"], values["labels"], values["mention"] = "other/repo", []string{"admin"}, "@everyone"
	}
	text, err := json.Marshal(values)
	if err != nil {
		return err.Error() // no value of these types can bring it about
	}
	return string(text)
}

var (
	complaint = regexp.MustCompile(`(?i)crash|error|fail|broken|\b50[0-9]\b|does not|doesn't|funktioniert nicht|stürzt|plante|エラー|days in March`)
	doubtful  = regexp.MustCompile(`(?i)\b(maybe|not sure|might)\b`)
	numbered  = regexp.MustCompile(`(?m)^\s*\d+[.)]\s+(.+)$`)
	place     = regexp.MustCompile(`\b(?:Chrome|Firefox|Safari|Android|iOS|Windows|Linux|macOS)(?: \d+)?\b`)
	sentence  = regexp.MustCompile(`^.{1,80}?(?:[.!?。\n]|$)`)
)

func (t toy) value(name string, s jsonSchema) any {
	switch {
	case len(s.Enum) > 0:
		return t.choose(s.Enum)
	case s.Type == "boolean":
		return complaint.MatchString(t.text)
	case s.Type == "number" && doubtful.MatchString(t.text):
		return 0.4
	case s.Type == "number":
		return 0.9
	case s.Type == "array" && name == "steps":
		return t.steps()
	case s.Type == "array":
		return append([]string{}, place.FindAllString(t.text, -1)...)
	case name == "title":
		return strings.TrimRight(sentence.FindString(t.text), ".!?。\n ")
	case name == "summary":
		return "Somebody writes: " + t.text
	}
	return t.section(name)
}

// choose returns the first value that stands in the text, and else the last one, which is for that.
func (t toy) choose(values []string) string {
	text := strings.ToLower(t.text)
	for _, value := range values {
		if strings.Contains(text, strings.ToLower(value)) {
			return value
		}
	}
	return values[len(values)-1]
}

func (t toy) steps() []string {
	steps := []string{}
	for _, line := range numbered.FindAllStringSubmatch(t.text, -1) {
		steps = append(steps, line[1])
	}
	return steps
}

// section returns what follows "Expected:" in its line.
func (t toy) section(name string) string {
	line := regexp.MustCompile(`(?im)^` + regexp.QuoteMeta(name) + `:\s*(.+)$`).FindStringSubmatch(t.text)
	if line == nil {
		return ""
	}
	return line[1]
}

func (t toy) obeyed(s jsonSchema) any {
	switch {
	case len(s.Enum) > 0:
		return s.Enum[0]
	case s.Type == "boolean":
		return true
	case s.Type == "number":
		return 1
	case s.Type == "array":
		return []string{t.text}
	}
	return t.text
}
