package activities_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
)

const support = "C0SUPPORT"

// team is a target in the sandbox's workspace.
func (w *world) team() *activities.SlackChannel {
	return &activities.SlackChannel{Name: "team", Slack: w.slack, Account: slackAccount, Channel: support}
}

// said returns what stands in the channel of the target.
func (w *world) said() []sandbox.MessageView {
	for _, ch := range w.State().Channels {
		if ch.ID == support {
			return ch.Messages
		}
	}
	return nil
}

func TestATroubleIsOneMessageInSlack(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	first, again, over := w.letters()
	n := w.deliverTo(w.team())
	for range 3 {
		w.Post(support, sandbox.Message{User: "ada", Text: "Lunch?"})
	}
	require.NoError(t, once(w, noResult(n.Deliver), first).err)
	messages := w.said()
	require.Len(t, messages, 4)
	text := messages[3].Text
	for _, part := range []string{
		"*account acme/triage/github needs a person: open the link and consent*", "\n• status: reauthorization_required",
		"\n• reason: bad &lt;!channel&gt; &amp; &lt;@U0ADA&gt; Bcc: eve@example.com", "\n• since: <!date^", "\n• paused: acme/bug-reports; 3 reports wait",
		"|Consent here>",
	} {
		assert.Contains(t, text, part)
	}
	assert.NotContains(t, text, "<!channel", "nobody is mentioned")
	assert.NotContains(t, text, "<@")

	w.Post(support, sandbox.Message{User: "ada", Text: "Dessert?"})
	w.clock.advance(time.Hour)
	require.NoError(t, once(w, noResult(n.Deliver), again).err)
	require.NoError(t, once(w, noResult(n.Deliver), over).err)
	messages = w.said()
	require.Len(t, messages, 5, "what follows is in its thread")
	require.Len(t, messages[3].Replies, 2)
	assert.Contains(t, messages[3].Replies[0].Text, "still broken")
	assert.Contains(t, messages[3].Replies[1].Text, "works again")
	assert.True(t, messages[3].Edited)
	assert.Contains(t, messages[3].Text, "works again*")
	assert.Contains(t, messages[3].Text, "_Before: account acme/triage/github needs a person")
	assert.NotContains(t, messages[3].Text, "/c/", "its link is of no use any more")

	for _, in := range []activities.DeliverInput{again, over} { // as after a worker that died before it could report
		require.NoError(t, once(w, noResult(n.Deliver), in).err)
	}
	w.clock.advance(time.Hour)
	require.NoError(t, once(w, noResult(n.Deliver), first).err, "it comes very late, and is there")
	messages = w.said()
	assert.Len(t, messages, 5)
	assert.Len(t, messages[3].Replies, 2)
}

// Whatever happens to the request and the worker, people see a notice once.
func TestANoticeIsPostedOnceWhateverHappens(t *testing.T) {
	for name, c := range map[string]struct {
		fault sandbox.Fault
		dies  bool
	}{
		"lost before":  {fault: sandbox.Fault{Endpoint: "chat.postMessage", Kind: sandbox.FaultDrop}},
		"lost after":   {fault: sandbox.Fault{Endpoint: "chat.postMessage", Kind: sandbox.FaultDrop, Processed: true}},
		"500 after":    {fault: sandbox.Fault{Endpoint: "chat.postMessage", Kind: sandbox.FaultStatus, Status: http.StatusInternalServerError, Processed: true}},
		"limited":      {fault: sandbox.Fault{Endpoint: "chat.postMessage", Kind: sandbox.FaultStatus, Status: http.StatusTooManyRequests}},
		"worker dies":  {dies: true},
		"cannot look":  {fault: sandbox.Fault{Endpoint: "conversations.history", Kind: sandbox.FaultStatus, Status: http.StatusBadGateway}, dies: true},
		"nothing goes": {},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			w.connect(slackAccount)
			first, again, _ := w.letters()
			n := w.deliverTo(w.team())
			deliver := func(in activities.DeliverInput) {
				if c.fault.Endpoint != "" {
					w.fault(c.fault)
				}
				got := retried(w, noResult(n.Deliver), in, func(attempt int32) error {
					if c.dies && attempt == 1 {
						return errDied
					}
					return nil
				})
				require.NoError(t, got.err)
			}
			deliver(first)
			require.Len(t, w.said(), 1)
			w.clock.advance(time.Hour)
			deliver(again)
			require.Len(t, w.said(), 1)
			assert.Len(t, w.said()[0].Replies, 1)
		})
	}
}

