package activities

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"tokenkeeper/credential"
)

// Announcement is a notice as it goes to people, the same for every target. It holds no link: that is secret, and made where
// the notice is sent.
type Announcement struct {
	// ID is the same for every target and attempt, and another for every notice: "ntc_" and 32 hexadecimal digits.
	ID string `json:"id"`
	// Type says what it is about, and its kind: account.trouble, connector.recovery, triage.report_parked.
	Type string    `json:"type"`
	At   time.Time `json:"at"`
	// Text is the news in one sentence.
	Text      string               `json:"text"`
	Account   credential.AccountID `json:"account,omitzero"`
	Connector string               `json:"connector,omitempty"`
	Triage    string               `json:"triage,omitempty"`
	Provider  string               `json:"provider,omitempty"`
	Status    string               `json:"status,omitempty"`
	Reason    string               `json:"reason,omitempty"`
	// Code says which trouble it is where nobody has to consent and the app is not refused: that of the [Notice].
	Code     string    `json:"code,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	Deadline time.Time `json:"deadline,omitzero"`
	// Until is when the access token ends, while it still serves.
	Until time.Time `json:"until,omitzero"`
	// Episode is the same for all notices of one trouble, and for that of its end.
	Episode string `json:"episode,omitempty"`
	// Began is when people first heard of the trouble.
	Began time.Time `json:"began,omitzero"`
	// Stage counts the notices of the same trouble before this one.
	Stage int `json:"stage"`
	// Recovery says that the trouble is over.
	Recovery bool `json:"recovery,omitempty"`
	// Paused are the triages that stand still because of it.
	Paused []string `json:"paused,omitempty"`
	// Waiting counts the Workflows that wait for the account, and Reports those among them that are reports.
	Waiting int `json:"waiting"`
	Reports int `json:"reports"`
	// Fix is what a person types where a link is of no use.
	Fix string `json:"fix,omitempty"`
	// Consent says that somebody has to consent, so that the notice needs a link.
	Consent bool `json:"consent,omitempty"`
	// Count is of how many accounts of the connector it tells, and Accounts are some of them; only where it tells of several.
	Count    int                    `json:"count,omitempty"`
	Accounts []credential.AccountID `json:"accounts,omitempty"`
	// Untold are the targets that do not get it, because it would reach them through the very account or connector that is
	// broken.
	Untold []string `json:"untold,omitempty"`
}

// Letter is an announcement as one target gets it. It is secret because of its link, and goes to people only.
type Letter struct {
	Announcement
	Link string `json:"link,omitempty"` // where to consent; "" where nobody has to, or where there is none
	// NoLink says why there is no link although somebody has to consent.
	NoLink string `json:"no_link,omitempty"`
	// Over: the trouble was over before the letter could be sent, OverSince a time where that is known.
	Over      bool      `json:"over,omitempty"`
	OverSince time.Time `json:"over_since,omitzero"`
	// OverNow counts those of Accounts of which that is true.
	OverNow int `json:"over_now,omitempty"`
}

// ended returns the letter as it is sent when its trouble is over by then: nobody has to do anything. since may be zero.
func (l Letter) ended(since time.Time) Letter {
	who := "connector " + l.Connector
	switch {
	case !l.Account.IsZero():
		who = "account " + l.Account.String()
	case l.Count > 0:
		who = fmt.Sprintf("%d accounts of %s", l.Count, who)
	}
	l.Text = who + " had trouble, which is over"
	if !l.Deadline.IsZero() {
		l.Text = who + " had to be consented to again, which has happened"
	}
	l.Over, l.OverSince = true, since
	l.Consent, l.Fix, l.Until, l.Paused, l.Waiting, l.Reports, l.OverNow = false, "", time.Time{}, nil, 0, 0, 0
	return l
}

// NoLinkError is returned where a notice gets no link, and people may know why.
type NoLinkError struct{ Why string }

func (e *NoLinkError) Error() string { return e.Why }

// noLink says to people why there is no link. What else may be in an error is for the log.
func noLink(err error) string {
	if known, ok := errors.AsType[*NoLinkError](err); ok {
		return known.Why
	}
	return "none could be made; the log of the worker says why"
}

// noticeID makes the id of a notice from what it is about and its key. It is a hash, because account ids may hold full
// stops, which the Standard Webhooks specification does not want in an id.
func noticeID(subject, key string) string {
	sum := sha256.Sum256([]byte(subject + "\n" + key))
	return "ntc_" + hex.EncodeToString(sum[:16])
}

// TestAnnouncement returns a notice that only shows whether notices arrive. by names who asked for it.
func TestAnnouncement(by string, now time.Time) Announcement {
	id := noticeID("test", rand.Text())
	return Announcement{
		ID: id, Episode: id, Type: "test", At: now,
		Text: "this is a test by " + by + ": notices arrive here, and nothing is wrong",
	}
}

// episodeID returns the id of a trouble, made of its subject and of when it began. An older Workflow does not say that: then
// it is the id of the notice.
func episodeID(subject, episode, notice string) string {
	if episode == "" {
		return notice
	}
	return noticeID(subject, "episode/"+episode)
}

// announcement is the notice of an account for people outside.
func (a *Account) announcement(ctx context.Context, n Notice) Announcement {
	subject := "account/" + n.Account.String()
	out := Announcement{
		ID: noticeID(subject, n.key()), Type: "account." + string(n.Kind), Account: n.Account, Status: string(n.Status),
		Reason: n.Reason, Code: n.Code, Since: n.Since, Stage: n.Stage, Began: n.Began, Waiting: n.Waiting, Reports: n.Reports,
	}
	out.Episode = episodeID(subject, n.Episode, out.ID)
	if conn, err := a.Connections.Connection(n.Account); err == nil {
		out.Provider = conn.Provider.ID
	}
	who := "account " + n.Account.String()
	switch {
	case n.Kind == NoticeRecovery && n.Status == credential.Disconnected:
		out.Text = who + " is disconnected, and needs nobody any more"
		return out
	case n.Kind == NoticeRecovery:
		out.Text = who + " works again"
		return out
	case n.Code == CodeUnreadable:
		out.Text = "nobody can read what the provider answers " + who
		out.Fix = fixUnreadable(n.Account.Connector)
	case n.Code == CodeUnsure:
		out.Text = "the token of " + who + " was revoked, or the address of a worker is not allowed to use it"
		out.Fix = fixUnsure(n.Account.String())
	case n.Status == credential.ClientMisconfigured:
		out.Text = "the provider refuses the app of " + who
		out.Fix = fixRefused(n.Account.Connector)
	default:
		out.Text, out.Consent = who+" needs a person: open the link and consent", true
		out.Fix = "tokenkeeper account reauthorize " + n.Account.String()
	}
	out.Until = n.Until
	if n.Kind == NoticeDeadline {
		out.Deadline, out.Until = n.Deadline, time.Time{}
		out.Text = who + " works, and will not after " + n.Deadline.UTC().Format(time.RFC3339) + " unless somebody consents again before"
	}
	if n.Stage > 0 {
		out.Text = "still broken: " + out.Text
	}
	out.Paused = a.Notices.paused(ctx, n)
	return out
}

func (c *Connector) announcement(n ConnectorNotice) Announcement {
	subject := "connector/" + n.Connector
	out := Announcement{
		ID: noticeID(subject, n.key()), Began: n.Began, Type: "connector." + string(n.Kind), Connector: n.Connector, Reason: n.Reason,
		Since: n.Since, Stage: n.Stage, Text: "the provider takes the app of connector " + n.Connector + " again",
	}
	out.Episode = episodeID(subject, n.Episode, out.ID)
	if n.Kind == NoticeRecovery {
		return out
	}
	out.Text = "the provider refuses the app of connector " + n.Connector + "; its accounts wait with their grants untouched"
	if n.Stage > 0 {
		out.Text = "still broken: " + out.Text
	}
	out.Status = string(credential.ClientMisconfigured)
	out.Fix = fixRefused(n.Connector) + "; its accounts go on by themselves"
	return out
}

func fixUnreadable(connector string) string {
	return "see what answers at the endpoints of connector " + connector + ", for example a proxy or another server, " +
		"and correct them in tokenkeeper.yaml; what failed is tried again by itself"
}

func fixUnsure(account string) string {
	return "allow the addresses of the workers in the settings of the app, and the account goes on by itself; if it was revoked: " +
		"tokenkeeper account reauthorize " + account
}

func fixRefused(connector string) string {
	return "correct client id and secret of connector " + connector + " in tokenkeeper.yaml"
}
