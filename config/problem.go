package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one fault of the file: where it stands, what it is, and what to write instead.
type Problem struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`   // from 1; 0 when the fault is of the file as a whole
	Column int    `json:"column,omitempty"` // from 1
	// Path names the value, such as connectors.slack.timeout; "" for the file as a whole.
	Path    string `json:"path,omitempty"`
	Message string `json:"message"`
	Fix     string `json:"fix,omitempty"`
}

// String writes "file:line:column: path: message; fix: what to do", leaving out what is not known.
func (p Problem) String() string {
	text := Position{File: p.File, Line: p.Line, Column: p.Column}.String() + ": "
	if p.Path != "" {
		text += p.Path + ": "
	}
	text += p.Message
	if p.Fix != "" {
		text += "; fix: " + p.Fix
	}
	return text
}

// Error is every fault found in one file, in the order in which they stand there. Encoded as JSON it is
// {"problems": […]}.
type Error struct {
	Problems []Problem `json:"problems"`

	cause error
}

// Error writes one line for each problem.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Unwrap returns why the file could not be read, such as [io/fs.ErrNotExist]; nil when it could.
func (e *Error) Unwrap() error { return e.cause }

func newError(problems []Problem) *Error {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	return &Error{Problems: problems}
}

// Position is a place in a file.
type Position struct {
	File   string `json:"file"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

// String writes "file:line:column", or the file alone when the line is not known.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Position returns where the value at path stands, for example "triages.acme/bug-reports.routes[0].repository". A value
// that was left to its default has the position of what it belongs to; at the worst it is the file alone.
func (c *Config) Position(path string) Position {
	at := lookup(c.places, path)
	return Position{File: c.Path, Line: at.line, Column: at.column}
}

// Problem gives a fault that was found outside the file the shape of one that Load finds.
func (c *Config) Problem(path, message, fix string) Problem {
	at := c.Position(path)
	return Problem{File: at.File, Line: at.Line, Column: at.Column, Path: path, Message: message, Fix: fix}
}

// place is a line and a column, both from 1; the zero value is nowhere.
type place struct{ line, column int }

func lookup(places map[string]place, path string) place {
	for path != "" {
		if at, ok := places[path]; ok {
			return at
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return place{}
}
