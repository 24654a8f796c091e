package activities_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/internal/mailtest"
	"tokenkeeper/sandbox"
)

const webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// receiver is a webhook's other end. It believes what the specification's own library believes.
type receiver struct {
	t       *testing.T
	answers []int // of the next requests; 200 when there are no more
	header  http.Header
	ids     []string
	bodies  []string
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(request.Body)
	assert.NoError(r.t, err)
	verifier, err := standardwebhooks.NewWebhook(webhookSecret)
	assert.NoError(r.t, err)
	assert.NoError(r.t, verifier.Verify(body, request.Header))
	r.ids, r.bodies = append(r.ids, request.Header.Get("webhook-id")), append(r.bodies, string(body))
	maps.Copy(w.Header(), r.header)
	if len(r.answers) > 0 {
		w.WriteHeader(r.answers[0])
		r.answers = r.answers[1:]
	}
}

// posted is what a Workflow would deliver.
type posted struct {
	announcement activities.Announcement
	targets      []string
}

// withWebhook gives the world's account one target.
func withWebhook(w *world, r *receiver) (*activities.Notices, *[]posted) {
	server := httptest.NewServer(r)
	w.t.Cleanup(server.Close)
	var sent []posted
	hook := &activities.Webhook{
		Name: "pager", URL: credential.NewSecret(server.URL + "/hook?key=in-the-url"), Secret: credential.NewSecret(webhookSecret),
		HTTP: &http.Client{Timeout: 10 * time.Second},
	}
	post := func(_ context.Context, a activities.Announcement, targets []string) error {
		sent = append(sent, posted{a, targets})
		return nil
	}
	n := &activities.Notices{
		Plan: func() activities.NoticePlan {
			return activities.NoticePlan{
				Targets: []activities.PlannedTarget{{Name: "pager"}}, Escalation: []time.Duration{time.Hour, 24 * time.Hour}, Quiet: 15 * time.Minute,
			}
		},
		Target: func(name string) (activities.Target, error) {
			if name != "pager" {
				return nil, errors.New("there is no target " + name)
			}
			return hook, nil
		},
		Post: post, Gather: post,
		Link:   w.account.ConnectLink,
		Paused: func(context.Context, activities.Notice) []string { return []string{"acme/bug-reports"} },
		Log:    w.account.Log,
	}
	w.account.Notices = n
	return n, &sent
}

func deadSlack(w *world) activities.Notice {
	return activities.Notice{
		Account: slackAccount, Kind: activities.NoticeTrouble, Status: credential.ReauthorizationRequired, Reason: "token_revoked",
		Since: w.clock.Now(), Waiting: 4, Reports: 3, Key: "trouble/1/0",
	}
}

func TestAWebhookIsSignedAndNamesAllThatMatters(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	r := &receiver{t: t, answers: []int{http.StatusBadGateway}}
	n, sent := withWebhook(w, r)
	told := once(w, w.account.Notify, deadSlack(w))
	require.NoError(t, told.err)
	assert.Equal(t, activities.Told{Again: time.Hour}, told.out)
	require.Len(t, *sent, 1)
	assert.Equal(t, []string{"pager"}, (*sent)[0].targets)
	assert.NotContains(t, w.log.String(), "needs a person", "the log is no target")

	in := activities.DeliverInput{Target: "pager", Announcement: (*sent)[0].announcement}
	got := retried(w, noResult(n.Deliver), in, func(int32) error { return nil })
	require.NoError(t, got.err)
	require.Len(t, got.failed, 1, "the first answer was 502")
	require.Len(t, r.ids, 2)
	assert.Equal(t, r.ids[0], r.ids[1], "a receiver tells the second attempt by its id")
	assert.Regexp(t, `^ntc_[0-9a-f]{32}$`, r.ids[0])
	var body struct {
		Type string         `json:"type"`
		Data map[string]any `json:"data"`
	}
	require.NoError(t, json.Unmarshal([]byte(r.bodies[1]), &body))
	assert.Equal(t, "account.trouble", body.Type)
	for key, want := range map[string]any{
		"account": "acme/triage/slack", "provider": "slack", "reason": "token_revoked", "status": "reauthorization_required",
		"paused": []any{"acme/bug-reports"}, "waiting": 4.0, "reports": 3.0, "stage": 0.0, "fix": "tokenkeeper account reauthorize acme/triage/slack",
	} {
		assert.Equal(t, want, body.Data[key], key)
	}
	assert.Contains(t, body.Data["link"], "http://127.0.0.1:8780/c/")
	input, err := json.Marshal(in)
	require.NoError(t, err)
	assert.NotContains(t, string(input), "/c/", "the history has no link")
}

