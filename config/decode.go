package config

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// The YAML library's decoder stops at the first fault. The one below walks the same tree with the structs at hand, and
// goes on. It knows the kinds that these structs are made of.

// defaulter is implemented by what has defaults; they are set before the file's values.
type defaulter interface{ setDefaults() }

// hinter explains keys that people look for and that are absent on purpose; it returns the zero advice for others.
type hinter interface{ hint(key string) advice }

// advice is what to say about a key, and the key beside it to use instead, if there is one.
type advice struct{ message, fix, instead string }

// maxDepth is above any nesting that the structs know, and ends an alias that contains itself.
const maxDepth = 32

// maxNodes bounds what aliases of aliases can multiply to.
const maxNodes = 200_000

type decoder struct {
	*report
	anchors map[string]ast.Node
	nodes   int
	endless bool // a bound was met, and reported
}

// decode fills into, a pointer to a struct, from the tree under root. It reports whether it went through the whole tree;
// else there is a problem already, and what into holds means nothing.
func decode(root ast.Node, into any, r *report) bool {
	d := &decoder{report: r, anchors: map[string]ast.Node{}}
	ast.Walk(d, root)
	v := reflect.ValueOf(into)
	setDefaults(v)
	d.value(root, v.Elem(), "", 0)
	return !d.endless
}

// Visit implements [ast.Visitor]: it notes the anchors of the whole file.
func (d *decoder) Visit(n ast.Node) ast.Visitor {
	if anchor, ok := n.(*ast.AnchorNode); ok && anchor.Name != nil {
		d.anchors[anchor.Name.GetToken().Value] = anchor.Value
	}
	return d
}

// value decodes n into v, which is settable. A null leaves v as it is: a key with nothing behind it is a key not written.
func (d *decoder) value(n ast.Node, v reflect.Value, path string, depth int) {
	d.nodes++
	if d.endless {
		return
	}
	if depth > maxDepth || d.nodes > maxNodes {
		d.endless = true
		d.add(path, "this is nested too deeply or repeated too often", "write it out without anchors and aliases")
		return
	}
	switch n := n.(type) {
	case nil, *ast.NullNode:
		return
	case *ast.AnchorNode:
		d.value(n.Value, v, path, depth+1)
		return
	case *ast.AliasNode:
		d.alias(n, v, path, depth)
		return
	case *ast.TagNode:
		d.add(path, "YAML tags are not read here", "delete "+quote(n.Start.Value)+"; put text that looks like a number into quotes")
		return
	}
	if into, ok := reflect.TypeAssert[encoding.TextUnmarshaler](v.Addr()); ok {
		d.unmarshal(n, into, path)
		return
	}
	d.byKind(n, v, path, depth)
}

func (d *decoder) alias(n *ast.AliasNode, v reflect.Value, path string, depth int) {
	name := n.Value.GetToken().Value
	target, ok := d.anchors[name]
	if !ok {
		d.add(path, "there is no anchor &"+quote(name), "write the value out")
		return
	}
	d.value(target, v, path, depth+1)
}

func (d *decoder) byKind(n ast.Node, v reflect.Value, path string, depth int) {
	if v.Type() == reflect.TypeFor[time.Duration]() {
		d.duration(n, v, path)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v, path, depth)
	case reflect.Map:
		d.mapping(n, v, path, depth)
	case reflect.Slice:
		d.sequence(n, v, path, depth)
	default:
		d.scalar(n, v, path)
	}
}

func (d *decoder) unmarshal(n ast.Node, into encoding.TextUnmarshaler, path string) {
	text, ok := textOf(n)
	if !ok {
		d.wrongType(n, path, "text", "write one value")
		return
	}
	if err := into.UnmarshalText([]byte(text)); err != nil {
		d.add(path, err.Error(), correctIt)
	}
}

func (d *decoder) structure(n ast.Node, v reflect.Value, path string, depth int) {
	fields := fieldsOf(v)
	d.pairs(n, path, func(key string, at place, child ast.Node) {
		field, ok := fields.find(key)
		if !ok {
			d.unknown(v, fields.names(), key, join(path, key), at)
			return
		}
		d.value(child, field, join(path, key), depth+1)
	})
}

func (d *decoder) mapping(n ast.Node, v reflect.Value, path string, depth int) {
	into := reflect.MakeMap(v.Type())
	d.pairs(n, path, func(key string, _ place, child ast.Node) {
		element := reflect.New(v.Type().Elem())
		setDefaults(element)
		d.value(child, element.Elem(), join(path, key), depth+1)
		into.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), element.Elem())
	})
	v.Set(into)
}

func (d *decoder) sequence(n ast.Node, v reflect.Value, path string, depth int) {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		d.wrongType(n, path, "a list", "write [one, two], or a line with '- ' for each entry")
		return
	}
	into := reflect.MakeSlice(v.Type(), len(list.Values), len(list.Values))
	for i, child := range list.Values {
		at := path + "[" + strconv.Itoa(i) + "]"
		d.places[at] = placeOf(firstOf(child))
		setDefaults(into.Index(i).Addr())
		d.value(child, into.Index(i), at, depth+1)
	}
	v.Set(into)
}

// pairs calls f for each key of the mapping n that stands there for the first time, and reports the others.
func (d *decoder) pairs(n ast.Node, path string, f func(key string, at place, child ast.Node)) {
	mapping, ok := n.(ast.MapNode)
	if !ok {
		d.wrongType(n, path, "keys with values", "write key: value, a line for each")
		return
	}
	seen := map[string]place{}
	for entries := mapping.MapRange(); entries.Next(); {
		at := placeOf(entries.Key())
		key, ok := textOf(entries.Key())
		if !ok || entries.Key().IsMergeKey() {
			d.note(at, path, "this key is not plain text", "write out the keys; '<<' and nested keys are not read here")
			continue
		}
		if first, twice := seen[key]; twice {
			d.note(at, join(path, key), fmt.Sprintf("this key stands here twice, first in line %d", first.line), "delete one of them")
			continue
		}
		seen[key] = at
		d.places[join(path, key)] = valuePlace(at, entries.Value())
		f(key, at, entries.Value())
	}
}

// unknown reports a key that the struct v has not, without its value: it may be a secret under a misspelt name.
func (d *decoder) unknown(v reflect.Value, known []string, key, path string, at place) {
	if h, ok := reflect.TypeAssert[hinter](v.Addr()); ok {
		if a := h.hint(key); a.message != "" {
			d.addAt(at, path, a.message, a.fix)
			d.refuse(path, key, a.instead)
			return
		}
	}
	meant := Closest(key, known)
	if meant == "" {
		d.addAt(at, path, "unknown key", "delete it; known here are "+listing(known))
		return
	}
	d.addAt(at, path, fmt.Sprintf("unknown key, did you mean %q?", meant), "write "+meant)
	d.refuse(path, key, meant)
}

// refuse notes that the key beside the one at path has been spoken of.
func (d *decoder) refuse(path, key, instead string) {
	if instead != "" {
		d.refused[path[:len(path)-len(pathKey(key))]+instead] = true
	}
}

func (d *decoder) wrongType(n ast.Node, path, want, fix string) {
	at, known := d.places[path]
	if !known { // the root has no key
		at = placeOf(firstOf(n))
	}
	d.addAt(at, path, "want "+want+", got "+describe(n), fix)
}

func setDefaults(pointer reflect.Value) {
	if d, ok := reflect.TypeAssert[defaulter](pointer); ok {
		d.setDefaults()
	}
}
