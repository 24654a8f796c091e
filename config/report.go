package config

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// report collects what is wrong with one file, and remembers where everything in it stands.
type report struct {
	file     string
	problems []Problem
	places   map[string]place // path → where its value stands
	refused  map[string]bool  // paths that have a problem already: what follows from it is not reported
	sources  Sources          // what was read
}

func newReport(file string) *report {
	return &report{file: file, places: map[string]place{}, refused: map[string]bool{}, sources: Sources{}}
}

// add reports a problem of the value at path, or of what it belongs to when it is not written.
func (r *report) add(path, message, fix string) { r.addAt(lookup(r.places, path), path, message, fix) }

// addAt reports a problem that spoils the value at path.
func (r *report) addAt(at place, path, message, fix string) {
	r.refused[path] = true
	r.note(at, path, message, fix)
}

// note reports a problem that leaves the value at path usable.
func (r *report) note(at place, path, message, fix string) {
	r.problems = append(r.problems, Problem{
		File: r.file, Line: at.line, Column: at.column, Path: path, Message: oneLine(message), Fix: oneLine(fix),
	})
}

// oneLine writes out control characters, which may come from the file: a problem is one line and moves no cursor.
func oneLine(text string) string {
	if !strings.ContainsFunc(text, unicode.IsControl) && utf8.ValidString(text) {
		return text
	}
	quoted := strconv.Quote(text)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}

// err returns what was found as an error, nil when nothing was.
func (r *report) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	return newError(r.problems)
}

// correctIt is the fix where the message says all there is to say.
const correctIt = "correct this value"
