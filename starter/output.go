package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
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

// relative returns "in 3h12m" or "2m ago", and "" for the zero time.
func relative(now, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	away := t.Sub(now)
	switch {
	case away >= time.Second:
		return "in " + span(away)
	case away <= -time.Second:
		return span(-away) + " ago"
	}
	return "now"
}

// span rounds a duration to what a person would say.
func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		hours := int(d.Hours())
		return fmt.Sprintf("%dh%02dm", hours, int(d.Minutes())-60*hours)
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
