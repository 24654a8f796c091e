package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"tokenkeeper/gateway"
)

// print writes the document with --json, and otherwise what people prefer to read.
func (c *cli) print(document any, people func(io.Writer)) error {
	if !c.asJSON {
		people(c.stdout)
		return nil
	}
	encoder := json.NewEncoder(c.stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(document)
}

// notef tells a person something beside the answer.
func (c *cli) notef(format string, args ...any) {
	fmt.Fprintln(c.stderr, printable(fmt.Sprintf(format, args...)))
}

// table writes rows under their headings.
func table(w io.Writer, headings []string, rows [][]string) {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, strings.Join(headings, "\t"))
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, text := range row {
			cells[i] = orDash(printable(text))
		}
		fmt.Fprintln(out, strings.Join(cells, "\t"))
	}
	_ = out.Flush()
}

// fact is one line of a detailed view.
type fact struct{ name, value string }

// details writes facts below each other, leaving out those without a value.
func details(w io.Writer, facts []fact) {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range facts {
		if f.value != "" {
			fmt.Fprintf(out, "%s\t%s\n", f.name, printable(f.value))
		}
	}
	_ = out.Flush()
}

// printable returns text without control characters: reasons and names come from providers, and a terminal obeys escape
// sequences whoever wrote them.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return ' '
		}
		return r
	}, text)
}

// orEmpty keeps an empty list from becoming null in JSON.
func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// clip cuts text to a number of characters.
func clip(text string, limit int) string {
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit-1]) + "…"
	}
	return text
}

// relative returns "in 3h12m" or "2m ago", and "" for the zero time.
func relative(now, t time.Time) string { return gateway.Relative(now, t) }
