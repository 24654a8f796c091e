package triage

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestCandidate(t *testing.T) {
	self := Self{UserID: "U0SELF", BotID: "B0SELF"}
	tests := []struct {
		name   string
		change func(*Message)
		want   string
	}{
		{"a person's message", func(*Message) {}, ""},
		{"no key", func(m *Message) { m.TS = "" }, SkipKey},
		{"bot without subtype", func(m *Message) { m.BotID = "B2" }, SkipBot},
		{"Slackbot", func(m *Message) { m.User = "USLACKBOT" }, SkipBot},
		{"own post by bot id", func(m *Message) { m.BotID = "B0SELF" }, SkipOwn},
		{"own post by user id", func(m *Message) { m.User = "U0SELF" }, SkipOwn},
		{"file_share", func(m *Message) { m.Subtype = "file_share" }, ""},
		{"me_message", func(m *Message) { m.Subtype = "me_message" }, ""},
		{"thread_broadcast", func(m *Message) { m.Subtype, m.ThreadTS = "thread_broadcast", "1.000000" }, SkipSubtype},
		{"channel_join", func(m *Message) { m.Subtype = "channel_join" }, SkipSubtype},
		{"message_changed", func(m *Message) { m.Subtype = "message_changed" }, SkipSubtype},
		{"reply in a thread", func(m *Message) { m.ThreadTS = "1600000000.000100" }, SkipReply},
		{"start of a thread", func(m *Message) { m.ThreadTS = m.TS }, ""},
		{"empty", func(m *Message) { m.Text = " \n\u200b" }, SkipEmpty},
		{"forward without a comment", func(m *Message) { m.Text, m.Forwarded = "", []string{"It crashes."} }, ""},
		{"forward of nothing", func(m *Message) { m.Text, m.Forwarded = "", []string{" \n"} }, SkipEmpty},
		{"file without text", func(m *Message) { m.Text, m.Files = "", []File{{ID: "F1"}} }, ""},
	}
	for _, tt := range tests {
		m := Message{Key: testKey, User: "U1", Text: "It crashes."}
		tt.change(&m)
		ok, reason := Candidate(m, self)
		if reason != tt.want || ok != (tt.want == "") {
			t.Errorf("%s: Candidate = %v, %q, want reason %q", tt.name, ok, reason, tt.want)
		}
	}
	if ok, reason := Candidate(Message{Key: testKey, Text: "x"}, Self{}); !ok {
		t.Errorf("an unknown self owns nobody's posts, got %q", reason)
	}
}

// A message, a report and an issue are stored in Temporal's history on their way.
func TestMessageSurvivesJSON(t *testing.T) {
	m := Message{
		Key: testKey, ChannelName: "bugs", User: "U1", UserName: "Ada", Text: "It <@U2>", ThreadTS: testKey.TS, EditedAt: "1700000001.000000",
		Files: []File{{ID: "F1", Name: "a.png", MIMEType: "image/png", Size: 3, Permalink: "https://x"}}, Names: map[string]string{"U2": "Bo"},
		Forwarded: []string{"x"},
	}
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var back Message
	if err := json.Unmarshal(data, &back); err != nil || !reflect.DeepEqual(back, m) {
		t.Errorf("%s came back as %+v, %v", data, back, err)
	}
}

func TestWhatIsForwardedIsReadAndQuoted(t *testing.T) {
	m := Message{
		Key: testKey, User: "U1", Text: "can somebody look at this?", Names: map[string]string{"U3": "Chen"},
		Forwarded: []string{"<@U3>: the export crashes with `E500`,\nsee <https://logs.example/1|the log>"},
	}
	if got := Classify(m); !got.Report {
		t.Errorf("Classify = %+v", got)
	}
	if got := m.Mentioned(20); !reflect.DeepEqual(got, []string{"U3"}) {
		t.Errorf("Mentioned = %q", got)
	}
	issue := Render(m, Extract(m), goldenRoute)
	for _, part := range []string{
		"```text\ncan somebody look at this?\n\n> @Chen: the export crashes with `E500`,\n> see the log (https://logs.example/1)\n```", "- <https://logs.example/1>",
	} {
		if !strings.Contains(issue.Body, part) {
			t.Errorf("%q is not in\n%s", part, issue.Body)
		}
	}
	if !m.ShownIn(issue.Body) {
		t.Error("the issue shows the message")
	}
	m.Text = ""
	if title := m.Title(); !strings.Contains(title, "export crashes") {
		t.Errorf("the title is %q", title)
	}
}
