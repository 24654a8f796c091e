package gateway

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"tokenkeeper/credential"
)

// maxCards is how many accounts one page shows. Those that need somebody come first, and the others can be searched.
const maxCards = 200

// searchFrom is how many accounts make a search worth its place.
const searchFrom = 12

// statusContent is the status page.
type statusContent struct {
	Banner   *banner // what the button before did; nil for none
	Who      string  // how the person signed in; "" where nobody has to
	Version  string  // of what was seen
	Now      *moment // when it was seen
	Blind    *moment // since when nothing more can be seen
	Nothing  bool    // nothing was ever seen
	Summary  string
	Good     bool
	Notices  string // what does not reach people; "" for nothing
	Accounts []accountCard
	Triages  []triageCard
	Search   string // what accounts were searched for
	Searches bool   // whether to offer a search
	Hidden   int    // accounts that are too many for the page
}

// status shows every account and every triage.
func (s *Server) status(w http.ResponseWriter, r *http.Request, who Person) {
	s.pageWithForms(w)
	w.Header().Set("Content-Security-Policy", w.Header().Get("Content-Security-Policy")+"; script-src 'self'; connect-src 'self'")
	content := s.statusContent(r, who)
	content.Banner = s.takeBanner(w, r)
	if s.asksWho() {
		content.Who = who.how()
	}
	s.render(w, r, http.StatusOK, statusPage, "Status", content)
}

// pageWithForms lets the forms of a page lead to any of our own names. On loopback a link redirects the browser to the
// public name, and browsers hold redirects after a form to the list as well.
func (s *Server) pageWithForms(w http.ResponseWriter) {
	w.Header().Set("Content-Security-Policy", contentSecurityPolicy("'self' "+s.PublicURL.Scheme+"://"+s.PublicURL.Host))
	w.Header().Set("Referrer-Policy", "same-origin") // for the Origin of forms, as on the connect page
}

func (s *Server) statusContent(r *http.Request, who Person) statusContent {
	seen, now := s.look(r.Context()), s.now()
	c := statusContent{
		Version: seen.version(),
		Now:     at(now, seen.at), Blind: at(now, seen.blind), Nothing: seen.at.IsZero(),
		Search: clip(strings.TrimSpace(r.URL.Query().Get("q")), maxName), Searches: len(seen.accounts) >= searchFrom,
	}
	waits := whoWaits(seen.triages)
	cards := make([]accountCard, len(seen.accounts))
	for i, view := range seen.accounts {
		cards[i] = newAccountCard(now, view, waits[view.Account])
	}
	for _, view := range seen.triages {
		c.Triages = append(c.Triages, newTriageCard(now, view))
	}
	c.Summary, c.Good = summary(cards, c.Triages)
	if c.Notices = seen.notices.Problem(); c.Notices != "" {
		c.Good = false
	}
	cards = slices.DeleteFunc(cards, func(card accountCard) bool { return !card.matches(c.Search) })
	slices.SortStableFunc(cards, func(x, y accountCard) int {
		return cmp.Or(cmp.Compare(x.Tone.rank(), y.Tone.rank()), strings.Compare(x.Account.String(), y.Account.String()))
	})
	if c.Hidden = len(cards) - maxCards; c.Hidden > 0 {
		cards = cards[:maxCards]
	}
	for i := range cards {
		cards[i].Base, cards[i].Buttons = s.base(), s.buttonsFor(who, cards[i].AccountView)
	}
	c.Accounts = cards
	return c
}

// summary says in a sentence whether somebody has to do something.
func summary(accounts []accountCard, triages []triageCard) (text string, good bool) {
	if len(accounts)+len(triages) == 0 {
		return "Nothing is connected yet.", false
	}
	person, trouble, unheard, resting := 0, 0, 0, 0
	for _, card := range accounts {
		switch {
		case waitsForPerson(card.AccountView):
			person++
		case card.Stale: // below
		case card.Tone == warn:
			trouble++
		}
		if card.Stale {
			unheard++
		}
	}
	for _, card := range triages {
		if card.Tone != fine {
			resting++
		}
	}
	var said []string
	if person > 0 {
		said = append(said, fmt.Sprintf("%s a person", ofAll(person, len(accounts), "account", "needs", "need")))
	}
	if trouble > 0 {
		said = append(said, fmt.Sprintf("%s trouble", ofAll(trouble, len(accounts), "account", "has", "have")))
	}
	if unheard > 0 {
		said = append(said, fmt.Sprintf("%s not answer, as no worker does", ofAll(unheard, len(accounts), "account", "does", "do")))
	}
	if resting > 0 {
		said = append(said, fmt.Sprintf("%s not working", ofAll(resting, len(triages), "triage", "is", "are")))
	}
	if len(said) > 0 {
		return strings.Join(said, ", ") + ".", false
	}
	return "Everything works: " + plural(len(accounts), "account") + ", " + plural(len(triages), "triage") + ".", true
}

