package triage

import (
	"strings"
	"testing"
	"time"
)

func TestWhoAnswersAProposal(t *testing.T) {
	ours := []Reaction{{Name: AgreeEmoji, Users: []string{"U0BOT"}}, {Name: DeclineEmoji, Users: []string{"U0BOT"}}}
	on := func(agree, decline string) []Reaction {
		var all []Reaction
		for name, users := range map[string]string{AgreeEmoji: agree, DeclineEmoji: decline} {
			all = append(all, Reaction{Name: name, Users: append([]string{"U0BOT"}, strings.Fields(users)...)})
		}
		return append(all, Reaction{Name: "tada", Users: []string{"U1"}})
	}
	for name, tt := range map[string]struct {
		by        []string
		reactions []Reaction
		outcome   Outcome
		who       string
	}{
		"nobody":                 {nil, nil, "", ""},
		"we offer both":          {nil, ours, "", ""},
		"anybody agrees":         {nil, on("U1", ""), Agreed, "U1"},
		"anybody declines":       {nil, on("", "U1"), Declined, "U1"},
		"a no outweighs a yes":   {nil, on("U1", "U2"), Declined, "U2"},
		"not allowed":            {[]string{"U3"}, on("U1 U2", "U2"), "", ""},
		"one of them is allowed": {[]string{"U3", "U2"}, on("U1 U2", "U1"), Agreed, "U2"},
	} {
		t.Run(name, func(t *testing.T) {
			outcome, who := Proposal{By: tt.by}.Outcome(tt.reactions, agent)
			if outcome != tt.outcome || who != tt.who {
				t.Errorf("got %q by %q", outcome, who)
			}
		})
	}
}

func TestAProposalNamesItsFault(t *testing.T) {
	for want, p := range map[string]Proposal{"within": {}, `person "ada"`: {Within: time.Hour, By: []string{"ada"}}} {
		route := Route{Channel: "C1", Repository: "a/b", Propose: &p}
		if err := route.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", p, err, want)
		}
	}
	if err := (Route{Channel: "C1", Repository: "a/b", Propose: &Proposal{Within: time.Hour, By: []string{"U1"}}}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestAThumbHasTwoNames(t *testing.T) {
	self := Self{UserID: "U0SELF"}
	for configured, sent := range map[string]string{"thumbsup": "+1", "+1": "thumbsup::skin-tone-2", "thumbsdown": "-1::skin-tone-3", "-1": "thumbsdown"} {
		reactions := []Reaction{{Name: sent, Users: []string{"U1"}}}
		if by := reactedBy(reactions, self, configured, nil); by != "U1" {
			t.Errorf("%s is not taken for %s", sent, configured)
		}
	}
	if by := reactedBy([]Reaction{{Name: "-1", Users: []string{"U1"}}}, self, "thumbsup", nil); by != "" {
		t.Error("up is not down")
	}
}
