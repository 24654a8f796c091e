package triage

import (
	"errors"
	"regexp"
	"strings"
)

var (
	frontMatter = regexp.MustCompile(`(?s)^\s*---[ \t]*\n(.*?)(?:^|\n)---[ \t]*(?:\n|$)`)
	hint        = regexp.MustCompile(`(?s)<! --.*?(?:-->|$)`) // a comment, after clean
	hashes      = regexp.MustCompile(`^(#{1,6})[ \t]+(.*?)[ \t#]*$`)
	bold        = regexp.MustCompile(`^(?:\*\*(.+?)\*\*|__(.+?)__):?[ \t]*$`)
	box         = regexp.MustCompile(`^[ \t]*[-*+][ \t]+\[[ xX]\][ \t]+(.+)$`)
)

// boldLevel is below every heading with hashes.
const boldLevel = 7

// chapter is a heading of a Markdown template with what stands under it.
type chapter struct {
	level int
	label string
	boxes []string
	text  bool // there is anything else
}

// parseMarkdown takes the headings of a Markdown template for its fields, and boxes under them for checkboxes. What else
// stands there tells people what to write, and is left out.
func parseMarkdown(text string) (Template, error) {
	var t Template
	if found := frontMatter.FindStringSubmatch(text); found != nil {
		if hasWord(found[1]) {
			if err := decodeYAML(found[1], &t.header); err != nil {
				return Template{}, err
			}
		}
		text = text[len(found[0]):]
	}
	chapters := chaptersOf(hint.ReplaceAllString(text, ""))
	for i, c := range chapters {
		switch {
		case len(c.boxes) > 0:
			t.fields = append(t.fields, field{control: checkboxes, label: c.label, options: c.boxes})
		case !c.text && i+1 < len(chapters) && chapters[i+1].level > c.level: // a title over others
		default:
			t.fields = append(t.fields, field{control: textarea, label: c.label})
		}
	}
	if len(t.fields) == 0 {
		return Template{}, errors.New("it has no headings")
	}
	return t, nil
}

func chaptersOf(text string) []chapter {
	var chapters []chapter
	code := false
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), codeMark) {
			code = !code
		}
		if c, ok := headingOf(line); ok && !code {
			chapters = append(chapters, c)
			continue
		}
		if len(chapters) == 0 {
			continue
		}
		last := &chapters[len(chapters)-1]
		if found := box.FindStringSubmatch(line); found != nil && !code {
			last.boxes = append(last.boxes, oneLine(found[1]))
		} else if strings.TrimSpace(line) != "" {
			last.text = true
		}
	}
	return chapters
}

// headingOf reads a heading of either kind, and reports whether the line is one.
func headingOf(line string) (c chapter, ok bool) {
	if found := hashes.FindStringSubmatch(line); found != nil {
		c = chapter{level: len(found[1]), label: found[2]}
	} else if found := bold.FindStringSubmatch(line); found != nil {
		c = chapter{level: boldLevel, label: firstOf(found[1], found[2])}
	}
	c.label = oneLine(strings.TrimSuffix(strings.Trim(c.label, " *_"), ":"))
	return c, c.label != ""
}
