package triage

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const (
	// maxBody is GitHub's limit on an issue body. GitHub counts characters; counting bytes is never too generous.
	maxBody = 65536
	// maxListed bounds each of the lists of steps, links and attachments, in bytes, so that most of a body is the message.
	maxListed = 5000
	// maxName is the longest file, channel or person's name that is shown, in runes.
	maxName = 120
	// maxFooter leaves room for the name of a model, in runes.
	maxFooter = 300
)

// body collects the parts of an issue, with an empty line between them.
type body struct{ parts []string }

func (b *body) add(part string) {
	if part != "" {
		b.parts = append(b.parts, part)
	}
}

// section adds a part with a heading, if there is one.
func (b *body) section(heading, text string) {
	if text != "" {
		b.add("### " + heading + "\n\n" + text)
	}
}

func (b *body) String() string { return strings.Join(b.parts, "\n\n") }

func renderBody(m Message, r Report) string {
	var head body
	head.add(provenance(m))
	(&answers{message: m, report: r}).rest(&head)
	return head.finish(m, r)
}

// finish puts the message into the room that everything else leaves it, and the marker at the end.
func (b *body) finish(m Message, r Report) string {
	var tail body
	tail.section("Attachments", attachments(r.Files))
	tail.section("Links", linkList(r.Links))
	tail.add(inert(cut(r.Footer, maxFooter)))
	tail.add(m.Marker())

	room := maxBody - len(b.String()) - len(tail.String()) - len("\n\n\n\n")
	b.section("Original message", quote(m, room))
	b.parts = append(b.parts, tail.parts...)
	return b.String()
}

// provenance says who reported where and when, in one line.
func provenance(m Message) string {
	line := "Reported by " + inert(cut(m.author(), maxName)) + login(m) + " in " + codeSpan(cut(oneLine(m.channelTitle()), maxName)) +
		" on " + inertTime(m.TS)
	if m.EditedAt != "" {
		line += ", edited " + inertTime(m.EditedAt)
	}
	if link := address(m.Permalink); link != "" {
		line += ": " + link
	}
	return line
}

// login names the reporter's account at GitHub, as code: a mention would subscribe them to the issue.
func login(m Message) string {
	if m.Login == "" {
		return ""
	}
	return " (" + codeSpan(cut(oneLine(m.Login), maxName)) + " at GitHub)"
}

// inertTime shows the time in a ts, and a ts that holds none as code.
func inertTime(ts string) string {
	if at, ok := sentAt(ts); ok {
		return at.Format("2 January 2006 at 15:04 UTC")
	}
	return codeSpan(cut(firstOf(oneLine(ts), "?"), maxName))
}

func numbered(steps []string) string {
	items := make([]string, 0, len(steps))
	for _, step := range steps {
		if text := prose(cut(step, maxStep)); text != "" {
			mark := fmt.Sprintf("%d. ", len(items)+1)
			items = append(items, mark+indent(text, len(mark)))
		}
	}
	return listed(items, "steps")
}

// indent moves the lines after the first under it, where the text of a list item belongs.
func indent(s string, width int) string {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		if i > 0 && line != "" {
			lines[i] = strings.Repeat(" ", width) + line
		}
	}
	return strings.Join(lines, "\n")
}

func bullets(lines []string) string {
	var items []string
	for _, line := range lines {
		if text := inert(line); text != "" {
			items = append(items, "- "+text)
		}
	}
	return listed(items, "lines")
}

func linkList(links []string) string {
	var items []string
	for _, link := range links {
		if text := address(link); text != "" {
			items = append(items, "- "+text)
		}
	}
	return listed(items, "links")
}

// attachments lists files by name and permalink; images too, since GitHub could not fetch them from Slack.
func attachments(files []File) string {
	items := make([]string, 0, len(files))
	for _, f := range files {
		item := "- " + codeSpan(cut(firstOf(oneLine(f.Name), oneLine(f.ID), "unnamed file"), maxName))
		if kind := describe(f); kind != "" {
			item += " (" + kind + ")"
		}
		if link := address(f.Permalink); link != "" {
			item += ": " + link
		}
		items = append(items, item)
	}
	return listed(items, "files")
}

// describe returns what is known about a file, such as "`image/png`, 47 kB".
func describe(f File) string {
	var known []string
	if mime := oneLine(f.MIMEType); mime != "" {
		known = append(known, codeSpan(cut(mime, maxName)))
	}
	switch {
	case f.Size >= 1e6:
		known = append(known, fmt.Sprintf("%.1f MB", float64(f.Size)/1e6))
	case f.Size >= 1e3:
		known = append(known, fmt.Sprintf("%d kB", f.Size/1e3))
	case f.Size > 0:
		known = append(known, fmt.Sprintf("%d bytes", f.Size))
	}
	return strings.Join(known, ", ")
}

// listed joins items as long as they fit into maxListed bytes, and says how many are left out.
func listed(items []string, what string) string {
	size := 0
	for i, item := range items {
		if size += len(item) + 1; size > maxListed {
			rest := fmt.Sprintf("\n\n%d more %s in the message.", len(items)-i, what)
			return strings.Join(items[:i], "\n") + rest
		}
	}
	return strings.Join(items, "\n")
}

// quote returns the message in a fence, in full if it fits into room bytes; otherwise as much of it as fits, and where the
// rest is.
func quote(m Message, room int) string {
	text := strings.Trim(shortenTicks(m.shown()), "\n")
	if strings.TrimSpace(text) == "" {
		return ""
	}
	const heading = len("### Original message\n\n")
	if whole := fence(text); heading+len(whole) <= room {
		return whole
	}
	const noteSize = 200
	rest := noteSize + maxURL + heading + 2*(maxTicks+1) + len("text\n\n")
	kept := cutBytes(text, room-rest)
	note := fmt.Sprintf("Truncated: %d of %d characters are shown, the rest is in Slack", utf8.RuneCountInString(kept), utf8.RuneCountInString(text))
	if link := address(m.Permalink); link != "" {
		note += ": " + link
	}
	return fence(kept) + "\n\n" + note
}
