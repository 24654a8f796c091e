package triage

import (
	"regexp"
	"strings"
)

// Followed is how far the comments of an issue follow the thread of its report.
type Followed struct {
	// Upto is the ts of the newest message that a comment holds; "" for none.
	Upto string `json:"upto,omitempty"`
	// Edited is the ts of the newest edit of the report that a comment tells of; "" for none.
	Edited string `json:"edited,omitempty"`
}

// Join returns the further of both.
func (f Followed) Join(other Followed) Followed {
	return Followed{Upto: max(f.Upto, other.Upto), Edited: max(f.Edited, other.Edited)}
}

var followedMarker = regexp.MustCompile(`^<!-- tokenkeeper-thread: (\S+) upto (\S+) edited (\S+) -->$`)

// none stands in a marker for a ts that there is not.
const none = "-"

// marker signs a comment, as [Key.Marker] signs an issue. It is another marker, so that no comment passes for an issue.
func (f Followed) marker(key Key) string {
	return "<!-- tokenkeeper-thread: " + key.String() + " upto " + firstOf(f.Upto, none) + " edited " + firstOf(f.Edited, none) + markerEnd
}

// FindFollowed returns how far a comment on the report's issue goes, and reports whether it is one of ours. Only the last
// line counts: a marker anywhere else is a quotation.
func FindFollowed(comment string, report Key) (Followed, bool) {
	comment = strings.TrimRight(comment, " \t\r\n")
	found := followedMarker.FindStringSubmatch(comment[strings.LastIndexByte(comment, '\n')+1:])
	if found == nil || found[1] != report.String() {
		return Followed{}, false
	}
	var f Followed
	for i, into := range []*string{&f.Upto, &f.Edited} {
		switch ts := found[i+2]; {
		case timestamp.MatchString(ts):
			*into = ts
		case ts != none:
			return Followed{}, false
		}
	}
	return f, true
}

// Contribution reports whether a message of a thread is something that a person said in it.
func Contribution(m Message, self Self) bool {
	if m.ThreadTS == "" || m.ThreadTS == m.TS {
		return false
	}
	m.ThreadTS = ""
	if m.Subtype == "thread_broadcast" {
		m.Subtype = ""
	}
	return skip(m, self) == ""
}

// ReopenWord is what somebody replies who wants a closed issue to be opened again.
const ReopenWord = "reopen"

// AsksToReopen reports whether a message says nothing but [ReopenWord].
func AsksToReopen(m Message) bool {
	return strings.EqualFold(strings.Trim(oneLine(m.PlainText()), " .!*_~`\"'“”"), ReopenWord)
}

// maxCompared is how much of a long message is compared: an issue may hold no more than its beginning.
const maxCompared = 8000

// ShownIn reports whether the body of an issue quotes the message as it is now.
func (m Message) ShownIn(issue string) bool {
	text := strings.Trim(shortenTicks(m.shown()), "\n")
	issue = strings.ReplaceAll(issue, "\r\n", "\n")
	if len(text) > maxCompared {
		return strings.Contains(issue, cutBytes(text, maxCompared))
	}
	return strings.TrimSpace(text) == "" || strings.Contains(issue, fence(text))
}

// Discussion is what people said of a report after it was filed.
type Discussion struct {
	// Report is as it is now; Edited says that its issue shows another text.
	Report Message
	Edited bool
	// Replies are oldest first.
	Replies []Message
}

// maxMarker is more than any marker has, in bytes.
const maxMarker = 200

// Comment renders as much of the discussion as one comment takes, at least one reply of it, and returns how far the
// comments go with it; done is how far they went before. Nothing in it takes effect at GitHub.
func (d Discussion) Comment(done Followed) (text string, upto Followed) {
	upto = done
	var b body
	b.add(threadLine(d.Report))
	if d.Edited {
		b.add("The report was edited on " + inertTime(d.Report.EditedAt) + ". It says now:")
		b.add(quote(d.Report, maxBody/2))
		upto.Edited = max(upto.Edited, d.Report.EditedAt)
	}
	for i, m := range d.Replies {
		room := maxBody - len(b.String()) - maxMarker
		part := utterance(m, func() string { return blockQuote(prose(m.PlainText())) })
		if len(part) > room {
			if i > 0 || d.Edited {
				break
			}
			part = utterance(m, func() string { return quote(m, room-maxListed-maxMarker) })
		}
		b.add(part)
		upto.Upto = max(upto.Upto, m.TS)
	}
	b.add(upto.marker(d.Report.Key))
	return b.String(), upto
}

func threadLine(report Message) string {
	if link := address(report.Permalink); link != "" {
		return "From the thread in Slack: " + link
	}
	return "From the thread in Slack."
}

// utterance is one message with its author, its time and its files.
func utterance(m Message, text func() string) string {
	var b body
	b.add(inert(cut(m.author(), maxName)) + " on " + inertTime(m.TS) + ":")
	b.add(text())
	b.add(attachments(m.Files))
	return b.String()
}

func blockQuote(s string) string {
	if s == "" {
		return ""
	}
	return "> " + strings.ReplaceAll(s, "\n", "\n> ")
}
