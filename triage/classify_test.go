package triage

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
)

// labelled is one line of messages.jsonl: what a person wrote, and whether another person calls it a bug report.
type labelled struct {
	Text   string   `json:"text"`
	Files  []string `json:"files"` // MIME types
	Report bool     `json:"report"`
}

func (l labelled) message() Message {
	m := Message{Key: Key{"T1", "C1", "1700000000.000100"}, User: "U1", Text: l.Text}
	for _, mime := range l.Files {
		m.Files = append(m.Files, File{MIMEType: mime})
	}
	return m
}

func readLabelled(t *testing.T) []labelled {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "testdata", "triage", "messages.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var all []labelled
	for line := range bytes.Lines(data) {
		var l labelled
		if err := json.Unmarshal(line, &l); err != nil {
			t.Fatalf("messages.jsonl, line %d: %v", len(all)+1, err)
		}
		all = append(all, l)
	}
	return all
}

func TestClassifyMeetsPrecisionAndRecall(t *testing.T) {
	const atLeast, fewest = 0.95, 60
	messages := readLabelled(t)
	if len(messages) < fewest {
		t.Fatalf("%d labelled messages, want at least %d", len(messages), fewest)
	}
	var found, missed, wrong float64
	for _, l := range messages {
		got := Classify(l.message())
		switch {
		case got.Report && l.Report:
			found++
		case got.Report:
			wrong++
			t.Logf("taken for a report (%.2f, %s): %q", got.Confidence, got.Reason, l.Text)
		case l.Report:
			missed++
			t.Logf("missed (%.2f, %s): %q", got.Confidence, got.Reason, l.Text)
		}
	}
	precision, recall := found/(found+wrong), found/(found+missed)
	t.Logf("%d messages: precision %.3f, recall %.3f", len(messages), precision, recall)
	if precision < atLeast || recall < atLeast {
		t.Errorf("precision %.3f, recall %.3f: want at least %.2f", precision, recall, atLeast)
	}
}

func TestClassifyMatchesWholeWords(t *testing.T) {
	for _, text := range []string{"debug", "terror", "helpful", "the debugger is a terrific, helpful tool", "bugle", "mirrored"} {
		if got := Classify(message(text)); got.Reason != "no signal" || got.Report {
			t.Errorf("Classify(%q) = %+v, want no signal", text, got)
		}
	}
}

func TestClassifyNamesItsSignals(t *testing.T) {
	tests := []struct {
		text, want string
		report     bool
	}{
		{"", "no signal", false},
		{"It crashed", "crash", true},
		{"Great work!", "against: praise", false},
		{"Fixed the crash", "crash; against: fixed", false},
		{"Exemplary:\n```\ntry { } catch (Exception e) { crash(); }\n```", "no signal", false},
		{"```\npanic: nil map\ngoroutine 1 [running]:\n```", "stack trace", true},
	}
	for _, tt := range tests {
		got := Classify(message(tt.text))
		if got.Reason != tt.want || got.Report != tt.report {
			t.Errorf("Classify(%q) = %+v, want %v because of %q", tt.text, got, tt.report, tt.want)
		}
		if got.Confidence < 0 || got.Confidence > 1 || got.Report != (got.Confidence >= Threshold) {
			t.Errorf("Classify(%q): confidence %v does not fit", tt.text, got.Confidence)
		}
	}
}

func TestSignalsHaveNamesAndOneRule(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range signals {
		rules := 0
		for _, is := range []bool{s.words != nil, s.trace != nil, s.other != nil} {
			if is {
				rules++
			}
		}
		if s.name == "" || seen[s.name] || rules != 1 || s.weight == 0 {
			t.Errorf("signal %q: %d rules, weight %v, named twice: %v", s.name, rules, s.weight, seen[s.name])
		}
		seen[s.name] = true
	}
}
