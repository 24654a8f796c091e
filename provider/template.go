package provider

import (
	"regexp"
	"strings"
)

// templateField is a field of a JSON answer, with dots for fields of fields.
var templateField = regexp.MustCompile(`\{([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*)\}`)

// SubjectFields returns the fields that the subject is made of, for example "team_id" or "user.id".
func (i Identity) SubjectFields() []string {
	var fields []string
	for _, match := range templateField.FindAllStringSubmatch(i.Subject, -1) {
		fields = append(fields, match[1])
	}
	return fields
}

// ExpandSubject fills the subject's template. It reports false when a field is missing or empty: half a subject would
// make two grants look like one.
func (i Identity) ExpandSubject(field func(path string) string) (string, bool) {
	return expand(i.Subject, field)
}

// ExpandDisplay fills the template for people, in the same way.
func (i Identity) ExpandDisplay(field func(path string) string) (string, bool) {
	return expand(i.Display, field)
}

func expand(template string, field func(path string) string) (string, bool) {
	complete := template != ""
	text := templateField.ReplaceAllStringFunc(template, func(match string) string {
		value := field(strings.Trim(match, "{}"))
		complete = complete && value != ""
		return value
	})
	return text, complete
}
