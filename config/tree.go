package config

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// field is a key of a struct and the value it fills.
type field struct {
	key   string
	value reflect.Value
}

type fields []field

// fieldsOf returns the keys of the struct v in the order of its fields. Fields without a key are not of the file.
func fieldsOf(v reflect.Value) fields {
	var found fields
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if key, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); key != "" && key != "-" {
			found = append(found, field{key, v.Field(i)})
		}
	}
	return found
}

func (f fields) find(key string) (reflect.Value, bool) {
	for _, candidate := range f {
		if candidate.key == key {
			return candidate.value, true
		}
	}
	return reflect.Value{}, false
}

func (f fields) names() []string {
	names := make([]string, len(f))
	for i := range f {
		names[i] = f[i].key
	}
	return names
}

// plainKey is a key that can stand in a path, and in a terminal, as it is.
var plainKey = regexp.MustCompile(`^[A-Za-z0-9_./-]{1,80}$`)

func join(path, key string) string {
	if path == "" {
		return pathKey(key)
	}
	return path + "." + pathKey(key)
}

func pathKey(key string) string {
	if plainKey.MatchString(key) {
		return key
	}
	return quote(key)
}

// quote makes text of the file fit for one line of a message.
func quote(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		text = string(runes[:60]) + "…"
	}
	return strconv.Quote(text)
}

// valuePlace is where an editor should jump to: the value where it is on one line, else the key that opens the block.
func valuePlace(key place, value ast.Node) place {
	switch value.(type) {
	case nil, *ast.NullNode, *ast.MappingNode, *ast.MappingValueNode, *ast.SequenceNode, *ast.LiteralNode:
		return key
	}
	if at := placeOf(value); at != (place{}) {
		return at
	}
	return key
}

// firstOf returns the first key of a mapping, so that an entry of a list stands where its text begins.
func firstOf(n ast.Node) ast.Node {
	mapping, ok := n.(ast.MapNode)
	if !ok {
		return n
	}
	if entries := mapping.MapRange(); entries.Next() {
		return entries.Key()
	}
	return n
}
