package triage

import (
	"strings"
	"testing"
)

var (
	agent = Self{UserID: "U0BOT", BotID: "B0BOT"}
	said  = Message{Key: Key{Team: "T1", Channel: "C1", TS: "1700000000.000100"}, User: "U0ADA", Text: "The login page crashes"}
)

func choose(t *testing.T, when When, m Message) Choice {
	t.Helper()
	f, err := NewFilter(when, agent)
	if err != nil {
		t.Fatal(err)
	}
	return f.Choose(m)
}

func TestKeywordsAreWholeWordsInAnyScript(t *testing.T) {
	for _, tt := range []struct {
		keyword, text string
		want          bool
	}{
		{"bug", "found a BUG.", true},
		{"bug", "bug", true},
		{"bug", "debug output", false},
		{"bug", "bugs", false},
		{"bug", "bug_report", false},
		{"bug", "a *bug*, really", true},
		{"bug:", "bug:login", true},
		{"C++", "crash in C++17", true},
		{"login page", "the login\n  page is blank", true},
		{"login page", "login pages", false},
		{"größe", "Die GRÖSSE stimmt", false}, // ß and SS are the same to people, not to simple case folding
		{"größe", "die GRÖßE stimmt", true},
		{"gr", "größe", false},
		{"éc", "un échec", false},
		{"échec", "un e\u0301chec total", true}, // composed and decomposed are one text
		{"cafe", "cafe\u0301", false},
		{"ошибка", "Ошибка при входе", true},
		{"ошибка", "безошибочно", false},
		{"エラー", "ログインエラーが出ます", true},
		{"崩溃", "应用崩溃了", true},
		{"API", "このAPIが落ちる", true},
		{"api", "rapid", false},
		{"can't", "I can’t log in", true},
		{"&", "this", false},
		{"a & b", "a &amp; b", true},
	} {
		when := When{Keywords: []string{tt.keyword}}
		if err := when.Validate(); err != nil {
			if tt.keyword != "&" {
				t.Errorf("%q: %v", tt.keyword, err)
			}
			continue
		}
		m := said
		m.Text = tt.text
		if got := choose(t, when, m); got.Counts != tt.want {
			t.Errorf("keyword %q in %q: %+v", tt.keyword, tt.text, got)
		}
	}
}

