package triage

import (
	"regexp"
	"strings"
)

// document is a text whose code is taken out, so that nothing in it is read as a heading, a step or a symptom. Each piece
// of code leaves one character of the private use area behind, which [clean] has removed from everything people write.
type document struct {
	text  string
	codes []string // as written, with its backticks
}

const (
	firstPlace = '\uE000'
	lastPlace  = '\uF8FF'
)

var code = regexp.MustCompile("(?s)```.+?```|`[^`\n]+`")

// maxRead is how many bytes of a message are read for what they mean. Whoever writes more has pasted a log, and the rules
// below take half a second for Slack's longest messages.
const maxRead = 10000

// beginning returns as much of a text as is read, with the code block closed that the cut has opened.
func beginning(plain string) string {
	if len(plain) <= maxRead {
		return plain
	}
	plain = cutBytes(plain, maxRead)
	if strings.Count(plain, codeMark)%2 == 1 {
		plain += codeMark
	}
	return plain
}

func newDocument(plain string) document {
	var d document
	d.text = code.ReplaceAllStringFunc(beginning(plain), func(written string) string {
		if strings.Trim(written, "` \n") == "" || firstPlace+rune(len(d.codes)) > lastPlace {
			return written
		}
		d.codes = append(d.codes, written)
		return string(firstPlace + rune(len(d.codes)-1))
	})
	return d
}

func isPlace(r rune) bool { return r >= firstPlace && r <= lastPlace }

// restore puts the code back as it was written.
func (d document) restore(s string) string {
	return d.replace(s, func(code string) string { return code })
}

// restoreInLine puts code of one line back, as code in the line, and leaves out what has more lines.
func (d document) restoreInLine(s string) string {
	return d.replace(s, func(code string) string {
		inside := strings.TrimSpace(strings.Trim(code, "`"))
		if strings.Contains(inside, "\n") {
			return ""
		}
		return "`" + inside + "`"
	})
}

// words returns the text with a space in the place of code.
func (d document) words() string { return d.replace(d.text, func(string) string { return " " }) }

func (d document) replace(s string, show func(code string) string) string {
	if len(d.codes) == 0 {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if i := int(r - firstPlace); isPlace(r) && i < len(d.codes) {
			b.WriteString(show(d.codes[i]))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}
