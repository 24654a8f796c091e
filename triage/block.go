package triage

import (
	"strings"
	"unicode/utf8"
)

const (
	codeMark = "```"
	// maxTicks is the longest run of backticks that is quoted as it is. A message made of backticks would otherwise need
	// fences as long as itself.
	maxTicks = 64
)

// fence returns s as a code block that nothing in s can end.
func fence(s string) string { return fenceAs("text", s) }

// fenceAs is fence with the name of a language, one of [languages].
func fenceAs(language, s string) string {
	s = strings.Trim(shortenTicks(clean(s)), "\n")
	ticks := strings.Repeat("`", max(len(codeMark), longestRun(s)+1))
	return ticks + language + "\n" + s + "\n" + ticks
}

func longestRun(s string) int {
	longest, run := 0, 0
	for i := range len(s) {
		if s[i] != '`' {
			run = 0
			continue
		}
		run++
		longest = max(longest, run)
	}
	return longest
}

// shortenTicks cuts every run of backticks to maxTicks and marks the place.
func shortenTicks(s string) string {
	if longestRun(s) <= maxTicks {
		return s
	}
	var b strings.Builder
	run := 0
	for _, r := range s {
		if r != '`' {
			run = 0
		} else {
			run++
		}
		switch {
		case run <= maxTicks:
			b.WriteRune(r)
		case run == maxTicks+1:
			b.WriteRune('…')
		}
	}
	return b.String()
}

// prose returns text of several lines as Markdown: lines by [inert], what the author set as a code block by [fence].
func prose(s string) string {
	var blocks []string
	for i, part := range strings.Split(clean(s), codeMark) {
		switch {
		case strings.TrimSpace(strings.Trim(part, "`")) == "":
		case i%2 == 1:
			blocks = append(blocks, fence(strings.Trim(part, "`"))) // the rest of a longer mark
		default:
			blocks = append(blocks, paragraphs(part))
		}
	}
	return strings.Join(blocks, "\n\n")
}

// paragraphs keeps line breaks, which GitHub shows in issues, and at most one empty line in a row.
func paragraphs(s string) string {
	var lines []string
	for line := range strings.SplitSeq(strings.TrimSpace(s), "\n") {
		line = inert(line)
		if line == "" && len(lines) > 0 && lines[len(lines)-1] == "" {
			continue
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// cutBytes returns the longest start of s that has at most limit bytes and splits no rune.
func cutBytes(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:max(limit, 0)]
}