// logged returns the lines of the log with this message.
func (w *world) logged(message string) []map[string]any {
	w.t.Helper()
	var lines []map[string]any
	for text := range strings.Lines(w.log.String()) {
		var line map[string]any
		require.NoError(w.t, json.Unmarshal([]byte(text), &line))
		if line["msg"] == message {
			lines = append(lines, line)
		}
	}
	return lines
}

func TestTheLogSaysAllThatOtherTargetsSay(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	n, sent := withWebhook(w, &receiver{t: t})
	plan := n.Plan()
	plan.Log = true
	plan.Targets = append(plan.Targets, activities.PlannedTarget{Name: "team", Through: slackAccount})
	n.Plan = func() activities.NoticePlan { return plan }
	notice := deadSlack(w)
	notice.Stage, notice.Began, notice.Until = 2, w.clock.Now().Add(-time.Hour), w.clock.Now().Add(time.Hour)
	notice.Reason = "token_revoked\nlevel=ERROR msg=forged"
	require.NoError(t, once(w, w.account.Notify, notice).err)
	require.Len(t, *sent, 1)

	lines := w.logged("account needs a person: open the link and consent")
	require.Len(t, lines, 1)
	rfc3339 := func(at time.Time) string { return at.UTC().Format(time.RFC3339) }
	for key, want := range map[string]any{
		"account": "acme/triage/slack", "provider": "slack", "status": "reauthorization_required", "level": "WARN",
		"reason": "token_revoked level=ERROR msg=forged", "since": rfc3339(notice.Since), "until": rfc3339(notice.Until),
		"began": rfc3339(notice.Began), "paused": "acme/bug-reports; 3 reports wait", "waiting": 4.0, "reports": 3.0, "stage": 2.0,
		"untold": "team", "fix": "tokenkeeper account reauthorize acme/triage/slack",
		"notice": (*sent)[0].announcement.ID, "episode": (*sent)[0].announcement.Episode,
	} {
		assert.Equal(t, want, lines[0][key], key)
	}
	assert.Contains(t, lines[0]["link"], "http://127.0.0.1:8780/c/")

	w.account.ConnectLink = func(context.Context, credential.AccountID, string, string) (string, error) {
		return "", &activities.NoLinkError{Why: "the gateway is on another machine"}
	}
	require.NoError(t, once(w, w.account.Notify, notice).err)
	lines = w.logged("account needs a person: open the link and consent")
	require.Len(t, lines, 2)
	assert.Equal(t, "the gateway is on another machine", lines[1]["no_link"])
	assert.NotContains(t, lines[1], "link")

	notice.Kind, notice.Status = activities.NoticeRecovery, credential.Degraded
	require.NoError(t, once(w, w.account.Notify, notice).err)
	over := w.logged("account works again")
	require.Len(t, over, 1)
	assert.Equal(t, "INFO", over[0]["level"])
	assert.Equal(t, lines[0]["episode"], over[0]["episode"])
}

func TestTheIDOfANoticeIsThatOfItsEpisodeAndStage(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	_, sent := withWebhook(w, &receiver{t: t})
	first := deadSlack(w)
	again, later, other := first, first, first
	later.Key, later.Stage = "trouble/1/1", 1
	other.Account = githubAccount
	for _, n := range []activities.Notice{first, again, later, other} {
		require.NoError(t, once(w, w.account.Notify, n).err)
	}
	id := func(i int) string { return (*sent)[i].announcement.ID }
	assert.Equal(t, id(0), id(1))
	assert.NotEqual(t, id(0), id(2))
	assert.NotEqual(t, id(0), id(3))
	assert.Contains(t, (*sent)[2].announcement.Text, "still broken")
}

func TestTroubleIsToldAgainAtRisingIntervals(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	withWebhook(w, &receiver{t: t})
	for stage, want := range []time.Duration{time.Hour, 24 * time.Hour, 48 * time.Hour, 72 * time.Hour} {
		n := deadSlack(w)
		n.Stage = stage
		assert.Equal(t, activities.Told{Again: want}, once(w, w.account.Notify, n).out, stage)
	}
	n := deadSlack(w)
	n.Kind, n.Status = activities.NoticeRecovery, credential.Active
	assert.Equal(t, activities.Told{Quiet: 15 * time.Minute}, once(w, w.account.Notify, n).out)
}

func TestAnswersOfAWebhook(t *testing.T) {
	for name, test := range map[string]struct {
		status int
		header http.Header
		kind   string
		wait   time.Duration
	}{
		"gone":        {http.StatusGone, nil, activities.ErrTypeRejected, 0},
		"busy":        {http.StatusTooManyRequests, http.Header{"Retry-After": {"90"}}, activities.ErrTypeRateLimited, 90 * time.Second},
		"down, known": {http.StatusServiceUnavailable, http.Header{"Retry-After": {"30"}}, activities.ErrTypeProviderUnavailable, 30 * time.Second},
		"not found":   {http.StatusNotFound, nil, activities.ErrTypeProviderUnavailable, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			n, sent := withWebhook(w, &receiver{t: t, answers: []int{test.status}, header: test.header})
			require.NoError(t, once(w, w.account.Notify, deadSlack(w)).err)
			got := once(w, noResult(n.Deliver), activities.DeliverInput{Target: "pager", Announcement: (*sent)[0].announcement})
			got.fails(t, test.kind, "webhook pager")
			assert.Equal(t, test.wait, got.wait(t))
		})
	}
}