func TestWhatCounts(t *testing.T) {
	mention := said
	mention.Text = "<@U0BOT> thirty-two days in March"
	typed := said
	typed.Text = "type &lt;@U0BOT&gt; to call it"
	named := said
	named.Text, named.Names = "thanks <@U0CRASH>", map[string]string{"U0CRASH": "crash"}
	reply := said
	reply.ThreadTS = "1600000000.000100"
	marked := said
	marked.Reactions = []Reaction{{Name: "eyes", Users: []string{"U0BOT"}}, {Name: "beetle::skin-tone-3", Users: []string{"U0BOT", "U0BO"}}}
	bot := said
	bot.BotID = "B0CI"
	for name, tt := range map[string]struct {
		when    When
		message Message
		want    Choice
	}{
		"everything":               {When{}, said, Choice{Counts: true, Reason: "every message counts"}},
		"everything, certainly":    {When{Certain: true}, said, Choice{Counts: true, Certain: true, Reason: "every message counts"}},
		"second keyword":           {When{Keywords: []string{"fails", "Crashes"}}, said, Choice{Counts: true, Reason: `keyword "Crashes"`}},
		"no keyword":               {When{Keywords: []string{"crash"}}, said, Choice{Reason: SkipTrigger}},
		"pattern":                  {When{Patterns: []string{"^x", "page\\s"}}, said, Choice{Counts: true, Reason: `pattern "page\\s"`}},
		"patterns mind the case":   {When{Patterns: []string{"^the"}}, said, Choice{Reason: SkipTrigger}},
		"pattern, certainly":       {When{Patterns: []string{"(?i)^the"}, Certain: true}, said, Choice{Counts: true, Certain: true, Reason: `pattern "(?i)^the"`}},
		"mention":                  {When{Mention: true}, mention, Choice{Counts: true, Certain: true, Reason: "it mentions this agent"}},
		"mention of nobody":        {When{Mention: true}, said, Choice{Reason: SkipTrigger}},
		"typed, not mentioned":     {When{Mention: true}, typed, Choice{Reason: SkipTrigger}},
		"mention or keyword":       {When{Mention: true, Keywords: []string{"login"}}, said, Choice{Counts: true, Reason: `keyword "login"`}},
		"mention without the wish": {When{}, mention, Choice{Counts: true, Reason: "every message counts"}},
		"somebody's name":          {When{Keywords: []string{"crash"}}, named, Choice{Reason: SkipTrigger}},
		"of the right person":      {When{Only: []string{"U0BO", "U0ADA"}}, said, Choice{Counts: true, Reason: "every message counts"}},
		"of another person":        {When{Only: []string{"U0BO"}}, said, Choice{Reason: SkipAuthor}},
		"of an ignored person":     {When{Ignore: []string{"U0ADA"}, Keywords: []string{"login"}}, said, Choice{Reason: SkipAuthor}},
		"marked":                   {When{Reactions: []string{"bug", "beetle"}}, marked, Choice{Counts: true, Certain: true, Reason: "U0BO marked it :beetle:"}},
		"marked by the right one":  {When{Reactions: []string{"beetle"}, ReactionsBy: []string{"U0BO"}}, marked, Choice{Counts: true, Certain: true, Reason: "U0BO marked it :beetle:"}},
		"marked by another one":    {When{Reactions: []string{"beetle"}, ReactionsBy: []string{"U0CY"}}, marked, Choice{Reason: SkipTrigger}},
		"our own mark":             {When{Reactions: []string{"eyes"}}, marked, Choice{Reason: SkipTrigger}},
		"not marked":               {When{Reactions: []string{"beetle"}}, said, Choice{Reason: SkipTrigger}},
		"a reply is no new report": {When{Keywords: []string{"login"}}, reply, Choice{Reason: SkipReply}},
		"every":                    {When{Every: true}, said, Choice{Counts: true, Reason: "every message counts"}},
		"every, and marked":        {When{Every: true, Reactions: []string{"beetle"}}, marked, Choice{Counts: true, Certain: true, Reason: "U0BO marked it :beetle:"}},
		"every, and not marked":    {When{Every: true, Reactions: []string{"beetle"}}, said, Choice{Counts: true, Reason: "every message counts"}},
		"every but one's":          {When{Every: true, Ignore: []string{"U0ADA"}}, said, Choice{Reason: SkipAuthor}},
		"a bot has no keywords":    {When{Keywords: []string{"login"}, Certain: true}, bot, Choice{Reason: SkipBot}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := choose(t, tt.when, tt.message); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestWhatIsAskedForNeedNotReadLikeAReport(t *testing.T) {
	m := said
	m.Text = "Thirty-two days in March"
	if got := (Choice{Counts: true, Certain: true, Reason: "r"}).Over(Classify(m)); !got.Report || got.Reason != "r" {
		t.Errorf("got %+v", got)
	}
	if got := (Choice{Counts: true}).Over(Classify(m)); got != Classify(m) {
		t.Errorf("got %+v", got)
	}
	if got := (Choice{Certain: true}).Over(Classify(m)); got.Report {
		t.Errorf("what does not count is certain to be nothing: %+v", got)
	}
}

func TestOnlyAReactionMakesAMessageCountLater(t *testing.T) {
	f, err := NewFilter(When{Keywords: []string{"crashes"}, Reactions: []string{"beetle"}, Ignore: []string{"U0CY"}}, agent)
	if err != nil {
		t.Fatal(err)
	}
	if got := f.ChooseAgain(said); got != (Choice{Reason: SkipTrigger}) {
		t.Errorf("what was not taken for its words is not taken for them later: %+v", got)
	}
	m := said
	m.Reactions = []Reaction{{Name: "beetle", Users: []string{"U0BO"}}}
	if got := f.ChooseAgain(m); !got.Counts || !got.Certain {
		t.Errorf("got %+v", got)
	}
	m.User = "U0CY"
	if got := f.ChooseAgain(m); got != (Choice{Reason: SkipAuthor}) {
		t.Errorf("got %+v", got)
	}
}

func TestWhenNamesItsFault(t *testing.T) {
	for want, when := range map[string]When{
		`keyword "!"`:   {Keywords: []string{"ok", "!"}},
		`in UTF-8`:      {Keywords: []string{"ok", "caf\xe9"}},
		`pattern "("`:   {Patterns: []string{"("}},
		`reaction ":x"`: {Reactions: []string{":x"}},
		`person "bo"`:   {ReactionsBy: []string{"bo"}},
		`person "ada"`:  {Ignore: []string{"ada"}},
		`person "@U1"`:  {Only: []string{"@U1"}},
	} {
		if _, err := NewFilter(when, agent); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %s", when, err, want)
		}
		if _, err := NewRouter([]Route{{Channel: "C1", Repository: "a/b", When: when}}); err == nil {
			t.Errorf("%+v: a route takes it", when)
		}
	}
	if !(When{}).IsZero() || (When{Mention: true}).IsZero() || (When{Only: []string{"U1"}}).IsZero() || (When{Certain: true}).IsZero() || (When{Every: true}).IsZero() {
		t.Error("IsZero")
	}
}

func FuzzKeywords(f *testing.F) {
	f.Add("bug:", "a bug: here")
	f.Add("エラー", "エラー")
	f.Add("( [", "x")
	f.Add("000\xe3", "0")
	f.Fuzz(func(t *testing.T, keyword, text string) {
		when := When{Keywords: []string{keyword}}
		if when.Validate() != nil {
			return
		}
		m := said
		m.Text = text
		choose(t, when, m) // compiles, and does not panic
	})
}
