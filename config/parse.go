package config

import (
	"bytes"
	"errors"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxSize is far above any real configuration, and keeps a wrong file (a log, a core dump) out of the parser.
const maxSize = 1 << 20

// byteOrderMark is what some editors put before UTF-8.
var byteOrderMark = []byte("\ufeff")

// parse returns the tree of the one document in data, nil for an empty file or one with problems. Keys that stand twice
// are let through: the decoder names both lines.
func parse(data []byte, r *report) ast.Node {
	if len(data) > maxSize {
		r.add("", "this is larger than 1 MiB", "name the right file")
		return nil
	}
	file, err := parser.ParseBytes(bytes.TrimPrefix(data, byteOrderMark), 0, parser.AllowDuplicateMapKey())
	if err != nil {
		addSyntax(r, err)
		return nil
	}
	var root ast.Node
	for _, document := range file.Docs {
		if document.Body == nil {
			continue
		}
		if root != nil {
			r.addAt(placeOf(firstOf(document.Body)), "", "a second YAML document begins here", "keep one document: delete the line '---'")
			return nil
		}
		root = document.Body
	}
	return root
}

// addSyntax keeps to the parser's message and position: the excerpt it can print may hold what should not be in a log.
func addSyntax(r *report, err error) {
	fix := "correct the YAML; indent with spaces, quote text that holds ': ', ' #' or begins with one of @*&!{[%"
	syntax, ok := errors.AsType[yaml.Error](err)
	if !ok {
		r.add("", "this is not YAML", fix)
		return
	}
	var at place
	if tk := syntax.GetToken(); tk != nil && tk.Position != nil {
		at = place{tk.Position.Line, tk.Position.Column}
	}
	r.addAt(at, "", "this is not YAML: "+syntax.GetMessage(), fix)
}

func placeOf(n ast.Node) place {
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return place{}
	}
	at := n.GetToken().Position
	return place{at.Line, at.Column}
}
