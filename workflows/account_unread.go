package workflows

import (
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// unreadable is after how many unreadable answers since the last token people are told. One may be a truncated answer, or a
// proxy's error page; the second says that something else answers where the authorization server should.
const unreadable = 2

// changeUnread: before it, nobody was told of unreadable answers, however many there were.
const changeUnread = "tells-of-unreadable-answers"

// countUnread counts an answer that nobody can read. The refresh is tried again with the backoff of any other outage.
func (a *account) countUnread(ctx workflow.Context) {
	if a.Unread == 0 || workflow.GetVersion(ctx, changeUnread, workflow.DefaultVersion, 1) == 1 {
		a.Unread++
	}
}

// unread reports whether people should know of answers that nobody can read. It stays so until there is a token again,
// whatever else goes wrong meanwhile.
func (a *account) unread() bool { return a.Unread >= unreadable }

// noticeCode returns the code of a notice about trouble of which the status does not say what people can do; "" for other
// trouble.
func (a *account) noticeCode() string {
	switch {
	case a.Status == credential.ClientMisconfigured && a.Unsure:
		return activities.CodeUnsure
	case a.unread() && !a.GrantDead && a.Status != credential.ClientMisconfigured:
		return activities.CodeUnreadable
	}
	return ""
}
