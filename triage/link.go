package triage

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// maxURL is the longest address that is worth showing.
const maxURL = 500

var (
	bareURL  = regexp.MustCompile("https?://[^\\s<>|\"'`\\x00-\\x20]+")
	safeURL  = regexp.MustCompile(`^https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#][A-Za-z0-9._~:/?#!$&()*+,;=%-]*)?$`)
	hostName = regexp.MustCompile(`^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`)
	// GitHub answers the address of an issue, a pull request, a discussion or a commit with an entry in that one's own
	// timeline. An Enterprise Server can have any host name, so the path decides.
	reference = regexp.MustCompile(`(?i)/(?:issues?|pulls?|discussions?|commits?|compare|advisories)(?:/|$)`)
)

// address shows a URL: as a link that is its own label where that is safe, as code otherwise.
func address(raw string) string {
	raw = oneLine(raw)
	switch {
	case raw == "":
		return ""
	case linkable(raw):
		return "<" + raw + ">"
	}
	return codeSpan(cut(raw, maxURL))
}

// linkable reports whether a URL is plain enough for a link: http or https, a host name in ASCII, no user information,
// nothing that has to be escaped, and nothing that GitHub would turn into a reference.
func linkable(raw string) bool {
	if len(raw) > maxURL || !safeURL.MatchString(raw) {
		return false
	}
	u, err := url.Parse(raw)
	if err != nil || u.User != nil || !hostName.MatchString(u.Hostname()) {
		return false
	}
	return !isGitHub(u.Hostname()) && !reference.MatchString(u.Path)
}

func isGitHub(host string) bool {
	host = strings.ToLower(host)
	return host == "github.com" || strings.HasSuffix(host, ".github.com")
}

// links returns the web addresses in a message, each once and in the order of the text.
func links(m Message) []string {
	var found []string
	add := func(link string) {
		if !slices.Contains(found, link) {
			found = append(found, link)
		}
	}
	text := clean(m.mrkdwn())
	for _, token := range linkToken.FindAllString(text, -1) {
		target := strings.Trim(token, "<>")
		if token[0] == '<' {
			target, _, _ = strings.Cut(target, "|")
		} else {
			target = trimURL(target)
		}
		add(unescape.Replace(target))
	}
	return found
}

// linkToken finds Slack's <url|label> and addresses that were posted without it.
var linkToken = regexp.MustCompile(`<https?://[^<>\n]+>|` + bareURL.String())

// trimURL drops the punctuation of the sentence that a bare address stands in.
func trimURL(s string) string {
	for s != "" {
		last := s[len(s)-1]
		switch {
		case strings.IndexByte(".,;:!?*_~]", last) >= 0:
		case last == ')' && strings.Count(s, ")") > strings.Count(s, "("):
		default:
			return s
		}
		s = s[:len(s)-1]
	}
	return s
}
