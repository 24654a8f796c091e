package triage

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// What follows asks a Markdown parser that knows nothing of us what it makes of a text: with all that GitHub adds to CommonMark
// (tables, strike-through, task lists, bare addresses as links, footnotes), and without it, to tell the addresses that we set in angle
// brackets from those that it finds by itself.
var (
	gitHubsMarkdown = goldmark.New(goldmark.WithExtensions(extension.GFM, extension.Footnote)).Parser()
	commonMark      = goldmark.New().Parser()
)

// written is what of a text's Markdown is ours.
type written struct {
	// own are lines that a template's author wrote. :: line → true
	own map[string]bool
	// lists reports whether a list may stand under a heading, "" before the first.
	lists func(heading string, ordered bool) bool
	// quotes allows block quotes.
	quotes bool
	// marker is the comment that the text has to end with.
	marker string
}

// issueLists are the sections that have lists.
func issueLists(heading string, ordered bool) bool {
	if ordered {
		return heading == "Steps to reproduce"
	}
	return heading == "Environment" || heading == "Attachments" || heading == "Links"
}

// markdownFaults returns every effect in a text that is not ours.
func markdownFaults(body string, w written) []string {
	c := &markdownChecker{written: w, source: []byte(body)}
	root := gitHubsMarkdown.Parse(text.NewReader(c.source))
	for block := root.FirstChild(); block != nil; block = block.NextSibling() {
		c.block(block)
	}
	if last, html := root.LastChild().(*ast.HTMLBlock); w.marker != "" && (!html || strings.TrimSpace(c.lines(last)) != w.marker) {
		c.faultf("the marker is not the last block")
	}
	found, ours := addresses(gitHubsMarkdown, c.source), addresses(commonMark, c.source)
	if !slices.Equal(found, ours) {
		c.faultf("bare addresses are links: %q, of which ours are %q", found, ours)
	}
	for _, link := range ours {
		if autolink.FindString("<"+link+">") != "<"+link+">" {
			c.faultf("%q is a link", link)
		}
	}
	return c.faults
}

// titleFaults returns every effect of a title, where it is copied into a text.
func titleFaults(title string) []string {
	c := &markdownChecker{source: []byte(title)}
	root := gitHubsMarkdown.Parse(text.NewReader(c.source))
	if paragraph, ok := root.FirstChild().(*ast.Paragraph); !ok || root.ChildCount() != 1 {
		c.faultf("a title that is more than a paragraph: %q", title)
	} else {
		c.words(paragraph)
	}
	if found := addresses(gitHubsMarkdown, c.source); len(found) > 0 {
		c.faultf("links in a title: %q", found)
	}
	return c.faults
}

func addresses(p parser.Parser, source []byte) []string {
	var found []string
	_ = ast.Walk(p.Parse(text.NewReader(source)), func(n ast.Node, entering bool) (ast.WalkStatus, error) { // the walker returns no error
		if link, ok := n.(*ast.AutoLink); ok && entering {
			found = append(found, string(link.URL(source)))
		}
		return ast.WalkContinue, nil
	})
	return found
}

type markdownChecker struct {
	written

	source  []byte
	heading string
	faults  []string
}

