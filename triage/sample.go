package triage

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Sample is a message that a person has labelled, one line of a file such as
//
//	{"kind":"question","report":false,"text":"How do I rotate a key?"}
type Sample struct {
	Line int `json:"-"` // where it stands, from 1
	// Report says whether the message is a bug report.
	Report bool     `json:"report"`
	Text   string   `json:"text"`            // Slack's mrkdwn
	Files  []string `json:"files,omitempty"` // MIME types of what is attached
	// Kind is the labeller's own word for what the message is, such as "question"; "" for none.
	Kind string `json:"kind,omitempty"`
}

// maxSampleLine is more than Slack's longest message takes, in bytes of JSON.
const maxSampleLine = 1 << 20

// Message returns the sample as Slack would deliver it.
func (s Sample) Message() Message {
	m := Message{Key: Key{Team: "T0", Channel: "C0", TS: fmt.Sprintf("%d.000100", 1700000000+s.Line)}, User: "U0", Text: s.Text}
	for _, mime := range s.Files {
		m.Files = append(m.Files, File{MIMEType: mime})
	}
	return m
}

// ReadSamples reads JSON lines; empty lines are passed over. The error names every faulty line and what to write there, and
// no sample is returned with one.
func ReadSamples(r io.Reader) ([]Sample, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxSampleLine)
	var samples []Sample
	var faults []error
	n := 0
	for lines.Scan() {
		n++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		s, err := parseSample(lines.Bytes())
		if err != nil {
			faults = append(faults, fmt.Errorf("line %d: %w", n, err))
		}
		s.Line = n
		samples = append(samples, s)
	}
	if err := lines.Err(); err != nil {
		faults = append(faults, fmt.Errorf("line %d: %w", n+1, err))
	}
	if len(samples) == 0 && len(faults) == 0 {
		faults = append(faults, errors.New(`there are no messages; write a line for each, such as {"report": true, "text": "The login page is blank"}`))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return samples, nil
}

// parseSample is strict, because a misspelt key would make a label that nobody gave.
func parseSample(line []byte) (Sample, error) {
	var s struct {
		Sample

		Report *bool `json:"report"` // a label that is left out is none
	}
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	switch err := decoder.Decode(&s); {
	case err != nil && strings.HasPrefix(err.Error(), "json: unknown field"):
		return Sample{}, fmt.Errorf("%s; the keys are report, text, files and kind", strings.TrimPrefix(err.Error(), "json: "))
	case err != nil:
		return Sample{}, fmt.Errorf(`%w; want one JSON object in one line, such as {"report": true, "text": "The login page is blank"}`, err)
	case decoder.More():
		return Sample{}, errors.New("there is more than one JSON object; write each in a line of its own")
	case s.Report == nil:
		return Sample{}, errors.New(`report is missing; write "report": true for a bug report and false for anything else`)
	case strings.TrimSpace(s.Text) == "" && len(s.Files) == 0:
		return Sample{}, errors.New("text is empty, and no such message is ever classified; write text or files, or delete the line")
	}
	s.Sample.Report = *s.Report
	return s.Sample, nil
}
