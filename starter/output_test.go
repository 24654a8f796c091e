package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestRelative(t *testing.T) {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		away time.Duration
		want string
	}{
		{0, "now"},
		{500 * time.Millisecond, "now"},
		{42 * time.Second, "in 42s"},
		{-2 * time.Minute, "2m ago"},
		{3*time.Hour + 12*time.Minute, "in 3h12m"},
		{-(3*time.Hour + 2*time.Minute), "3h02m ago"},
		{47 * time.Hour, "in 47h00m"},
		{-60 * 24 * time.Hour, "60d ago"},
	} {
		if got := relative(now, now.Add(test.away)); got != test.want {
			t.Errorf("%s: %q, want %q", test.away, got, test.want)
		}
	}
	if got := relative(now, time.Time{}); got != "" {
		t.Errorf("zero time: %q", got)
	}
}

func TestTablesHoldNoControlCharacters(t *testing.T) {
	var out bytes.Buffer
	table(&out, []string{"A", "B"}, [][]string{{"x\x1b[31m\ty", "a\nb\u202e"}, {"", "long"}})
	if strings.ContainsAny(out.String(), "\x1b\u202e\t") || strings.Count(out.String(), "\n") != 3 {
		t.Errorf("%q", out.String())
	}
}

// However an answer arrives, no secret leaves in one piece or in two, and everything else does.
func TestRedactor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		secrets := []string{"gho_0123456789", "gho_01", "refresh"}
		parts := rapid.SliceOf(rapid.SampledFrom(append(secrets, "a", "gho_", "ref", "refresh", "é", "0123456789"))).Draw(t, "parts")
		text := strings.Join(parts, "")
		var out bytes.Buffer
		r := &redactor{to: &out, secrets: secrets}
		for rest := []byte(text); len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			if _, err := r.Write(rest[:n]); err != nil {
				t.Fatal(err)
			}
			rest = rest[n:]
		}
		if err := r.flush(); err != nil {
			t.Fatal(err)
		}
		for _, secret := range secrets {
			if strings.Contains(out.String(), secret) {
				t.Fatalf("%q in %q", secret, out.String())
			}
		}
	})
	var out bytes.Buffer
	if err := redactedCopy(&out, strings.NewReader(`{"token":"abc","ok":true}`), []string{"abc"}); err != nil || out.String() != `{"token":"[redacted]","ok":true}` {
		t.Errorf("%v %s", err, out.String())
	}
	out.Reset()
	if err := redactedCopy(&out, strings.NewReader("plain"), nil); err != nil || out.String() != "plain" {
		t.Errorf("%v %s", err, out.String())
	}
}
