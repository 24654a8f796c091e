package activities

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// fact is one line of what a letter says: a text or a time.
type fact struct {
	name, text string
	at         time.Time
}

// facts returns all that is known, in the order in which people want to know it. Texts are single lines.
func (l Letter) facts() []fact {
	var facts []fact
	text := func(name, value string) {
		if value != "" {
			facts = append(facts, fact{name: name, text: oneLine(value)})
		}
	}
	moment := func(name string, at time.Time) {
		if !at.IsZero() {
			facts = append(facts, fact{name: name, at: at})
		}
	}
	text("accounts", l.named())
	if l.OverNow > 0 {
		text("over by now", fmt.Sprintf("for %d of the %d accounts that were asked", l.OverNow, len(l.Accounts)))
	}
	text("provider", l.Provider)
	text("status", l.Status)
	text("reason", l.Reason)
	moment("since", l.Since)
	moment("over since", l.OverSince)
	moment("works until", l.Until)
	moment("consent by", l.Deadline)
	text("paused", l.paused())
	if len(l.Untold) > 0 {
		text("not told", strings.Join(l.Untold, ", ")+": it would go through what is broken")
	}
	text("no link", l.NoLink)
	text("to do", l.Fix)
	return facts
}

// paused says what stands still, and how much waits for that.
func (l Letter) paused() string {
	switch {
	case len(l.Paused) > 0 && l.Reports > 0:
		return strings.Join(l.Paused, ", ") + "; " + l.waiting()
	case len(l.Paused) > 0:
		return strings.Join(l.Paused, ", ")
	case l.Reports > 0:
		return l.waiting()
	case !l.Account.IsZero() && !l.Recovery && !l.Over:
		return "nothing yet"
	}
	return ""
}

func (l Letter) waiting() string {
	switch {
	case l.Triage != "":
		return fmt.Sprintf("%d reports are under way", l.Reports)
	case l.Reports == 1:
		return "1 report waits"
	}
	return fmt.Sprintf("%d reports wait", l.Reports)
}

// maxFact bounds one line: reasons hold what a provider said.
const maxFact = 500

// oneLine returns text without line breaks and other control characters, so that nothing in it looks like more than one
// line of a letter.
func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)
	}), " ")
	if runes := []rune(text); len(runes) > maxFact {
		return string(runes[:maxFact]) + "…"
	}
	return text
}

// plain is the letter for whoever reads plain text.
func (l Letter) plain() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%s.\n", oneLine(l.Text))
	if facts := l.facts(); len(facts) > 0 {
		out.WriteByte('\n')
		for _, f := range facts {
			if !f.at.IsZero() {
				f.text = f.at.UTC().Format("2006-01-02 15:04:05 UTC")
			}
			fmt.Fprintf(&out, "%-12s %s\n", f.name+":", f.text)
		}
	}
	if l.Link != "" {
		fmt.Fprintf(&out, "\nConsent here. The link is good once, and not for long:\n\n    %s\n", l.Link)
	}
	return out.String()
}

// mrkdwn is the letter for Slack. Nothing in it but our own link and times means anything to Slack.
func (l Letter) mrkdwn() string {
	var out strings.Builder
	fmt.Fprintf(&out, "*%s*", slackEscape.Replace(oneLine(l.Text)))
	for _, f := range l.facts() {
		value := slackEscape.Replace(f.text)
		if !f.at.IsZero() {
			value = slackTime(f.at)
		}
		fmt.Fprintf(&out, "\n• %s: %s", f.name, value)
	}
	if l.Link != "" {
		fmt.Fprintf(&out, "\n<%s|Consent here>. The link is good once, and not for long.", l.Link)
	}
	return out.String()
}

// attrs is the letter for a log: all that it tells elsewhere, named as in the JSON of a webhook, and each value one line.
func (l Letter) attrs() []any {
	var attrs []any
	text := func(name, value string) {
		if value != "" {
			attrs = append(attrs, name, oneLine(value))
		}
	}
	moment := func(name string, at time.Time) {
		if !at.IsZero() {
			attrs = append(attrs, name, at.UTC().Format(time.RFC3339))
		}
	}
	text("account", l.Account.String())
	text("connector", l.Connector)
	text("provider", l.Provider)
	text("status", l.Status)
	text("reason", l.Reason)
	moment("since", l.Since)
	moment("until", l.Until)
	moment("deadline", l.Deadline)
	text("paused", l.paused())
	if !l.Account.IsZero() {
		attrs = append(attrs, "waiting", l.Waiting, "reports", l.Reports)
	}
	attrs = append(attrs, "stage", l.Stage)
	moment("began", l.Began)
	text("untold", strings.Join(l.Untold, ", "))
	text("no_link", l.NoLink)
	text("fix", l.Fix)
	text("link", l.Link)
	text("notice", l.ID)
	text("episode", l.Episode)
	return attrs
}