func (c *markdownChecker) faultf(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// lines returns the text of a block.
func (c *markdownChecker) lines(n ast.Node) string { return string(n.Lines().Value(c.source)) }

// isOwn reports whether the template's author wrote a block, after what begins its line.
func (c *markdownChecker) isOwn(mark string, n ast.Node) bool {
	return c.own[mark+strings.TrimRight(c.lines(n), "\n")]
}

// block judges a block that stands at the top, or in a quotation.
func (c *markdownChecker) block(n ast.Node) {
	switch n := n.(type) {
	case *ast.Heading:
		line := strings.Repeat("#", n.Level) + " " + strings.TrimSpace(c.lines(n))
		if !ourHeading.MatchString(line) && !c.own[line] {
			c.faultf("%q is a heading", line)
		}
		c.heading = strings.TrimPrefix(line, "### ")
	case *ast.Paragraph, *ast.TextBlock:
		if !c.isOwn("", n) {
			c.words(n)
		}
	case *ast.FencedCodeBlock:
		if language := string(n.Language(c.source)); language != "text" && (c.own == nil || !slices.Contains(languages, language)) {
			c.faultf("a code block is of %q", language)
		}
	case *ast.HTMLBlock:
		if n.NextSibling() != nil || c.marker == "" {
			c.faultf("HTML takes effect: %q", c.lines(n))
		}
	case *ast.List:
		c.list(n)
	case *ast.Blockquote:
		if !c.quotes || n.Parent().Kind() != ast.KindDocument {
			c.faultf("a quotation: %q", n.Text(c.source)) //nolint:staticcheck // only a message
		}
		for child := n.FirstChild(); child != nil; child = child.NextSibling() {
			c.block(child)
		}
	default:
		c.faultf("%s takes effect", n.Kind())
	}
}

// list judges a list, whose items have words and code and nothing else.
func (c *markdownChecker) list(n *ast.List) {
	if n.Parent().Kind() != ast.KindDocument || !c.lists(c.heading, n.IsOrdered()) || n.Marker != '-' && n.Marker != '.' || n.IsOrdered() && n.Start != 1 {
		c.faultf("a list under %q, marked %q", c.heading, n.Marker)
	}
	for item := n.FirstChild(); item != nil; item = item.NextSibling() {
		for child := item.FirstChild(); child != nil; child = child.NextSibling() {
			switch child.Kind() {
			case ast.KindParagraph, ast.KindTextBlock, ast.KindFencedCodeBlock:
				if !c.isOwn("- ", child) {
					c.block(child)
				}
			default:
				c.faultf("%s in a list", child.Kind())
			}
		}
	}
}

// words judges what stands in a line.
func (c *markdownChecker) words(block ast.Node) {
	for n := block.FirstChild(); n != nil; n = n.NextSibling() {
		switch n.Kind() {
		case ast.KindText, ast.KindString, ast.KindCodeSpan, ast.KindAutoLink:
		default:
			c.faultf("%s takes effect in %q", n.Kind(), c.lines(block))
		}
	}
}

// The parser is worth nothing as a judge if it is asked the wrong questions.
func TestTheParserSeesWhatTakesEffect(t *testing.T) {
	issue := written{lists: issueLists, marker: "<!-- x -->"}
	for _, body := range []string{
		"<b>x</b>", "<div>\n\nx", "<!-- y -->", "[x](y)", "![x](y)", "[x]\n\n[x]: y", "**x**", "_x_", "~~x~~", "# x", "### x", "Summary\n===", "a\n===", "a\n---",
		"- x", "1. x", "### Steps to reproduce\n\n- x", "### Steps to reproduce\n\n2. x", "### Steps to reproduce\n\n1. x\n   - y", "### Links\n\n- - x", "### Links\n\n* x",
		"### Links\n\n- [ ] x", "| a |\n|---|\n| b |", "https://x.example", "www.x.example", "me@x.example", "<javascript:x>", "<me@x.example>", "<https://a@b.example>",
		"x[^1]\n\n[^1]: y", "---", "    x", "> x", "```js\nx\n```", "~~~x\ny", "`x` ``` ` **y**", "```text\nx\n```\n**y**", "x\n<!-- x -->\ny",
	} {
		if len(markdownFaults(body+"\n\n<!-- x -->", issue)) == 0 {
			t.Errorf("%q passes", body)
		}
	}
	for _, body := range []string{
		"plain (text), `@code` and <https://x.example/#1>.", "### Summary\n\nx\ny", "````text\n<b>\n```\n````\ny", "### Steps to reproduce\n\n1. x\n\n   ```text\n   @x\n   ```\n2. y",
		"### Attachments\n\n- `a.png`: <https://x.example/a>",
	} {
		if faults := markdownFaults(body+"\n\n<!-- x -->", issue); len(faults) > 0 {
			t.Errorf("%q: %s", body, faults)
		}
	}
	if len(markdownFaults("x", issue)) == 0 || len(markdownFaults("<!-- x -->\n\nx", issue)) == 0 {
		t.Error("a text without its marker passes")
	}
	form := written{lists: issueLists, marker: "<!-- x -->", own: map[string]bool{"### **What?**": true, "_None_": true, "- [ ] I *agree*": true}}
	form.lists = func(string, bool) bool { return true }
	if faults := markdownFaults("### **What?**\n\n_None_\n\n- [ ] I *agree*\n\n<!-- x -->", form); len(faults) > 0 {
		t.Errorf("what the template says is not ours to judge: %s", faults)
	}
	if len(markdownFaults("- [ ] I *do not agree*\n\n<!-- x -->", form)) == 0 {
		t.Error("what nobody wrote into the template passes")
	}
	for _, title := range []string{"# x", "- x", "1. x", "**x**", "x <b>y</b>", "https://x.example", "> x"} {
		if len(titleFaults(title)) == 0 {
			t.Errorf("the title %q passes", title)
		}
	}
	if faults := titleFaults("Login: `@x` fails, v2.3 (again)"); len(faults) > 0 {
		t.Error(faults)
	}
}

// pieces are what Markdown is made of, and what Slack makes of it.
var pieces = []string{
	"#", "##", "-", "*", "+", "1.", "2)", ">", ">>", "===", "---", "***", "```", "~~~", "`", "``", "|", "|---|", "[", "]", "(y)", "[x]", "[ ]", "![", "[^1]", "[^1]:", ":", "<", ">",
	"<b>", "</details>", "<!--", "-->", "&lt;", "&amp;lt;", "&amp;#64;", "\\", "\\\\", "_", "__", "**", "~~", "*a*", "_a_", "~a~", "word", "a", "1", "Steps:", "Expected:", "Actual:",
	"Environment:", "Version: 1.2", "www.x.example", "https://x.example/a?b=c", "<https://x.example|y>", "<mailto:a@x.example|a>", "a@x.example", "javascript:x", "\n", "\n\n", " ", "  ", "    ",
	"\t", "\r", "\u00a0", "\u3000", "\u2028", "\u200b", "•", "–", "…", "$", "{{", "é", "日本", "🐛", "\ufe0f", "<@U1>", "<#C1|x>", "<!here>", "@octocat", "#12",
}

// Whatever people put together, nothing of it takes effect. The fuzz tests look for what nobody thought of; this one has thought of a
// lot, and tries it in every order.
func TestMarkdownInAnyOrderTakesNoEffect(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	some := func() string {
		var b strings.Builder
		for range 1 + random.IntN(12) {
			b.WriteString(pieces[random.IntN(len(pieces))])
			if random.IntN(3) == 0 {
				b.WriteByte(' ')
			}
		}
		return b.String()
	}
	for range 1500 {
		text, name := some(), some()
		m := goldenMessage(text)
		m.UserName, m.ChannelName, m.Files = name, name, []File{{Name: name, MIMEType: text, Permalink: text}}
		raw := Report{
			Title: text, Summary: text, Steps: []string{text, name, text}, Expected: text, Actual: name, Environment: text, Links: []string{text, name}, Files: m.Files,
		}
		for _, report := range []Report{Extract(m), raw} {
			if faults := faultsOf(Render(m, report, goldenRoute), m.Key); len(faults) > 0 {
				t.Fatalf("%q of %q: %s", text, name, strings.Join(faults, "\n"))
			}
		}
		comment, upto := Discussion{Report: m, Edited: true, Replies: []Message{m}}.Comment(Followed{})
		files := func(_ string, ordered bool) bool { return !ordered }
		if faults := markdownFaults(comment, written{lists: files, quotes: true, marker: upto.marker(m.Key)}); len(faults) > 0 {
			t.Fatalf("%q of %q in a comment: %s", text, name, strings.Join(faults, "\n"))
		}
	}
}
