package demo

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
)

// A story in which the rules mistake a message says nothing about tokens: what its people write has to be clear.
func TestWhatPeopleWriteIsClear(t *testing.T) {
	for seed := range uint64(5) {
		people := sandbox.NewPeople(seed)
		meant := map[string]bool{}
		for range 90 {
			m := people.Next()
			if m.EditOf != "" {
				m.Ref, m.Report = m.EditOf, meant[m.EditOf]
			}
			meant[m.Ref] = m.Report
			message := triage.Message{
				Key: triage.Key{Team: "T1", Channel: "C1", TS: "1700000000.000100"}, User: m.User, BotID: m.Bot, Subtype: m.Subtype, Text: m.Text,
			}
			for _, f := range m.Files {
				message.Files = append(message.Files, triage.File{Name: f.Name, MIMEType: f.Mimetype})
			}
			if m.ReplyTo != "" {
				message.ThreadTS = "1690000000.000100"
			}
			candidate, _ := triage.Candidate(message, triage.Self{})
			class := triage.Classify(message)
			assert.Equal(t, m.Report, candidate && class.Report, "%s: %s", class.Reason, m.Text)
		}
	}
}
