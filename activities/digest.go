package activities

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tokenkeeper/credential"
)

// Digest sums up the notices of several accounts of one connector: where an app is uninstalled from a workspace, or an
// organization leaves, thousands of grants die at once, and nobody reads thousands of letters. It holds totals and a few
// names, so its size does not grow with their number.
type Digest struct {
	// First is the first notice, which is sent as it is where it stays the only one.
	First Announcement `json:"first"`
	// Sum is all of them together. It has no link: each account has its own.
	Sum Announcement `json:"sum"`
	// Reasons counts the notices by reason; beyond maxReasons they count as otherReasons.
	Reasons []ReasonCount `json:"reasons,omitempty"`
	// Targets are those that at least one of the notices is for, sorted.
	Targets []string `json:"targets"`
}

// ReasonCount is how many notices have a reason.
type ReasonCount struct {
	Reason string `json:"reason"`
	Count  int    `json:"count"`
}

const (
	// maxNamed bounds the accounts that a digest names, maxShown those that its text does.
	maxNamed, maxShown = 50, 10
	// maxReasons bounds the reasons that it tells apart.
	maxReasons   = 5
	otherReasons = "other reasons"
)

// Kind returns what two notices must have in common to be told together.
func (a Announcement) Kind() string {
	kind := fmt.Sprintf("%s/again=%t/consent=%t", a.Type, a.Stage > 0, a.Consent)
	if a.Code != "" { // left out where empty, so that the kinds in older histories stay the same
		kind += "/code=" + a.Code
	}
	if a.isEnd() {
		kind += "/end"
	}
	return kind
}

// Add adds a notice of the same kind as those before.
func (d *Digest) Add(a Announcement, targets []string) {
	s := &d.Sum
	if s.Count == 0 {
		d.First = a
		*s = Announcement{
			Type: "accounts." + strings.TrimPrefix(a.Type, "account."), Connector: a.Account.Connector, Provider: a.Provider, Status: a.Status, Code: a.Code,
			Since: a.Since, Deadline: a.Deadline, Stage: min(a.Stage, 1), Recovery: a.Recovery,
		}
	}
	s.Count++
	s.Waiting += a.Waiting
	s.Reports += a.Reports
	s.Since, s.Deadline = earlier(s.Since, a.Since), earlier(s.Deadline, a.Deadline)
	if s.Status != a.Status {
		s.Status = ""
	}
	s.Paused, s.Untold, d.Targets = union(s.Paused, a.Paused), union(s.Untold, a.Untold), union(d.Targets, targets)
	if len(s.Accounts) < maxNamed {
		s.Accounts = append(s.Accounts, a.Account)
	}
	if a.Reason != "" {
		d.count(oneLine(a.Reason))
	}
}

func (d *Digest) count(reason string) {
	index := func() int { return slices.IndexFunc(d.Reasons, func(r ReasonCount) bool { return r.Reason == reason }) }
	i := index()
	if i < 0 && len(d.Reasons) >= maxReasons {
		reason = otherReasons
		i = index()
	}
	if i < 0 {
		d.Reasons, i = append(d.Reasons, ReasonCount{Reason: reason}), len(d.Reasons)
	}
	d.Reasons[i].Count++
}

// Announce returns the announcement to make at that time: the only notice, or the sum of several.
func (d Digest) Announce(now time.Time) Announcement {
	if d.Sum.Count == 1 {
		return d.First
	}
	a := d.Sum
	a.At, a.Reason = now, d.reasons()
	a.ID = noticeID("accounts/"+a.Connector, fmt.Sprintf("%s/%d", d.First.Kind(), now.UnixNano()))
	a.Episode = a.ID // each is a message of its own
	who := fmt.Sprintf("%d more accounts of connector %s", a.Count, a.Connector)
	a.Fix = "see them on the status page or with tokenkeeper account list --connector " + a.Connector
	forOne := "; a link for one: tokenkeeper account reauthorize ACCOUNT"
	switch {
	case a.isEnd():
		a.Text, a.Fix = who+" are disconnected, and need nobody any more", ""
		return a
	case a.Recovery:
		a.Text, a.Fix = who+" work again", ""
		return a
	case !a.Deadline.IsZero():
		a.Text = who + " work, and the first will not after " + a.Deadline.UTC().Format(time.RFC3339) + " unless somebody consents again before"
		a.Fix += forOne
	case d.First.Consent:
		a.Text = who + " need a person"
		a.Fix += forOne
	case a.Code == CodeUnreadable:
		a.Text = "nobody can read what the provider answers " + who
		a.Fix = fixUnreadable(a.Connector)
	case a.Code == CodeUnsure:
		a.Text = "the tokens of " + who + " were revoked, or the address of a worker is not allowed to use them"
		a.Fix += "; " + fixUnsure("ACCOUNT")
	default:
		a.Text = "the provider refuses the app of " + who
		a.Fix = fixRefused(a.Connector)
	}
	if a.Stage > 0 {
		a.Text = "still broken: " + a.Text
	}
	return a
}

// reasons says why, the most frequent first.
func (d Digest) reasons() string {
	sorted := slices.Clone(d.Reasons)
	slices.SortStableFunc(sorted, func(x, y ReasonCount) int { return cmp.Compare(y.Count, x.Count) })
	said := make([]string, len(sorted))
	for i, r := range sorted {
		said[i] = fmt.Sprintf("%s (%d)", r.Reason, r.Count)
	}
	return strings.Join(said, "; ")
}

// named returns the accounts that an announcement of several names, with how many there are besides; "" for an announcement
// of none or one.
func (a Announcement) named() string {
	if len(a.Accounts) == 0 {
		return ""
	}
	shown := a.Accounts[:min(len(a.Accounts), maxShown)]
	names := make([]string, len(shown))
	for i, account := range shown {
		names[i] = account.String()
	}
	text := strings.Join(names, ", ")
	if more := a.Count - len(shown); more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// of returns the notice of one of the accounts. Their deadlines differ, and the digest has the first: one that is near was at most
// [credential.FirstWarning] away when it was told of.
func (a Announcement) of(account credential.AccountID) Announcement {
	a.Account = account
	if !a.Deadline.IsZero() {
		a.Deadline = a.At.Add(credential.FirstWarning)
	}
	return a
}

// isEnd reports whether the trouble is over because its account is.
func (a Announcement) isEnd() bool { return a.Recovery && a.Status == string(credential.Disconnected) }

func earlier(x, y time.Time) time.Time {
	if x.IsZero() || !y.IsZero() && y.Before(x) {
		return y
	}
	return x
}

// union returns the strings of both, sorted and without repetition, up to maxNamed.
func union(x, y []string) []string {
	all := slices.Concat(x, y)
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(len(all), maxNamed)]
}
