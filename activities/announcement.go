package activities

import (
	"crypto/sha256"
	"encoding/hex"
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
	Since     time.Time            `json:"since,omitzero"`
	Deadline  time.Time            `json:"deadline,omitzero"`
	// Stage counts the notices of the same trouble before this one.
	Stage int `json:"stage"`
	// Paused are the triages that stand still, or will when the access token ends.
	Paused []string `json:"paused,omitempty"`
	// Waiting counts the Workflows that wait for the account, and Reports those among them that are reports.
	Waiting int `json:"waiting"`
	Reports int `json:"reports"`
	// Fix is what a person types where a link is of no use.
	Fix string `json:"fix,omitempty"`
	// Consent says that somebody has to consent, so that the notice needs a link.
	Consent bool `json:"consent,omitempty"`
}

// Letter is an announcement as one target gets it. It is secret because of its link, and goes to people only.
type Letter struct {
	Announcement
	Link string `json:"link,omitempty"` // where to consent; "" where nobody has to, or where none could be made
}

// noticeID makes one id of what a notice is about and of which of its notices it is. Ids of accounts may hold full stops,
// which the Standard Webhooks specification does not want in an id.
func noticeID(subject, key string) string {
	sum := sha256.Sum256([]byte(subject + "\n" + key))
	return "ntc_" + hex.EncodeToString(sum[:16])
}

// announcement is the notice of an account for people outside.
func (a *Account) announcement(n Notice) Announcement {
	out := Announcement{
		ID: noticeID("account/"+n.Account.String(), n.key()), Type: "account." + string(n.Kind), Account: n.Account, Status: string(n.Status),
		Reason: n.Reason, Since: n.Since, Deadline: n.Deadline, Stage: n.Stage, Waiting: n.Waiting, Reports: n.Reports,
	}
	if conn, err := a.Connections.Connection(n.Account); err == nil {
		out.Provider = conn.Provider.ID
	}
	who := "account " + n.Account.String()
	switch {
	case n.Kind == NoticeRecovery:
		out.Text = who + " works again"
		return out
	case n.Status == credential.ClientMisconfigured:
		out.Text = "the provider refuses the app of " + who
		out.Fix = "correct client id and secret of connector " + n.Account.Connector + " in tokenkeeper.yaml"
	default:
		out.Text, out.Consent = who+" needs a person: open the link and consent", true
		out.Fix = "tokenkeeper account reauthorize " + n.Account.String()
	}
	if n.Kind == NoticeDeadline {
		out.Text = who + " works, and will not after " + n.Deadline.UTC().Format(time.RFC3339) + " unless somebody consents again before"
	}
	if n.Stage > 0 {
		out.Text = "still broken: " + out.Text
	}
	out.Paused = a.Notices.dependents(n.Account)
	return out
}

func (c *Connector) announcement(n ConnectorNotice) Announcement {
	out := Announcement{
		ID: noticeID("connector/"+n.Connector, n.key()), Type: "connector." + string(n.Kind), Connector: n.Connector, Reason: n.Reason,
		Since: n.Since, Stage: n.Stage, Text: "the provider takes the app of connector " + n.Connector + " again",
	}
	if n.Kind == NoticeRecovery {
		return out
	}
	out.Text = "the provider refuses the app of connector " + n.Connector + "; its accounts wait with their grants untouched"
	if n.Stage > 0 {
		out.Text = "still broken: " + out.Text
	}
	out.Status = string(credential.ClientMisconfigured)
	out.Fix = "correct client id and secret of connector " + n.Connector + " in tokenkeeper.yaml; its accounts go on by themselves"
	return out
}
