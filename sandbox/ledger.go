package sandbox

import (
	"crypto/sha256"
	"maps"
	"slices"
	"strings"
	"time"
)

// ledger is the part of the books that cannot be read off the state: what was asked, refused, spent and replayed.
type ledger struct {
	requests       map[string]int
	tokenRequests  map[string][]time.Time // :: endpoint of an authorization server → when each request arrived
	issued         []string               // every access and refresh token
	exchanges      map[App]int
	refreshes      map[App]int
	mints          map[App]int
	mintsRefused   int
	refused        int
	presentedTwice int
	authFailures   int
	open           map[fingerprint]string // refused for its token, not accepted since → what it was
	limitedUntil   map[string]time.Time   // :: endpoint → when Retry-After is over
	rateLimited    int
	limitsIgnored  int
	faultsHit      int
	modelTokens    int
}

func newLedger() *ledger {
	return &ledger{
		requests: map[string]int{}, tokenRequests: map[string][]time.Time{}, exchanges: map[App]int{}, refreshes: map[App]int{}, mints: map[App]int{},
		open: map[fingerprint]string{}, limitedUntil: map[string]time.Time{},
	}
}

// arrived books a request before anything happens to it.
func (l *ledger) arrived(c *call, now time.Time) {
	l.requests[c.name()]++
	if strings.Contains(c.name(), " token.") {
		l.tokenRequests[c.name()] = append(l.tokenRequests[c.name()], now)
	}
	if now.Before(l.limitedUntil[c.name()]) {
		l.limitsIgnored++
	}
}

// limited books an answer that tells the client to stay away for a while.
func (l *ledger) limited(c *call, now time.Time, wait time.Duration) {
	l.rateLimited++
	l.limitedUntil[c.name()] = now.Add(wait)
}

func (l *ledger) exchanged(name App, p pair) {
	l.exchanges[name]++
	l.keep(p)
}

func (l *ledger) refreshed(name App, p pair, spentBefore, ok bool) {
	if !ok {
		l.refused++
		if spentBefore {
			l.presentedTwice++
		}
		return
	}
	l.refreshes[name]++
	l.keep(p)
}

// minted books a token that nobody consented to.
func (l *ledger) minted(name App, t *token) {
	l.mints[name]++
	l.keep(pair{access: t})
}

func (l *ledger) mintRefused() { l.mintsRefused++ }

func (l *ledger) keep(p pair) {
	l.issued = append(l.issued, p.access.value)
	if p.refresh != nil {
		l.issued = append(l.issued, p.refresh.value)
	}
}

// authFailed books a request that was refused for its token. One that carried none is a mistake of another kind.
func (l *ledger) authFailed(c *call, state tokenState) {
	if state == tokenMissing {
		return
	}
	l.authFailures++
	if !slices.Contains(kept, c.endpoint) {
		l.open[c.fingerprint()] = c.name()
	}
}

// kept are endpoints whose answers readers keep for a while: the work of one whose token died may go on with a reader that
// has the answer, and nobody needs to ask again.
var kept = []string{"contents.get"}

// authAccepted books that a request got past authentication, and with it all those like it that had not.
func (l *ledger) authAccepted(c *call) { delete(l.open, c.fingerprint()) }

func (l *ledger) reauthorizations() int {
	again := 0
	for _, exchanges := range l.exchanges {
		again += max(exchanges-1, 0)
	}
	return again
}

func (l *ledger) openAuthFailures() []string {
	return slices.Sorted(maps.Values(l.open))
}

// fingerprint is what makes two requests the same request: method, path and parameters, without the token. Of a request that
// is marked with a report it is that report: what it says beyond it, such as which other issues are alike, may be another
// thing when it is asked again. Of a reaction it is the message: who was kept from saying that a report is taken, and has
// filed it by the time that the token works again, says that instead.
type fingerprint [sha256.Size]byte

// endpointReact is where the app marks messages.
const endpointReact = "reactions.add"

// position are parameters that say where in a list to read, not which list. A reader whose token died starts its
// list again, and by then the edges of its window have moved.
var position = []string{"cursor", "page", "latest", "oldest", "since"}

func (c *call) fingerprint() fingerprint {
	var b strings.Builder
	b.WriteString(c.request.Method + " " + c.request.URL.Path)
	if report := markedKey(c.params.Get("body")); report != "" {
		b.WriteString("\x00" + report)
		return sha256.Sum256([]byte(b.String()))
	}
	for _, key := range slices.Sorted(maps.Keys(c.params)) {
		if key == "token" || slices.Contains(position, key) || c.endpoint == endpointReact && key == "name" {
			continue
		}
		for _, value := range c.params[key] {
			b.WriteString("\x00" + key + "\x00" + value)
		}
	}
	return sha256.Sum256([]byte(b.String()))
}
