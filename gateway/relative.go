package gateway

import (
	"fmt"
	"time"
)

// Relative returns "in 3h12m" or "2m ago", and "" for the zero time.
func Relative(now, t time.Time) string {
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

// moment is a time for people: how far away it is, and when that is.
type moment struct {
	Machine  string // RFC 3339, for <time datetime>
	Relative string
	Absolute string
}

// at returns nil for the zero time.
func at(now, t time.Time) *moment {
	if t.IsZero() {
		return nil
	}
	t, now = t.UTC(), now.UTC()
	layout := "2006-01-02 15:04 UTC"
	if t.Year() == now.Year() {
		layout = "2 Jan 15:04 UTC"
	}
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		layout = "15:04:05 UTC"
	}
	return &moment{Machine: t.Format(time.RFC3339), Relative: Relative(now, t), Absolute: t.Format(layout)}
}