// ofAll returns "1 of 4 accounts needs".
func ofAll(n, all int, noun, one, many string) string {
	verb := many
	if n == 1 {
		verb = one
	}
	return fmt.Sprintf("%d of %s %s", n, plural(all, noun), verb)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// tone is how a state is shown: by a word and a sign, and by colour as well.
type tone string

const (
	fine tone = "fine"
	warn tone = "warn"
	bad  tone = "bad"
	idle tone = "idle"
)

func (t tone) rank() int { return slices.Index([]tone{bad, warn, idle, fine}, t) }

// Sign is what tells tones apart for who sees no colours.
func (t tone) Sign() string {
	switch t {
	case fine:
		return "✓"
	case warn:
		return "!"
	case bad:
		return "✕"
	case idle:
	}
	return "…"
}

// waitsForPerson reports whether the account waits for somebody. A disconnected one does not, because somebody wanted that;
// nor does one whose first token needs no consent and is on the way.
func waitsForPerson(view AccountView) bool {
	switch view.Status {
	case credential.ReauthorizationRequired, credential.ClientMisconfigured:
		return true
	case credential.Pending:
		return view.NextRefresh.IsZero() && !view.Stale // which does not say what is on the way
	case credential.Active, credential.Degraded, credential.Disconnected:
	}
	return false
}

// toneOf is not good where nobody knows how the account is.
func toneOf(view AccountView) tone {
	switch {
	case view.Status == credential.Pending && waitsForPerson(view):
		return warn
	case waitsForPerson(view):
		return bad
	case view.Status == credential.Degraded, view.Stale:
		return warn
	case view.Status == credential.Active:
		return fine
	}
	return idle
}

// whoWaits says for each account what waits for it, as far as triages tell.
func whoWaits(triages []TriageView) map[credential.AccountID][]string {
	waits := map[credential.AccountID][]string{}
	for _, t := range triages {
		for _, down := range t.Waiting {
			waits[down.Account] = append(waits[down.Account], "triage "+t.Triage)
		}
		for _, down := range t.Reports.Waiting {
			waits[down.Account] = append(waits[down.Account], plural(down.Reports, "report")+" of "+t.Triage)
		}
	}
	return waits
}

// accountCard is an account on the status page.
type accountCard struct {
	AccountView

	Tone        tone
	Holder      string
	Since       *moment
	Expires     *moment
	Never       bool // it holds a token that does not end
	LastRefresh *moment
	NextRefresh *moment
	ConsentBy   *moment
	// QuarantineEnds is when the consent in quarantine is destroyed.
	QuarantineEnds *moment
	Waits          []string
	Advice         string
	Base           string // path that the gateway lies below
	Buttons        buttons
}

func newAccountCard(now time.Time, view AccountView, waits []string) accountCard {
	card := accountCard{
		AccountView: view, Tone: toneOf(view), Holder: holder(view.Display, view.Subject),
		Since: at(now, view.Since), Expires: at(now, view.ExpiresAt), Never: view.Generation > 0 && view.ExpiresAt.IsZero(),
		LastRefresh: at(now, view.LastRefresh), NextRefresh: at(now, view.NextRefresh), ConsentBy: at(now, view.ConsentBy),
		Waits: waits, Advice: adviceFor(view),
	}
	if view.Quarantine != nil {
		card.QuarantineEnds = at(now, view.Quarantine.Until)
	}
	if view.Waiting > 0 { // triages tell of their own, and of the first reports only
		card.Waits = append(slices.Clone(waits), plural(view.Waiting, "Workflow")+" in all")
	}
	return card
}

// adviceFor says what a button does not.
func adviceFor(view AccountView) string {
	if view.Status == credential.ClientMisconfigured {
		return "Correct client id and secret of connector “" + view.Account.Connector + "”. Workers read changed files " +
			"within seconds, and environment variables when they restart; all its accounts go on by themselves."
	}
	return ""
}

// ID is what the card can be linked to by.
func (c accountCard) ID() string { return "account/" + c.Account.String() }

func (c accountCard) matches(search string) bool {
	for word := range strings.FieldsSeq(strings.ToLower(search)) {
		if !strings.Contains(strings.ToLower(c.Account.String()+" "+c.Provider+" "+string(c.Status)+" "+c.Holder), word) {
			return false
		}
	}
	return true
}
