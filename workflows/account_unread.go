package workflows

import (
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// unreadable is how many answers that nobody can read are something for people. One may be half of one, or a proxy's on a bad
// day; the second says that something else answers where the authorization server should.
const unreadable = 2

// changeUnread: people heard of no such answers, however many there were.
const changeUnread = "tells-of-unreadable-answers"

// countUnread notes that an answer was none. It is asked for again, with the backoff of any other outage.
func (a *account) countUnread(ctx workflow.Context) {
	if a.Unread == 0 || workflow.GetVersion(ctx, changeUnread, workflow.DefaultVersion, 1) == 1 {
		a.Unread++
	}
}

// unread reports whether people should know of answers that nobody can read. It stays so until there is a token again,
// whatever else goes wrong meanwhile.
func (a *account) unread() bool { return a.Unread >= unreadable }

// noticeCode returns what trouble it is, where the status does not say what people can do about it.
func (a *account) noticeCode() string {
	switch {
	case a.Status == credential.ClientMisconfigured && a.Unsure:
		return activities.CodeUnsure
	case a.unread() && !a.GrantDead && a.Status != credential.ClientMisconfigured:
		return activities.CodeUnreadable
	}
	return ""
}
