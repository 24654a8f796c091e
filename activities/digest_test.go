package activities_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/internal/mailtest"
	"tokenkeeper/sandbox"
)

// However many notices a digest tells together, it stays small, and says what matters.
func TestADigestSaysHowManyAndWhy(t *testing.T) {
	var d activities.Digest
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for i := range 1000 {
		a := activities.Announcement{
			Type: "account.trouble", Consent: true, Status: "reauthorization_required", Since: now.Add(-time.Duration(i) * time.Second), Waiting: 1,
			Account: credential.AccountID{Organization: "acme", User: fmt.Sprintf("user-%03d", i), Connector: "slack"},
			Reason:  "account_inactive", Paused: []string{"acme/bugs"}, Untold: []string{"team"},
		}
		switch {
		case i%10 == 0:
			a.Reason, a.Paused = fmt.Sprintf("reason %d\nof many", i), []string{"acme/other"}
		case i%2 == 0:
			a.Reason, a.Status = "token_revoked", "degraded"
		}
		d.Add(a, []string{"pager", fmt.Sprintf("ops/%d@example.com", i%3)})
	}
	assert.Len(t, d.Reasons, 6)
	a := d.Announce(now)
	assert.Equal(t, "1000 more accounts of connector slack need a person", a.Text)
	assert.Equal(t, "account_inactive (500); token_revoked (400); other reasons (97); reason 0 of many (1); reason 10 of many (1); reason 20 of many (1)", a.Reason)
	assert.Equal(t, []string{"acme/bugs", "acme/other"}, a.Paused)
	assert.Equal(t, []string{"team"}, a.Untold)
	assert.Equal(t, []string{"ops/0@example.com", "ops/1@example.com", "ops/2@example.com", "pager"}, d.Targets)
	assert.Empty(t, a.Status, "they differ")
	assert.Equal(t, now.Add(-999*time.Second), a.Since)
	assert.Regexp(t, `^ntc_[0-9a-f]{32}$`, a.ID)
	assert.Equal(t, a.ID, d.Announce(now).ID)
	assert.NotEqual(t, a.ID, d.Announce(now.Add(time.Minute)).ID)

	w := newWorld(t, sandbox.Options{})
	server := mailtest.Start(t, mailtest.Options{User: "keeper", Password: mailPassword})
	w.letters()
	n := w.deliverTo(mailbox(server, activities.StartTLS, "ops@example.com"))
	require.NoError(t, once(w, noResult(n.Deliver), activities.DeliverInput{Target: "tested", Announcement: a}).err)
	body := server.Mails()[0].Body
	for _, want := range []string{
		"accounts:    acme/user-000/slack, acme/user-001/slack, ", "acme/user-009/slack and 990 more\n",
		"to do:       see them on the status page or with tokenkeeper account list --connector slack; a link for one: tokenkeeper account reauthorize ACCOUNT\n",
	} {
		assert.Contains(t, body, want)
	}
	assert.NotContains(t, body, "/c/", "each account has a link of its own")
}

func TestWhatADigestTellsOf(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	for want, a := range map[string]activities.Announcement{
		"2 more accounts of connector slack work again": {Type: "account.recovery", Recovery: true},
		"2 more accounts of connector slack are disconnected, and need nobody any more": {
			Type: "account.recovery", Recovery: true, Status: "disconnected",
		},
		"still broken: 2 more accounts of connector slack need a person":               {Type: "account.trouble", Consent: true, Stage: 3},
		"the provider refuses the app of 2 more accounts of connector slack":           {Type: "account.trouble"},
		"nobody can read what the provider answers 2 more accounts of connector slack": {Type: "account.trouble", Code: activities.CodeUnreadable},
		"still broken: the tokens of 2 more accounts of connector slack were revoked, or the address of a worker is not allowed": {
			Type: "account.trouble", Code: activities.CodeUnsure, Stage: 1,
		},
		"2 more accounts of connector slack work, and the first will not after 2026-03-": {Type: "account.deadline", Consent: true, Deadline: at},
	} {
		a.Account = slackAccount
		var d activities.Digest
		d.Add(a, nil)
		assert.Equal(t, a, d.Announce(at))
		d.Add(a, nil)
		got := d.Announce(at)
		assert.True(t, strings.HasPrefix(got.Text, want), got.Text)
		assert.Equal(t, strings.Replace(a.Type, "account.", "accounts.", 1), got.Type)
	}
}

func TestAnAccountThatWorksAgainAndOneThatIsGoneAreNotToldTogether(t *testing.T) {
	recovery := activities.Announcement{Type: "account.recovery", Recovery: true, Status: "active"}
	end := recovery
	end.Status = "disconnected"
	assert.NotEqual(t, recovery.Kind(), end.Kind())
}

// What people do about it is of the kind of the trouble, and kinds are not told together.
func TestADigestSaysWhatHelps(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	kinds := map[string]bool{}
	for _, c := range []struct {
		notice activities.Notice
		want   string
	}{
		{activities.Notice{Status: credential.Degraded, Code: activities.CodeUnreadable}, "see what answers at the endpoints of connector slack"},
		{activities.Notice{Status: credential.ClientMisconfigured, Code: activities.CodeUnsure}, "allow the addresses of the workers"},
		{activities.Notice{Status: credential.ClientMisconfigured}, "correct client id and secret of connector slack"},
		{activities.Notice{Status: credential.ReauthorizationRequired}, "tokenkeeper account reauthorize ACCOUNT"},
	} {
		w := newWorld(t, sandbox.Options{})
		_, sent := withWebhook(w, &receiver{t: t})
		c.notice.Account, c.notice.Kind = slackAccount, activities.NoticeTrouble
		require.NoError(t, once(w, w.account.Notify, c.notice).err)
		var d activities.Digest
		for range 2 {
			d.Add((*sent)[0].announcement, nil)
		}
		assert.Contains(t, d.Announce(at).Fix, c.want)
		kinds[d.First.Kind()] = true
	}
	assert.Len(t, kinds, 4)
}
