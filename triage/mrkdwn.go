package triage

import (
	"regexp"
	"strings"
)

// decoder turns Slack's mrkdwn into plain text.
type decoder struct {
	names map[string]string // :: user id → display name
	// link writes a hyperlink; label is empty where it would repeat the address.
	link func(url, label string) string
}

var (
	angled    = regexp.MustCompile(`<[^<>\n]+>`)
	broadcast = regexp.MustCompile(`^!(?:here|channel|everyone|group)$`)
	special   = regexp.MustCompile(`^!(?:subteam|date)\^`)
	webLink   = regexp.MustCompile(`(?i)^https?://`)
	otherLink = regexp.MustCompile(`(?i)^(?:mailto|tel|ftp|slack):`)
	unescape  = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")
)

// PlainText returns the message's text as people read it in Slack, with every address visible, and without anything that a
// reader cannot see. Nothing in it is escaped for where it goes.
func (m Message) PlainText() string {
	return m.plain(m.mrkdwn())
}

func (m Message) plain(mrkdwn string) string {
	return decoder{names: m.Names, link: labelAndAddress}.decode(mrkdwn)
}

// shown is [Message.PlainText] with what is forwarded set off as a quotation.
func (m Message) shown() string {
	texts := []string{m.plain(m.Text)}
	for _, forwarded := range m.Forwarded {
		texts = append(texts, blockQuote(strings.Trim(m.plain(forwarded), "\n")))
	}
	return spaced(texts)
}

// shortText is [Message.PlainText] with the labels of hyperlinks instead of their addresses.
func shortText(m Message) string {
	return decoder{names: m.Names, link: labelOrAddress}.decode(m.mrkdwn())
}

func labelAndAddress(url, label string) string {
	if label == "" {
		return url
	}
	return label + " (" + url + ")"
}

func labelOrAddress(url, label string) string {
	if label == "" {
		return url
	}
	return label
}

// decode replaces Slack's entities first and its three escapes after, each piece once: what people typed as "<@U1>" is
// sent escaped, and must not become a mention by being decoded twice.
func (d decoder) decode(text string) string {
	var b strings.Builder
	for {
		at := angled.FindStringIndex(text)
		if at == nil {
			break
		}
		b.WriteString(unescape.Replace(text[:at[0]]))
		b.WriteString(d.entity(text[at[0]:at[1]]))
		text = text[at[1]:]
	}
	b.WriteString(unescape.Replace(text))
	return clean(b.String())
}

// entity writes what stands between angle brackets. What Slack does not use as an entity stays as it is.
func (d decoder) entity(angled string) string {
	target, label, _ := strings.Cut(angled[1:len(angled)-1], "|")
	target, label = unescape.Replace(target), oneLine(unescape.Replace(label))
	switch {
	case strings.HasPrefix(target, "@"):
		return "@" + d.person(target[1:], label)
	case strings.HasPrefix(target, "#"):
		return "#" + strings.TrimPrefix(firstOf(label, target[1:]), "#")
	case broadcast.MatchString(target):
		return "@" + target[1:]
	case special.MatchString(target):
		return firstOf(label, target[1:])
	case webLink.MatchString(target):
		return d.link(target, unlessEqual(label, target))
	case otherLink.MatchString(target):
		_, address, _ := strings.Cut(target, ":")
		return firstOf(label, address)
	}
	return unescape.Replace(angled)
}

func (d decoder) person(id, label string) string {
	name := firstOf(oneLine(d.names[id]), label, id)
	return strings.TrimPrefix(strings.ReplaceAll(name, "`", "'"), "@")
}

// unlessEqual returns label, or "" where it only repeats the address.
func unlessEqual(label, address string) string {
	bare := webLink.ReplaceAllString(address, "")
	if label == address || label == bare || label == strings.TrimSuffix(bare, "/") {
		return ""
	}
	return label
}

func firstOf(candidates ...string) string {
	for _, s := range candidates {
		if s != "" {
			return s
		}
	}
	return ""
}

var styled = regexp.MustCompile(`(^|[\s("'])[*_~]+([^\s*_~]|[^\s*_~][^*_~\n]*[^\s*_~])[*_~]+($|[\s.,:;!?)"'])`)

// unstyled removes the marks of bold, italic and struck text. Twice, because neighbours share the space between them.
func unstyled(s string) string {
	return styled.ReplaceAllString(styled.ReplaceAllString(s, "$1$2$3"), "$1$2$3")
}
