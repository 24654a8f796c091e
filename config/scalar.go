package config

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// scalar decodes one value. Types are taken at their word: a number is no text, because 1.10 and 0x10 would arrive as
// something else than was written.
func (d *decoder) scalar(n ast.Node, v reflect.Value, path string) {
	switch v.Kind() {
	case reflect.String:
		d.text(n, v, path)
	case reflect.Bool:
		if b, ok := n.(*ast.BoolNode); ok {
			v.SetBool(b.Value)
		} else {
			d.wrongType(n, path, "true or false", "write true or false")
		}
	case reflect.Int:
		if i, ok := intOf(n); ok {
			v.SetInt(i)
		} else {
			d.wrongType(n, path, "a whole number", "write digits")
		}
	case reflect.Float64:
		if f, ok := numberOf(n); ok {
			v.SetFloat(f)
		} else {
			d.wrongType(n, path, "a number", "write digits, such as 5 or 0.5")
		}
	default:
		panic("config: no decoding for " + v.Type().String()) // a struct of this module grew a kind; every load would show it
	}
}

func (d *decoder) text(n ast.Node, v reflect.Value, path string) {
	if text, ok := stringOf(n); ok {
		v.SetString(text)
		return
	}
	fix := "write one value"
	if _, single := textOf(n); single {
		fix = "put it in quotes"
	}
	d.wrongType(n, path, "text", fix)
}

var (
	bareNumber = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)
	days       = regexp.MustCompile(`^([0-9]{1,4})d$`)
)

func (d *decoder) duration(n ast.Node, v reflect.Value, path string) {
	text, ok := textOf(n)
	if !ok {
		d.wrongType(n, path, "a duration", "write one such as 30s")
		return
	}
	duration, err := time.ParseDuration(text)
	_, isText := stringOf(n)
	switch {
	case err == nil && isText:
		v.SetInt(int64(duration))
	case bareNumber.MatchString(text):
		d.add(path, fmt.Sprintf("%q has no unit", text), "write "+text+"s, if seconds are meant; units are ms, s, m, h")
	case days.MatchString(text):
		count, _ := strconv.Atoi(days.FindStringSubmatch(text)[1]) // digits by the pattern
		d.add(path, fmt.Sprintf("%q: days are no unit", text), fmt.Sprintf("write %dh", 24*count))
	default:
		d.add(path, quote(text)+" is no duration", "write one such as 30s, 10m or 1h30m")
	}
}

// stringOf returns the text of a node that is text.
func stringOf(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	}
	return "", false
}

// textOf returns the text of any single value, as it is written.
func textOf(n ast.Node) (string, bool) {
	if text, ok := stringOf(n); ok {
		return text, true
	}
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode, *ast.NullNode:
		return strings.TrimSpace(n.GetToken().Value), true
	}
	return "", false
}

// intOf takes plain digits only; what else YAML reads as a number (0o17, 1_000) is a slip here.
func intOf(n ast.Node) (int64, bool) {
	if _, ok := n.(*ast.IntegerNode); !ok {
		return 0, false
	}
	i, err := strconv.ParseInt(n.GetToken().Value, 10, 32)
	return i, err == nil
}

// numberOf takes plain digits, with a point and more of them if need be.
func numberOf(n ast.Node) (float64, bool) {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
	default:
		return 0, false
	}
	text := n.GetToken().Value
	if !bareNumber.MatchString(text) {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil
}

// describe names what n is, never what it says.
func describe(n ast.Node) string {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return "keys with values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.BoolNode:
		return "true or false"
	case *ast.IntegerNode, *ast.FloatNode, *ast.InfinityNode, *ast.NanNode:
		return "a number"
	case *ast.StringNode, *ast.LiteralNode:
		return "text"
	}
	return "something else"
}
