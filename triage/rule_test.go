package triage

import (
	"testing"
	"time"
)

// selector returns the one for the routes of a channel: design by a mark, shop for what is about the checkout, mobile for
// whatever its team writes, and for the rest what calls itself a bug.
func selector(t *testing.T) *Selector {
	t.Helper()
	routes := []Route{
		{Channel: "C1", When: When{Reactions: []string{"art"}, ReactionsWithin: time.Hour}},
		{Channel: "C2", When: When{Certain: true}},
		{Channel: "C1", Match: Match{Components: []string{"checkout"}}},
		{Channel: "C1", Match: Match{Reporters: []string{"U0BO"}}, When: When{Every: true, Reactions: []string{"beetle"}}},
		{Channel: "C1", Match: Match{Patterns: []string{"(?i)password"}}, When: When{Only: []string{"U0CY"}, Certain: true}},
		{Channel: "C1", When: When{Keywords: []string{"bug"}}},
	}
	s, err := NewSelector(RulesOf(routes, "C1"), agent)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func marked(user, text, emoji string) Message {
	m := in("C1", user, text)
	m.Reactions = []Reaction{{Name: emoji, Users: []string{"U0DEE"}}}
	return m
}

func TestTheFirstRouteForWhichAMessageCountsTakesIt(t *testing.T) {
	const design, shop, mobile, accounts, rest, none = 0, 1, 2, 3, 4, -1
	s := selector(t)
	for _, tt := range []struct {
		name      string
		m         Message
		component string
		want      int
		certain   bool
		reason    string
	}{
		{"marked", marked("U0BO", "a bug in the checkout", "art"), "checkout", design, true, "U0DEE marked it :art:"},
		{"what counts for the last counts for the shop", in("C1", "U0BO", "a bug, the cart is empty"), "checkout", shop, false, `keyword "bug"`},
		{"without the word it is the next one's", in("C1", "U0BO", "the cart is empty"), "checkout", mobile, false, "every message counts"},
		{"the team needs no word", in("C1", "U0BO", "the app crashes"), "", mobile, false, "every message counts"},
		{"and its marks are certain", marked("U0BO", "hm", "beetle"), "", mobile, true, "U0DEE marked it :beetle:"},
		{"whose mark counts for nobody else", marked("U0ADA", "hm", "beetle"), "", none, false, SkipTrigger},
		{"of the right person", in("C1", "U0CY", "the password is not taken"), "", accounts, true, "every message counts"},
		{"of another person it is for the rest", in("C1", "U0ADA", "the password is a bug"), "", rest, false, `keyword "bug"`},
		{"the rest", in("C1", "U0ADA", "a bug"), "", rest, false, `keyword "bug"`},
		{"nothing of all that", in("C1", "U0ADA", "the cart is empty"), "checkout", none, false, SkipTrigger},
	} {
		place, choice := s.Take(tt.m, tt.component)
		if want := (Choice{Counts: tt.want >= 0, Certain: tt.certain, Reason: tt.reason}); place != tt.want || choice != want {
			t.Errorf("%s: route %d, %+v, want %d, %+v", tt.name, place, choice, tt.want, want)
		}
	}
}

// Who polls does not know what a message is about, and hands over what could count for any route that it may match.
func TestAMessageMayCountBeforeItsComponentIsKnown(t *testing.T) {
	s := selector(t)
	for _, tt := range []struct {
		m    Message
		want bool
	}{
		{in("C1", "U0BO", "lunch?"), true},
		{in("C1", "U0ADA", "lunch?"), false},
		{in("C1", "U0ADA", "my password"), false},
		{in("C1", "U0CY", "my password"), true},
		{marked("U0ADA", "lunch?", "art"), true},
	} {
		if got := s.Choose(tt.m); got.Counts != tt.want {
			t.Errorf("%q of %s: %+v", tt.m.Text, tt.m.User, got)
		}
	}
	bot := in("C1", "U0BO", "a bug")
	bot.BotID = "B0CI"
	if got := s.Choose(bot); got != (Choice{Reason: SkipBot}) {
		t.Errorf("%+v", got)
	}
}

// Of reactions that come later each counts for as long as its own route says.
func TestAMarkCountsWithinTheTimeOfItsRoute(t *testing.T) {
	s := selector(t)
	for _, tt := range []struct {
		m    Message
		age  time.Duration
		want bool
	}{
		{marked("U0ADA", "lunch?", "art"), 59 * time.Minute, true},
		{marked("U0ADA", "lunch?", "art"), 2 * time.Hour, false},
		{marked("U0BO", "lunch?", "beetle"), 2 * time.Hour, true},
		{marked("U0ADA", "lunch?", "beetle"), 2 * time.Hour, false},
		{marked("U0BO", "lunch?", "beetle"), 25 * time.Hour, false},
		{in("C1", "U0BO", "a bug"), time.Minute, false},
	} {
		if got := s.ChooseAgain(tt.m, tt.m.Time().Add(tt.age)); got.Counts != tt.want {
			t.Errorf("%q of %s after %s: %+v", tt.m.Reactions, tt.m.User, tt.age, got)
		}
	}
	if got := ReactionsCountFor(RulesOf(nil, "C1")); got != 0 {
		t.Errorf("no route, no reactions: %s", got)
	}
	if got := ReactionsCountFor([]Rule{{}, {When: When{Reactions: []string{"x"}, ReactionsWithin: time.Hour}}, {When: When{Reactions: []string{"y"}}}}); got != 24*time.Hour {
		t.Errorf("the longest is %s", got)
	}
}

func TestWhatCountsIsOneThingUnlessARouteSaysItForItself(t *testing.T) {
	some, other := When{Mention: true}, When{Keywords: []string{"bug"}}
	for name, tt := range map[string]struct {
		routes []Route
		want   When
		one    bool
	}{
		"one route":              {[]Route{{Channel: "C1", When: some}}, some, true},
		"none says it":           {[]Route{{Channel: "C1"}, {Channel: "C1"}}, When{}, true},
		"the last says it":       {[]Route{{Channel: "C1"}, {Channel: "C1", When: some}, {Channel: "C2"}}, some, true},
		"another channel's does": {[]Route{{Channel: "C2", When: other}, {Channel: "C1", When: some}}, some, true},
		"the first says another": {[]Route{{Channel: "C1", When: other}, {Channel: "C1"}, {Channel: "C1", When: some}}, some, false},
		"only the first says it": {[]Route{{Channel: "C1", When: other}, {Channel: "C1"}}, When{}, false},
	} {
		if got, one := OneWhen(tt.routes, "C1"); one != tt.one || got.Mention != tt.want.Mention || len(got.Keywords) != len(tt.want.Keywords) {
			t.Errorf("%s: %+v, %v", name, got, one)
		}
	}
}

// What nobody's words or marks make count goes, when somebody takes it by hand, where what counts would.
func TestWhatCountsForNoRouteGoesWhereTheRestGoes(t *testing.T) {
	router, err := NewRouter([]Route{
		{Channel: "C1", Repository: "acme/design", When: When{Reactions: []string{"art"}}},
		{Channel: "C1", Repository: "acme/shop", Match: Match{Components: []string{"checkout"}}},
		{Channel: "C1", Repository: "acme/app", When: When{Keywords: []string{"bug"}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for component, want := range map[string]string{"": "acme/app", "checkout": "acme/shop"} {
		if route, ok := router.Route(in("C1", "U1", "it crashes"), component); !ok || route.Repository != want {
			t.Errorf("%q goes to %s, want %s", component, route.Repository, want)
		}
	}
}