func TestAnUnreachableWebhookKeepsItsURLToItself(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	n, sent := withWebhook(w, &receiver{t: t})
	require.NoError(t, once(w, w.account.Notify, deadSlack(w)).err)
	n.Target = func(string) (activities.Target, error) {
		return &activities.Webhook{
			Name: "pager", URL: credential.NewSecret("http://127.0.0.1:1/in-the-url"), Secret: credential.NewSecret(webhookSecret), HTTP: http.DefaultClient,
		}, nil
	}
	got := once(w, noResult(n.Deliver), activities.DeliverInput{Target: "pager", Announcement: (*sent)[0].announcement})
	got.fails(t, activities.ErrTypeProviderUnavailable, "webhook pager")
	assert.NotContains(t, got.err.Error(), "in-the-url")
}

func TestATargetThatIsConfiguredNoMoreIsNotTriedAgain(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	n, _ := withWebhook(w, &receiver{t: t})
	got := once(w, noResult(n.Deliver), activities.DeliverInput{Target: "gone"})
	got.fails(t, activities.ErrTypeNotConfigured, "no target gone")
}

// Where there is no link the letter says why, and nothing of what went wrong.
func TestALetterWithoutALinkSaysWhy(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"known":   {fmt.Errorf("making it: %w", &activities.NoLinkError{Why: "somebody has opened another link"}), "somebody has opened another link"},
		"unknown": {errors.New("dial postgres://keeper:in-the-url@db"), "none could be made; the log of the worker says why"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			r := &receiver{t: t}
			n, sent := withWebhook(w, r)
			require.NoError(t, once(w, w.account.Notify, deadSlack(w)).err)
			n.Link = func(context.Context, credential.AccountID, string, string) (string, error) { return "", test.err }
			in := activities.DeliverInput{Target: "pager", Announcement: (*sent)[0].announcement}
			require.NoError(t, once(w, noResult(n.Deliver), in).err)
			assert.Contains(t, r.bodies[0], `"no_link":"`+test.want+`"`)
			assert.NotContains(t, r.bodies[0], `"link":`)

			server := mailtest.Start(t, mailtest.Options{User: "keeper", Password: mailPassword})
			in.Target = "tested"
			require.NoError(t, once(w, noResult(w.deliverTo(mailbox(server, activities.StartTLS, "ops@example.com")).Deliver), in).err)
			assert.Contains(t, server.Mails()[0].Body, "no link:     "+test.want+"\nto do:       tokenkeeper account reauthorize acme/triage/slack\n")
		})
	}
}

func TestARefusalThatMayBeOfTheAddressSaysBothCauses(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	notice := deadSlack(w)
	notice.Status, notice.Code, notice.Reason = credential.ClientMisconfigured, activities.CodeUnsure, "invalid_auth"
	_, sent := withWebhook(w, &receiver{t: t})
	require.NoError(t, once(w, w.account.Notify, notice).err)
	require.Len(t, *sent, 1)
	assert.Contains(t, (*sent)[0].announcement.Text, "was revoked, or the address of a worker is not allowed")
	assert.Contains(t, (*sent)[0].announcement.Fix, "allow the addresses of the workers")
	assert.Contains(t, (*sent)[0].announcement.Fix, "tokenkeeper account reauthorize acme/triage/slack")
}

// What nobody can read is nothing that a consent mends.
func TestAnswersThatNobodyCanReadAreNewsForTheOperator(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	notice := deadSlack(w)
	notice.Status, notice.Code, notice.Reason = credential.Degraded, activities.CodeUnreadable, "HTTP 200 without a token"
	require.NoError(t, once(w, w.account.Notify, notice).err)
	assert.Contains(t, w.log.String(), "nobody can read what the provider answers account acme/triage/slack")
	assert.Contains(t, w.log.String(), "correct them in tokenkeeper.yaml")
	assert.NotContains(t, w.log.String(), "/c/", "nobody has to consent")

	_, sent := withWebhook(w, &receiver{t: t})
	require.NoError(t, once(w, w.account.Notify, notice).err)
	require.Len(t, *sent, 1)
	assert.False(t, (*sent)[0].announcement.Consent)
	assert.Contains(t, (*sent)[0].announcement.Fix, "endpoints of connector slack")
}