func TestALaterNoticeWithoutTheFirstIsAMessage(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	first, again, over := w.letters()
	n := w.deliverTo(w.team())
	require.NoError(t, once(w, noResult(n.Deliver), over).err, "Slack was away for the whole trouble")
	require.NoError(t, once(w, noResult(n.Deliver), again).err)
	w.clock.advance(time.Hour)
	require.NoError(t, once(w, noResult(n.Deliver), first).err)
	require.Len(t, w.said(), 1)
	require.Len(t, w.said()[0].Replies, 2)
	assert.Contains(t, w.said()[0].Replies[1].Text, "_Written <!date^", "what comes late may be over")
	assert.NotContains(t, w.said()[0].Replies[0].Text, "_Written")
	assert.True(t, strings.HasPrefix(w.said()[0].Text, "*account acme/triage/github works again*"))
}

func TestNoticesWaitForTheAccountThatTells(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	first, _, _ := w.letters()
	n := w.deliverTo(w.team())
	w.Revoke(sandbox.Slack)
	got := once(w, noResult(n.Deliver), first)
	got.fails(t, activities.ErrTypeProviderUnavailable, "notice "+first.Announcement.ID, slackAccount.String())
	assert.Equal(t, 5*time.Minute, got.wait(t))
	w.connect(slackAccount)
	require.NoError(t, once(w, noResult(n.Deliver), first).err)
	assert.Len(t, w.said(), 1)

	away := w.team()
	away.Channel = "C0RANDOM"
	once(w, noResult(w.deliverTo(away).Deliver), first).fails(t, activities.ErrTypeRejected, "not_in_channel", "invite the bot")
	away.Account.Connector = "none"
	once(w, noResult(w.deliverTo(away).Deliver), first).fails(t, activities.ErrTypeNotConfigured, "no such connector")
}

// What is broken does not tell of itself: the others say whom they could not tell.
func TestAnAccountDoesNotTellOfItsOwnEnd(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	n, sent := withWebhook(w, &receiver{t: t})
	plan := n.Plan()
	n.Plan = func() activities.NoticePlan {
		plan.Targets = []activities.PlannedTarget{{Name: "pager"}, {Name: "team", Through: slackAccount}}
		return plan
	}
	trouble, over, soon := deadSlack(w), deadSlack(w), deadSlack(w)
	over.Kind, over.Status, over.Key = activities.NoticeRecovery, credential.Active, "recovery/1"
	soon.Kind, soon.Status, soon.Key = activities.NoticeDeadline, credential.Active, "deadline/1"
	other := deadSlack(w)
	other.Account = githubAccount
	for _, notice := range []activities.Notice{trouble, over, soon, other} {
		require.NoError(t, once(w, w.account.Notify, notice).err)
	}
	app := &activities.Connector{Notices: n, Log: w.account.Log, Count: nobody}
	require.NoError(t, once(w, app.Alert, activities.ConnectorNotice{Connector: "slack", Kind: activities.NoticeTrouble, Key: "trouble/1/0"}).err)
	both := []string{"pager", "team"}
	for i, want := range [][]string{{"pager"}, {"pager"}, both, both, {"pager"}} {
		assert.Equal(t, want, (*sent)[i].targets, i)
		assert.Equal(t, len(want) == 1, len((*sent)[i].announcement.Untold) == 1, i)
	}
	assert.Equal(t, []string{"team"}, (*sent)[0].announcement.Untold)
	assert.Len(t, *sent, 5)
}

func nobody(context.Context, string) (int, error) { return 0, errors.New("nobody counts") }

// What a triage tells is one trouble from its beginning to its end, too.
func TestTheTroublesOfATriageHaveAnEnd(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	n, sent := withWebhook(w, &receiver{t: t})
	told := &activities.Triage{Notices: n, Log: w.account.Log}
	since := w.clock.Now()
	for _, notice := range []activities.TriageNotice{
		{Event: activities.EventChannelUnread, Channel: bugs, Since: since},
		{Event: activities.EventChannelRead, Channel: bugs, Since: since},
		{Event: activities.EventChannelUnread, Channel: bugs, Since: since.Add(time.Hour)},
		{Event: activities.EventChannelUnread, Channel: support, Since: since},
		{Event: activities.EventReportParked, Report: "T1/C1/1.000100", Since: since},
	} {
		notice.Triage = "acme/bug-reports"
		require.NoError(t, once(w, noResult(told.NotifyTriage), notice).err)
	}
	episodes := map[string]bool{}
	for i, p := range *sent {
		episodes[p.announcement.Episode] = true
		assert.Equal(t, i == 1, p.announcement.Recovery, i)
	}
	assert.Len(t, episodes, 4)
	assert.Equal(t, (*sent)[0].announcement.Episode, (*sent)[1].announcement.Episode)
}

func TestANoticeWhoseFirstOneWasDeletedIsANewMessage(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	first, again, _ := w.letters()
	n := w.deliverTo(w.team())
	require.NoError(t, once(w, noResult(n.Deliver), first).err)
	w.when("/slack/api/chat.postMessage", func() { assert.NoError(t, w.Delete(support, w.said()[0].TS)) })

	require.NoError(t, once(w, noResult(n.Deliver), again).err)

	messages := w.said()
	require.Len(t, messages, 1)
	assert.Contains(t, messages[0].Text, "still broken")
}
