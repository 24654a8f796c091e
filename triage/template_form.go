package triage

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// form is the body of an issue form.
type form struct {
	Body []element `yaml:"body"`
}

// element is one entry of a form's body ("Syntax for GitHub's form schema" at docs.github.com/en/communities).
type element struct {
	Type       string `yaml:"type"`
	ID         string `yaml:"id"`
	Attributes struct {
		Label   string   `yaml:"label"`
		Render  string   `yaml:"render"`
		Options []option `yaml:"options"`
	} `yaml:"attributes"`
	Validations struct {
		Required bool `yaml:"required"`
	} `yaml:"validations"`
}

// parseForm is strict in what an issue is made of, and passes over the rest: GitHub adds keys, and a form that it shows must
// not stop being one here.
func parseForm(text string) (Template, error) {
	var t Template
	var read form
	for _, into := range []any{&t.header, &read} {
		if err := decodeYAML(text, into); err != nil {
			return Template{}, err
		}
	}
	for i, e := range read.Body {
		f, err := e.field()
		if err != nil {
			return Template{}, fmt.Errorf("body[%d]: %w", i, err)
		}
		if f.control != markdown {
			t.fields = append(t.fields, f)
		}
	}
	switch {
	case oneLine(t.Name) == "":
		return Template{}, errors.New("name is missing")
	case len(t.fields) == 0:
		return Template{}, errors.New("body asks for nothing")
	}
	return t, nil
}

func (e element) field() (field, error) {
	f := field{
		control: control(e.Type), id: e.ID, label: oneLine(e.Attributes.Label), required: e.Validations.Required,
		render: language(e.Attributes.Render),
	}
	for _, o := range e.Attributes.Options {
		if text := oneLine(string(o)); text != "" {
			f.options = append(f.options, text)
		}
	}
	choice := f.control == dropdown || f.control == checkboxes
	switch {
	case !slices.Contains([]control{input, textarea, dropdown, checkboxes, upload, markdown}, f.control):
		return field{}, fmt.Errorf("type %q is unknown", cut(oneLine(e.Type), maxName))
	case f.control != markdown && f.label == "":
		return field{}, errors.New("attributes.label is missing")
	case choice && len(f.options) == 0:
		return field{}, errors.New("attributes.options is missing")
	}
	return f, nil
}

// languages are those of code blocks that only show their text. Others, such as mermaid and geojson, GitHub draws.
var languages = []string{
	"bash", "c", "clojure", "console", "cpp", "csharp", "css", "csv", "dart", "diff", "dockerfile", "elixir", "erlang", "go", "graphql",
	"haskell", "hcl", "html", "ini", "java", "javascript", "js", "json", "jsx", "julia", "kotlin", "lua", "markdown", "md", "nix", "perl",
	"php", "plaintext", "powershell", "properties", "python", "r", "ruby", "rust", "scala", "sh", "shell", "sql", "swift", "text", "toml",
	"ts", "tsx", "txt", "typescript", "vue", "xml", "yaml", "yml", "zig", "zsh",
}

// language returns a language that is safe to show, "" for none.
func language(render string) string {
	render = strings.ToLower(strings.TrimSpace(render))
	if render == "" || slices.Contains(languages, render) {
		return render
	}
	return "text"
}

// names is a list, or a text with commas.
type names []string

// UnmarshalYAML implements [yaml.InterfaceUnmarshaler].
func (n *names) UnmarshalYAML(unmarshal func(any) error) error {
	var list []string
	if unmarshal(&list) != nil {
		var text string
		if err := unmarshal(&text); err != nil {
			return errors.New("want a list, or a text with commas")
		}
		list = strings.Split(text, ",")
	}
	*n = nil
	for _, name := range list {
		if name = strings.TrimSpace(name); name != "" {
			*n = append(*n, name)
		}
	}
	return nil
}

// option is one of a dropdown, which is a text, or of checkboxes, which has a label.
type option string

// UnmarshalYAML implements [yaml.InterfaceUnmarshaler].
func (o *option) UnmarshalYAML(unmarshal func(any) error) error {
	var text string
	if unmarshal(&text) == nil {
		*o = option(text)
		return nil
	}
	var labelled struct {
		Label string `yaml:"label"`
	}
	if unmarshal(&labelled) == nil {
		*o = option(labelled.Label)
		return nil
	}
	var value any // true, null
	if err := unmarshal(&value); err != nil {
		return err
	}
	*o = option(fmt.Sprint(value))
	return nil
}

// decodeYAML reads the first document of a text. Aliases are refused: a few of them can stand for more than fits into memory.
// The error is one line without an excerpt.
func decodeYAML(text string, into any) (err error) {
	defer func() {
		if recover() != nil { // the library does that with some of what nobody would write
			err = errors.New("it is no YAML that can be read")
		}
	}()
	if tooDeep(text) {
		return errors.New("it is nested too deeply")
	}
	file, err := parser.ParseBytes([]byte(text), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return yamlFault(err)
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return errors.New("it is empty")
	}
	var aliased aliases
	if ast.Walk(&aliased, file.Docs[0].Body); aliased {
		return errors.New("it has a YAML alias (*name), which is not read")
	}
	if err := yaml.NodeToValue(file.Docs[0].Body, into); err != nil {
		return yamlFault(err)
	}
	return nil
}

// listsInList finds a line that begins with many lists in each other.
var listsInList = regexp.MustCompile(`(?m)^[ \t]*(?:[-?:][ \t]+){16}`)

// tooDeep reports whether a text may be nested so deeply that the parser, which calls itself, takes seconds for it.
func tooDeep(text string) bool {
	depth := 0
	for _, r := range text {
		switch r {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(depth-1, 0)
		}
		if depth > 100 {
			return true
		}
	}
	return listsInList.MatchString(text)
}

func yamlFault(err error) error {
	fault, ok := errors.AsType[yaml.Error](err)
	if !ok {
		return errors.New(cut(oneLine(err.Error()), maxName))
	}
	message := cut(oneLine(fault.GetMessage()), maxName)
	if at := fault.GetToken(); at != nil && at.Position != nil {
		return fmt.Errorf("line %d: %s", at.Position.Line, message)
	}
	return errors.New(message)
}

// aliases notes whether a tree has any.
type aliases bool

// Visit implements [ast.Visitor].
func (a *aliases) Visit(n ast.Node) ast.Visitor {
	if _, alias := n.(*ast.AliasNode); alias {
		*a = true
	}
	return a
}
