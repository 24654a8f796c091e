package activities_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
)

// A target is away while the account breaks and recovers. It may hear of the recovery first, and must not ask for a consent then.
func TestTroubleThatIsOverIsToldWithoutALink(t *testing.T) {
	at := func(hours int) time.Time { return time.Date(2026, 3, 4, hours, 0, 0, 0, time.UTC) }
	deadline := func(n *activities.Notice) { n.Kind, n.Deadline = activities.NoticeDeadline, at(9) }
	for name, c := range map[string]struct {
		change func(*activities.Notice)
		now    credential.AccountStatus
		err    error
		over   string // what it says then; "" where it is not over
		since  bool
	}{
		"it works again":         {now: credential.AccountStatus{Status: credential.Active, Since: at(7)}, over: "had trouble, which is over", since: true},
		"somebody disconnected":  {now: credential.AccountStatus{Status: credential.Disconnected, Since: at(7)}, over: "had trouble, which is over", since: true},
		"it lasts":               {now: credential.AccountStatus{Status: credential.ReauthorizationRequired}},
		"its token serves still": {now: credential.AccountStatus{Status: credential.Degraded}},
		"nobody answers":         {now: credential.AccountStatus{Status: credential.Active}, err: errors.New("no worker")},
		"a deadline is near":     {change: deadline, now: credential.AccountStatus{Status: credential.Active, ConsentBy: at(9)}},
		"a deadline is put off": {change: deadline, now: credential.AccountStatus{Status: credential.Active, ConsentBy: at(10)},
			over: "had to be consented to again, which has happened"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			r := &receiver{t: t}
			n, sent := withWebhook(w, r)
			n.Account = func(context.Context, credential.AccountID) (credential.AccountStatus, error) { return c.now, c.err }
			n.Link = func(context.Context, credential.AccountID, string, string) (string, error) {
				assert.Empty(t, c.over, "a link is made for nobody")
				return "http://127.0.0.1:8780/c/good-once", nil
			}
			notice := deadSlack(w)
			if c.change != nil {
				c.change(&notice)
			}
			require.NoError(t, once(w, w.account.Notify, notice).err)
			require.NoError(t, once(w, noResult(n.Deliver), activities.DeliverInput{Target: "pager", Announcement: (*sent)[0].announcement}).err)

			require.Len(t, r.bodies, 1)
			var body struct{ Data activities.Letter }
			require.NoError(t, json.Unmarshal([]byte(r.bodies[0]), &body))
			letter := body.Data
			assert.Equal(t, c.over != "", letter.Over)
			if c.over == "" {
				assert.NotEmpty(t, letter.Link)
				return
			}
			assert.Equal(t, "account acme/triage/slack "+c.over, letter.Text)
			assert.Equal(t, c.since, !letter.OverSince.IsZero())
			assert.Empty(t, letter.Link+letter.NoLink+letter.Fix)
			assert.Empty(t, letter.Paused)
			assert.NotContains(t, r.bodies[0], `"consent"`)
		})
	}
}

func TestARefusedAppThatIsTakenAgainIsToldAsOver(t *testing.T) {
	for name, refused := range map[string]bool{"taken again": false, "refused still": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			r := &receiver{t: t}
			n, _ := withWebhook(w, r)
			n.Pause = func(context.Context, string) (activities.Pause, error) {
				return activities.Pause{Refused: refused}, nil
			}
			a := activities.Announcement{ID: "ntc_1", Type: "connector.trouble", Connector: "slack", Text: "refused", Fix: "correct it"}
			require.NoError(t, once(w, noResult(n.Deliver), activities.DeliverInput{Target: "pager", Announcement: a}).err)
			assert.Equal(t, !refused, strings.Contains(r.bodies[0], "connector slack had trouble, which is over"))
			a.Recovery, a.Type = true, "connector.recovery"
			require.NoError(t, once(w, noResult(n.Deliver), activities.DeliverInput{Target: "pager", Announcement: a}).err)
			assert.NotContains(t, r.bodies[1], "which is over")
		})
	}
}

// Of what a digest tells people hear late, too: it is over when it is for all of its accounts.
func TestADigestThatIsOverIsToldSo(t *testing.T) {
	at := time.Date(2026, 3, 4, 5, 0, 0, 0, time.UTC)
	soon, later := at.Add(24*time.Hour), at.Add(60*24*time.Hour)
	deadline := func(a *activities.Announcement) { a.Type, a.Deadline = "account.deadline", soon }
	for name, c := range map[string]struct {
		change   func(*activities.Announcement)
		accounts int
		ill      int // of those that are asked
		err      error
		troubled int64
		by       time.Time // of those that are well
		over     string    // "" where it is not over
		now      int
	}{
		"all work again":                {accounts: 12, over: "12 accounts of connector slack had trouble, which is over"},
		"one does not":                  {accounts: 12, ill: 1, now: 11},
		"none does":                     {accounts: 12, ill: 12},
		"nobody answers":                {accounts: 12, err: errors.New("no worker")},
		"more than it names":            {accounts: 2000, over: "2000 accounts of connector slack had trouble, which is over"},
		"more than it names, and not":   {accounts: 2000, troubled: 1, now: 50},
		"consented to again":            {change: deadline, accounts: 3, by: later, over: "3 accounts of connector slack had to be consented to again, which has happened"},
		"their own deadlines are later": {change: deadline, accounts: 3, by: soon.Add(7 * 24 * time.Hour)},
		"many, with deadlines":          {change: deadline, accounts: 2000, by: later, now: 50},
	} {
		t.Run(name, func(t *testing.T) {
			var d activities.Digest
			for i := range c.accounts {
				a := activities.Announcement{
					Type: "account.trouble", Consent: true, Status: "reauthorization_required", Provider: "slack", Paused: []string{"acme/bugs"},
					Account: credential.AccountID{Organization: "acme", User: fmt.Sprintf("user-%03d", i), Connector: "slack"},
				}
				if c.change != nil {
					c.change(&a)
				}
				d.Add(a, nil)
			}
			w := newWorld(t, sandbox.Options{})
			r := &receiver{t: t}
			n, _ := withWebhook(w, r)
			n.Account = func(_ context.Context, account credential.AccountID) (credential.AccountStatus, error) {
				if number, err := strconv.Atoi(strings.TrimPrefix(account.User, "user-")); err != nil || number < c.ill {
					return credential.AccountStatus{Status: credential.ReauthorizationRequired}, err
				}
				return credential.AccountStatus{Status: credential.Active, ConsentBy: c.by}, c.err
			}
			n.Troubled = func(_ context.Context, provider string) (int64, error) {
				assert.Equal(t, "slack", provider)
				return c.troubled, nil
			}
			require.NoError(t, once(w, noResult(n.Deliver), activities.DeliverInput{Target: "pager", Announcement: d.Announce(at)}).err)
			var body struct{ Data activities.Letter }
			require.NoError(t, json.Unmarshal([]byte(r.bodies[0]), &body))
			letter := body.Data
			assert.Equal(t, c.over != "", letter.Over)
			assert.Equal(t, c.now, letter.OverNow)
			if c.over == "" {
				assert.NotEmpty(t, letter.Fix)
				return
			}
			assert.Equal(t, c.over, letter.Text)
			assert.Empty(t, letter.Fix)
			assert.Empty(t, letter.Paused)
		})
	}
}
