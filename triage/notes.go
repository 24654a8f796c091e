package triage

import (
	"strconv"
	"strings"
)

// WithRelated returns the issue with references to others that may be about the same, by number.
func (i Issue) WithRelated(numbers []int) Issue {
	lines := make([]string, 0, len(numbers))
	for _, number := range numbers {
		lines = append(lines, "- #"+strconv.Itoa(number))
	}
	return i.withSection("Possibly related", strings.Join(lines, "\n"))
}

// WithLeftOut returns the issue with a note of what GitHub refused, such as "milestone v9".
func (i Issue) WithLeftOut(what []string) Issue {
	lines := make([]string, 0, len(what))
	for _, w := range what {
		lines = append(lines, "- "+inert(cut(w, maxName)))
	}
	return i.withSection("Left out because GitHub refused it", strings.Join(lines, "\n"))
}

// WithoutTemplate returns the issue with a line that says why it is not written by a template: "there is no such file".
func (i Issue) WithoutTemplate(file, why string) Issue {
	return i.withPart("Written without the template " + codeSpan(cut(file, maxName)) + ": " + inert(cut(why, maxFooter)) + ".")
}

func (i Issue) withSection(heading, text string) Issue {
	if text == "" {
		return i
	}
	return i.withPart("### " + heading + "\n\n" + text)
}

// withPart puts a part above the marker. One that does not fit any more is left out: the message is worth more.
func (i Issue) withPart(text string) Issue {
	at := strings.LastIndex(i.Body, "\n\n")
	if at < 0 {
		return i
	}
	if body := i.Body[:at] + "\n\n" + text + i.Body[at:]; len(body) <= maxBody {
		i.Body = body
	}
	return i
}
