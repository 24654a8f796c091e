package triage

import "testing"

// The rules were fitted to the first of these sets and learned from the second, so the floors lie under what they reach: a
// change may cost a message, and not the use of the rules.
func TestClassifyKeepsItsRates(t *testing.T) {
	tests := []struct {
		file                  string
		fewest                int
		precision, recall, f1 float64
	}{
		{"messages.jsonl", 250, 0.95, 0.95, 0.96},
		{"labelled.jsonl", 120, 0.90, 0.70, 0.81},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			samples := readSamples(t, tt.file)
			if len(samples) < tt.fewest {
				t.Fatalf("%d labelled messages, want at least %d", len(samples), tt.fewest)
			}
			var c Confusion
			for _, s := range samples {
				got := Classify(s.Message())
				if c.Add(s.Report, got.Report); got.Report != s.Report {
					t.Logf("line %d, report %v: %.2f, %s: %q", s.Line, s.Report, got.Confidence, got.Reason, s.Text)
				}
			}
			t.Logf("precision %.3f, recall %.3f, F1 %.3f", c.Precision(), c.Recall(), c.F1())
			if c.Precision() < tt.precision || c.Recall() < tt.recall || c.F1() < tt.f1 {
				t.Errorf("precision %.3f, recall %.3f, F1 %.3f: want at least %.2f, %.2f, %.2f", c.Precision(), c.Recall(), c.F1(), tt.precision, tt.recall, tt.f1)
			}
		})
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
