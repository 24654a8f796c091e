package gateway_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"
)

// faultsOf returns what is wrong with a page: markup that a parser has to mend, and what a screen reader, a keyboard or our
// Content-Security-Policy would stumble over. Every page that a test opens passes through it.
func faultsOf(page string) []string {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return []string{err.Error()}
	}
	c := &pageCheck{ids: map[string]int{}, count: map[string]int{}}
	written, parsed := writtenTree(page, c), parsedTree(root, 0)
	if !slices.Equal(written, parsed) {
		c.faultf("a parser mends it: written\n%s\nread\n%s", strings.Join(written, "\n"), strings.Join(parsed, "\n"))
	}
	for n := range root.Descendants() {
		c.element(n)
	}
	c.document()
	return c.faults
}

type pageCheck struct {
	faults  []string
	ids     map[string]int
	refs    []string // ids that attributes name
	labels  []string // ids of what labels are for
	inputs  []string // ids of what needs a label
	count   map[string]int
	heading int // level of the last one
}

func (c *pageCheck) faultf(format string, values ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, values...))
}

// voidElements have no end tag (HTML §13.1.2).
var voidElements = []string{"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}

// writtenTree returns the elements as their tags stand in the page, and notes tags that do not match.
func writtenTree(page string, c *pageCheck) []string {
	var tree, open []string
	tokens := html.NewTokenizer(strings.NewReader(page))
	for {
		switch kind := tokens.Next(); kind {
		case html.ErrorToken:
			if len(open) > 0 {
				c.faultf("<%s> is not closed", open[len(open)-1])
			}
			return tree
		case html.StartTagToken, html.SelfClosingTagToken:
			token := tokens.Token()
			c.attributes(token)
			tree = append(tree, strings.Repeat(" ", len(open))+token.Data)
			if !slices.Contains(voidElements, token.Data) {
				open = append(open, token.Data)
			}
		case html.EndTagToken:
			name := tokens.Token().Data
			if len(open) == 0 || open[len(open)-1] != name {
				c.faultf("</%s> closes nothing", name)
				return tree
			}
			open = open[:len(open)-1]
		case html.TextToken, html.CommentToken, html.DoctypeToken:
		}
	}
}

func (c *pageCheck) attributes(token html.Token) {
	for _, a := range token.Attr {
		switch {
		case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
			c.faultf("<%s> has %s, which the policy forbids", token.Data, a.Key)
		case strings.HasPrefix(strings.ToLower(strings.TrimSpace(a.Val)), "javascript:"):
			c.faultf("<%s> has a script for %s", token.Data, a.Key)
		}
	}
}

// parsedTree returns the elements as a browser has them.
func parsedTree(n *html.Node, depth int) []string {
	var tree []string
	for child := range n.ChildNodes() {
		if child.Type == html.ElementNode {
			tree = append(tree, strings.Repeat(" ", depth)+child.Data)
			tree = append(tree, parsedTree(child, depth+1)...)
		}
	}
	return tree
}

func (c *pageCheck) element(n *html.Node) {
	if n.Type == html.DoctypeNode {
		c.count["doctype"]++
	}
	if n.Type != html.ElementNode {
		return
	}
	c.count[n.Data]++
	if id, ok := attribute(n, "id"); ok {
		if c.ids[id]++; c.ids[id] > 1 || id == "" || strings.ContainsAny(id, " \t\n") {
			c.faultf("id %q is there twice, empty, or with a blank", id)
		}
	}
	for _, name := range []string{"aria-labelledby", "aria-describedby"} {
		if names, ok := attribute(n, name); ok {
			c.refs = append(c.refs, strings.Fields(names)...)
		}
	}
	switch n.Data {
	case "html":
		c.want(n, "lang")
	case "label":
		c.labels = append(c.labels, c.want(n, "for"))
	case "input", "select", "textarea":
		if kind, _ := attribute(n, "type"); kind != "hidden" {
			c.inputs = append(c.inputs, c.want(n, "id"))
		}
	case "button":
		c.want(n, "type")
		c.named(n)
	case "a":
		c.want(n, "href")
		c.named(n)
	case "title", "h1", "h2", "h3", "h4":
		c.named(n)
		c.level(n.Data)
	case "img":
		c.want(n, "alt")
	case "form":
		if method, _ := attribute(n, "method"); method != "get" && method != "post" {
			c.faultf("a form has method %q", method)
		}
		if action, there := attribute(n, "action"); there && action == "" { // HTML §4.10.18.6
			c.faultf("a form has an action that is empty")
		}
	case "style", "iframe", "object", "embed", "base":
		c.faultf("there is <%s>", n.Data)
	case "script":
		if n.FirstChild != nil || c.want(n, "src") == "" {
			c.faultf("a script stands in the page")
		}
	}
}

// level notes a heading that leaves out a level.
func (c *pageCheck) level(name string) {
	if name == "title" {
		return
	}
	level := int(name[1] - '0')
	if level > c.heading+1 {
		c.faultf("<%s> comes after a heading of level %d", name, c.heading)
	}
	c.heading = level
}

func (c *pageCheck) want(n *html.Node, name string) string {
	value, _ := attribute(n, name)
	if value == "" {
		c.faultf("<%s> has no %s", n.Data, name)
	}
	return value
}

// named wants an element to have words, which are its name.
func (c *pageCheck) named(n *html.Node) {
	for d := range n.Descendants() {
		if d.Type == html.TextNode && strings.TrimSpace(d.Data) != "" {
			return
		}
	}
	c.faultf("<%s> says nothing", n.Data)
}

// document checks what only the whole page tells.
func (c *pageCheck) document() {
	for _, once := range []string{"doctype", "html", "title", "header", "main", "h1"} {
		if c.count[once] != 1 {
			c.faultf("there are %d of %s, not 1", c.count[once], once)
		}
	}
	for _, id := range slices.Concat(c.refs, c.labels) {
		if c.ids[id] == 0 {
			c.faultf("something names id %q, which is not there", id)
		}
	}
	for _, id := range c.inputs {
		if !slices.Contains(c.labels, id) {
			c.faultf("input %q has no label", id)
		}
	}
}

func attribute(n *html.Node, name string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val, true
		}
	}
	return "", false
}

