package triage

import (
	"fmt"
	"time"
)

// TimestampOf returns the ts of a moment, to compare with those of messages and to begin a window at.
func TimestampOf(at time.Time) string {
	return fmt.Sprintf("%d.%06d", at.Unix(), at.Nanosecond()/1000)
}

// Time returns when the message was posted, to the second; the zero time for a key without one.
func (k Key) Time() time.Time {
	at, _ := sentAt(k.TS)
	return at
}
