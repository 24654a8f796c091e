package sandbox

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// plainFault has Fault's fields without its methods, so that encoding it does not call them again.
type plainFault Fault

// faultJSON writes durations as people do.
type faultJSON struct {
	plainFault
	RetryAfter string `json:"retry_after,omitempty"`
	Delay      string `json:"delay,omitempty"`
}

// MarshalJSON writes durations as "1.5s".
func (f Fault) MarshalJSON() ([]byte, error) {
	return json.Marshal(faultJSON{plainFault(f), written(f.RetryAfter), written(f.Delay)})
}

// UnmarshalJSON reads what MarshalJSON writes and refuses unknown members, since a misspelt one would script another fault.
func (f *Fault) UnmarshalJSON(data []byte) error {
	var j faultJSON
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&j); err != nil {
		return err
	}
	var err error
	if j.plainFault.RetryAfter, err = read("retry_after", j.RetryAfter); err != nil {
		return err
	}
	if j.plainFault.Delay, err = read("delay", j.Delay); err != nil {
		return err
	}
	*f = Fault(j.plainFault)
	return nil
}

// MarshalJSON puts the counts beside the members of the fault.
func (f FaultState) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		faultJSON
		Seen int `json:"seen"`
		Hit  int `json:"hit"`
	}{faultJSON{plainFault(f.Fault), written(f.RetryAfter), written(f.Delay)}, f.Seen, f.Hit})
}

func written(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return d.String()
}

func read(name, text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, fmt.Errorf("%s %q: want a duration such as \"2s\"", name, text)
	}
	return d, nil
}