// The check finds what it is for.
func TestFaultsOfPages(t *testing.T) {
	page := func(body string) string {
		return `<!doctype html><html lang="en"><head><title>t</title></head><body><header><a href="/">t</a></header><main><h1>t</h1>` + body + `</main></body></html>`
	}
	require.Empty(t, faultsOf(page(`<p>x<br>y</p><form method="post" action="/"><label for="i">I</label><input id="i"><button type="submit">go</button></form>`)))
	for body, want := range map[string]string{
		`<p><div>x</div></p>`:                     "a parser mends it",
		`<p>x`:                                    "</main> closes nothing",
		`<b id="a"></b><i id="a"></i>`:            `id "a" is there twice`,
		`<input id="i">`:                          `input "i" has no label`,
		`<label for="j">J</label>`:                `names id "j", which is not there`,
		`<p style="color:red">x</p>`:              "style, which the policy forbids",
		`<p onclick="x()">x</p>`:                  "onclick, which the policy forbids",
		`<script>x()</script>`:                    "a script stands in the page",
		`<a href="JavaScript:x()">x</a>`:          "a script for href",
		`<h1>u</h1>`:                              "there are 2 of h1",
		`<h3>u</h3>`:                              "<h3> comes after a heading of level 1",
		`<button type="submit"> </button>`:        "<button> says nothing",
		`<section aria-labelledby="s"></section>`: `names id "s"`,
		`<img src="x">`:                           "<img> has no alt",
		`<form action="/"></form>`:                `a form has method ""`,
		`<form method="get" action=""></form>`:    "an action that is empty",
		`<style>p{}</style>`:                      "there is <style>",
	} {
		assert.Contains(t, strings.Join(faultsOf(page(body)), "\n"), want, body)
	}
	assert.Contains(t, strings.Join(faultsOf(`<p>x</p>`), "\n"), "there are 0 of main")
}

// Pages of many kinds are opened by the other tests; the busiest is this one.
func TestMarkupOfTheStatusPage(t *testing.T) {
	f := newFixture(t)
	busyBoard(f)
	shown := f.browser().open("/?q=acme")
	assert.Contains(t, shown.body, `id="q"`)
	assert.Empty(t, faultsOf(shown.body))
}
