package workflows

import (
	"fmt"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

const (
	maxRevokeInterval = 10 * time.Minute

	shownStatus = "status"
	shownExpiry = "expires"
)

// noticeDue reports whether people should hear something of the account now.
func (a *account) noticeDue(now time.Time) bool {
	at := a.noticeAt()
	return !at.IsZero() && !now.Before(at)
}

// noticeAt returns when people should next hear of the account: once when there is trouble that only they can mend, again
// while it goes on, and once when it is over. Zero: never, as things are.
func (a *account) noticeAt() time.Time {
	switch {
	case a.Noticed && a.Status == credential.Active:
		return a.Since
	case a.Noticed:
		return a.Telling.Again
	case a.needsTelling():
		return latest(a.Since, a.Telling.Quiet)
	}
	return time.Time{}
}

// needsTelling reports whether there is trouble that only people can mend. A refused app that the connector knows of is not
// told here: its own notice stands for all accounts.
func (a *account) needsTelling() bool {
	return a.GrantDead || a.unread() || a.Status == credential.ClientMisconfigured && !a.Hold.Held && !a.Hold.Spread
}

func (a *account) notify(ctx workflow.Context) error {
	kind := a.Telling.next(workflow.Now(ctx), a.Noticed, a.Status == credential.Active)
	a.Noticed = kind != activities.NoticeRecovery
	told, err := a.tell(ctx, kind, a.Telling.key(kind))
	if err == nil {
		a.Telling.heed(workflow.Now(ctx), kind, told)
	}
	return err
}

// changeTellsEnd: who had been told of a trouble did not hear that it went with its account.
const changeTellsEnd = "tells the end"

// tellEnd says of the trouble of which people were told that it is over, as its account is. The account is no owner of anything any more,
// and not disconnected yet: a new one must not find this one in its place.
func (a *account) tellEnd(ctx workflow.Context, reason string) error {
	if !a.Noticed || workflow.GetVersion(ctx, changeTellsEnd, workflow.DefaultVersion, 1) != 1 {
		return nil
	}
	a.Noticed = false
	return workflow.ExecuteActivity(accountActivity(ctx, "tell people: the end"), (*activities.Account).Notify, activities.Notice{
		Account: a.id, Kind: activities.NoticeRecovery, Status: credential.Disconnected, Reason: reason, Since: workflow.Now(ctx),
		Key: a.Telling.key(activities.NoticeRecovery), Episode: a.Telling.episode(), Began: a.Telling.Began,
	}).Get(ctx, nil)
}

func (a *account) tell(ctx workflow.Context, kind activities.NoticeKind, key string) (told activities.Told, err error) {
	notice := activities.Notice{
		Account: a.id, Kind: kind, Status: a.Status, Reason: a.Reason, Since: a.Since, Deadline: a.Deadline.At, Key: key,
		Episode: a.Telling.episode(), Began: a.Telling.Began,
	}
	a.addWaiting(&notice)
	switch kind {
	case activities.NoticeDeadline:
		notice.Episode, notice.Began = fmt.Sprintf("deadline/%d", a.Deadline.Known.UnixNano()), a.Deadline.Known
	case activities.NoticeTrouble:
		notice.Stage, notice.Code = a.Telling.Stage, a.noticeCode()
	case activities.NoticeRecovery:
	}
	if a.Status == credential.Degraded {
		notice.Until = a.Credential.ExpiresAt
	}
	err = workflow.ExecuteActivity(accountActivity(ctx, "tell people: "+string(kind)), (*activities.Account).Notify, notice).Get(ctx, &told)
	return told, err
}

// addWaiting says what waits for the account.
func (a *account) addWaiting(n *activities.Notice) {
	n.Waiting = len(a.Waiting)
	for _, id := range a.Waiting {
		if name, ok := strings.CutPrefix(id, TriageWorkflowID("")); ok {
			n.Triages = append(n.Triages, name)
		}
		report, ok := strings.CutPrefix(id, ReportWorkflowID(""))
		if !ok {
			continue
		}
		n.Reports++
		if key, err := triage.ParseKey(report); err == nil {
			if n.Channels == nil {
				n.Channels = map[string]int{}
			}
			n.Channels[key.Channel]++
		}
	}
}

// wakeDue reports whether those that wait for the account can go on.
func (a *account) wakeDue(now time.Time) bool {
	return len(a.Waiting) > 0 && (a.Status == credential.Active || a.Status == credential.Degraded && a.serving(now))
}

// publish shows the state in search attributes and in the Web UI, where it changed.
func (a *account) publish(ctx workflow.Context) error {
	workflow.SetCurrentDetails(ctx, a.details())
	var updates []temporal.SearchAttributeUpdate
	if a.changed(shownStatus, string(a.Status)) {
		updates = append(updates, AccountStatusKey.ValueSet(string(a.Status)))
	}
	if a.Provider != "" && a.changed("provider", a.Provider) {
		updates = append(updates, AccountProviderKey.ValueSet(a.Provider))
	}
	if ends := a.endsUnhelped(ctx); a.changed(shownExpiry, formatTime(ends)) {
		update := TokenExpiresAtKey.ValueUnset()
		if !ends.IsZero() {
			update = TokenExpiresAtKey.ValueSet(ends)
		}
		updates = append(updates, update)
	}
	if a.Hold.Shown != a.Hold.Held {
		a.Hold.Shown = a.Hold.Held
		update := AccountHeldByKey.ValueUnset()
		if a.Hold.Held {
			update = AccountHeldByKey.ValueSet(a.id.Connector)
		}
		updates = append(updates, update)
	}
	if len(updates) == 0 {
		return nil
	}
	return workflow.UpsertTypedSearchAttributes(ctx, updates...)
}

// changeExpiry: before it, the search attribute had the expiry of every token, written with each refresh.
const changeExpiry = "expiry-where-it-matters"

// endsUnhelped returns when the access token ends, or zero where a refresh is planned before that. The search attribute
// shows only what is going to stop, because that is what people search for; written with each refresh it would cost an
// event, a write to the visibility store and, on Temporal Cloud, an Action each time.
func (a *account) endsUnhelped(ctx workflow.Context) time.Time {
	ends := a.Credential.ExpiresAt
	next := a.nextRefresh()
	renews := a.Status == credential.Active && !a.Hold.Held && !next.IsZero() && next.Before(ends)
	if renews && workflow.GetVersion(ctx, changeExpiry, workflow.DefaultVersion, 1) == 1 {
		return time.Time{}
	}
	return ends
}

// changed notes the value that is about to be shown, and reports whether another one, or none, was shown in this run.
func (a *account) changed(what, value string) bool {
	old, known := a.shown[what]
	a.shown[what] = value
	return !known || old != value
}

// details is the Markdown that the Web UI shows for the Workflow.
func (a *account) details() string {
	lines := []string{fmt.Sprintf("**%s** since %s", a.Status, formatTime(a.Since))}
	add := func(name, value string) {
		if value != "" {
			lines = append(lines, fmt.Sprintf("- %s: %s", name, value))
		}
	}
	add("reason", a.Reason)
	add("subject", a.Credential.Display)
	add("generation", fmt.Sprint(a.Credential.Generation))
	add("access token ends", formatTime(a.Credential.ExpiresAt))
	add("last refresh", formatTime(a.LastRefresh))
	add("next refresh", formatTime(a.nextRefresh()))
	add("somebody has to consent again by", formatTime(a.Deadline.At))
	add("last look at the token", a.Looks.Note)
	add("waits for connector", a.heldBy())
	if len(a.Waiting) > 0 {
		add("Workflows waiting", fmt.Sprint(len(a.Waiting)))
	}
	if q := a.Quarantine; q != nil {
		add("in quarantine until "+formatTime(q.Until), "a consent of "+q.Got.String())
	}
	for _, r := range a.Replaced {
		add("to be revoked at the provider", r.String())
	}
	add("not revoked at the provider", a.Unrevoked)
	add("warning", a.Warning)
	return strings.Join(lines, "\n")
}

func formatTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
