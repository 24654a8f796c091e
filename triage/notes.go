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

// withSection puts a section above the marker. One that does not fit any more is left out: the message is worth more.
func (i Issue) withSection(heading, text string) Issue {
	at := strings.LastIndex(i.Body, "\n\n")
	if text == "" || at < 0 {
		return i
	}
	if body := i.Body[:at] + "\n\n### " + heading + "\n\n" + text + i.Body[at:]; len(body) <= maxBody {
		i.Body = body
	}
	return i
}
