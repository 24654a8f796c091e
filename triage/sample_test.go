package triage

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func readSamples(t *testing.T, name string) []Sample {
	t.Helper()
	file, err := os.Open(filepath.Join("..", "testdata", "triage", name))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	samples, err := ReadSamples(file)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return samples
}

func TestReadSamples(t *testing.T) {
	samples, err := ReadSamples(strings.NewReader(`{"report":true,"text":"It crashes","files":["image/png"],"kind":"bug"}` + "\n\n" + `{"report":false,"text":"hi"}`))
	if err != nil || len(samples) != 2 {
		t.Fatalf("%d samples, error %v", len(samples), err)
	}
	if s := samples[0]; s.Line != 1 || !s.Report || s.Kind != "bug" || !hasImage(s.Message()) {
		t.Errorf("first sample: %+v", s)
	}
	if s := samples[1]; s.Line != 3 || s.Report || s.Message().Validate() != nil {
		t.Errorf("second sample: %+v", s)
	}
}

func TestReadSamplesNamesEveryFaultyLine(t *testing.T) {
	tests := []struct{ line, want string }{
		{`{"report":true,"txt":"x"}`, `line 2: unknown field "txt"; the keys are report, text, files and kind`},
		{`{"text":"x"}`, "line 2: report is missing; write"},
		{`{"report":null,"text":"x"}`, "line 2: report is missing; write"},
		{`{"report":"yes","text":"x"}`, "line 2: json: cannot unmarshal string"},
		{`{"report":true,"text":" "}`, "line 2: text is empty"},
		{`{"report":true,"text":"x"} {"report":true,"text":"y"}`, "line 2: there is more than one"},
		{`report,text`, "line 2: invalid character"},
		{`{"report":true,"text":"` + strings.Repeat("x", maxSampleLine) + `"}`, "line 2: bufio.Scanner: token too long"},
	}
	for _, tt := range tests {
		samples, err := ReadSamples(strings.NewReader(`{"report":true,"text":"x"}` + "\n" + tt.line + "\n"))
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) || samples != nil {
			t.Errorf("%.60s: %d samples, error %v; want none and %q", tt.line, len(samples), err, tt.want)
		}
	}
	_, err := ReadSamples(strings.NewReader("x\n{}\n"))
	if err == nil || !strings.Contains(err.Error(), "line 1:") || !strings.Contains(err.Error(), "line 2:") {
		t.Errorf("two faulty lines: %v; want both", err)
	}
	if _, err := ReadSamples(strings.NewReader("\n")); err == nil || !strings.Contains(err.Error(), "there are no messages") {
		t.Errorf("an empty file: %v", err)
	}
}

func TestConfusion(t *testing.T) {
	var c Confusion
	if c.Precision() != 0 || c.Recall() != 0 || c.F1() != 0 {
		t.Errorf("nothing counted: %v, %v, %v; want zeros", c.Precision(), c.Recall(), c.F1())
	}
	for i, n := range []int{6, 2, 3, 4} { // of each kind
		for range n {
			c.Add(i == 0 || i == 2, i == 0 || i == 1)
		}
	}
	if want := (Confusion{TruePositives: 6, FalsePositives: 2, FalseNegatives: 3, TrueNegatives: 4}); c != want || c.Total() != 15 {
		t.Errorf("counted %+v, want %+v", c, want)
	}
	if p, r, f := c.Precision(), c.Recall(), c.F1(); p != 0.75 || r != 6.0/9 || f != 12.0/17 {
		t.Errorf("precision %v, recall %v, F1 %v", p, r, f)
	}
}
