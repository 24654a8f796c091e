package activities_test

import (
	"mime"
	"net"
	"net/mail"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/internal/mailtest"
	"tokenkeeper/sandbox"
)

const mailPassword = "s3cr3t-of-the-mail-server"

func mailbox(s *mailtest.Server, encryption activities.MailTLS, to string) *activities.Mailbox {
	return &activities.Mailbox{Name: "ops", From: "tokenkeeper <keeper@example.com>", To: to, Server: activities.MailServer{
		Host: "127.0.0.1", Port: s.Port, TLS: encryption, User: "keeper", Password: credential.NewSecret(mailPassword), Roots: s.Roots,
	}}
}

// letters make those of a trouble of an account: its first notice, one more, and its end.
func (w *world) letters() (first, again, over activities.DeliverInput) {
	w.t.Helper()
	n, sent := withWebhook(w, &receiver{t: w.t})
	n.Now = w.clock.Now
	trouble := deadSlack(w)
	trouble.Account, trouble.Episode, trouble.Began = githubAccount, "1", w.clock.Now()
	trouble.Reason = "bad <!channel> & <@U0ADA>\nBcc: eve@example.com"
	still, end := trouble, trouble
	still.Key, still.Stage = "trouble/1/1", 1
	end.Key, end.Kind, end.Status, end.Reason = "recovery/1", activities.NoticeRecovery, credential.Active, ""
	for _, n := range []activities.Notice{trouble, still, end} {
		require.NoError(w.t, once(w, w.account.Notify, n).err)
	}
	in := make([]activities.DeliverInput, 3)
	for i, p := range *sent {
		in[i] = activities.DeliverInput{Target: "tested", Announcement: p.announcement}
	}
	return in[0], in[1], in[2]
}

// deliverTo has the Activity send to one target.
func (w *world) deliverTo(target activities.Target) *activities.Notices {
	w.account.Notices.Target = func(string) (activities.Target, error) { return target, nil }
	return w.account.Notices
}

func TestAMailNamesAllThatMatters(t *testing.T) {
	for name, c := range map[string]struct {
		server mailtest.Options
		tls    activities.MailTLS
	}{
		"STARTTLS":        {mailtest.Options{}, activities.StartTLS},
		"implicit":        {mailtest.Options{Implicit: true}, activities.ImplicitTLS},
		"on this machine": {mailtest.Options{Plain: true}, activities.NoTLS},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sandbox.Options{})
			c.server.User, c.server.Password = "keeper", mailPassword
			server := mailtest.Start(t, c.server)
			first, again, over := w.letters()
			target := mailbox(server, c.tls, "ops@example.com")
			require.NoError(t, target.Check(t.Context()))
			n := w.deliverTo(target)
			for _, in := range []activities.DeliverInput{first, again, over} {
				require.NoError(t, once(w, noResult(n.Deliver), in).err)
			}
			mails := server.Mails()
			require.Len(t, mails, 3)
			m := mails[0]
			subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
			require.NoError(t, err)
			assert.Equal(t, "[tokenkeeper] account acme/triage/github needs a person: open the link and consent", subject)
			assert.Equal(t, "<"+first.Announcement.ID+"@example.com>", m.Header.Get("Message-ID"))
			assert.Equal(t, "auto-generated", m.Header.Get("Auto-Submitted"))
			assert.Equal(t, "ops@example.com", m.To)
			assert.Empty(t, m.Header.Get("Bcc"), "nothing in a reason makes a header")
			for _, part := range []string{
				"status:      reauthorization_required\n", "reason:      bad <!channel> & <@U0ADA> Bcc: eve@example.com\n",
				"paused:      acme/bug-reports; 3 reports wait\n", "to do:       tokenkeeper account reauthorize acme/triage/github\n",
				"\n    http://127.0.0.1:8780/c/",
			} {
				assert.Contains(t, m.Body, part)
			}
			sent, err := mail.ParseDate(m.Header.Get("Date"))
			require.NoError(t, err)
			assert.True(t, sent.Equal(w.clock.Now()), "when it happened, however late the server took it")
			assert.Contains(t, mails[1].Body, "still broken: ")
			assert.Contains(t, mails[2].Body, "works again")
			assert.NotContains(t, mails[2].Body, "/c/")
			for _, later := range mails[1:] {
				assert.Equal(t, m.Header.Get("References"), later.Header.Get("References"), "one conversation")
			}
		})
	}
}

func TestAnswersOfAMailServer(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	server := mailtest.Start(t, mailtest.Options{User: "keeper", Password: mailPassword})
	first, _, _ := w.letters()
	const ops = "ops@example.com"
	deliver := func(target activities.Target) ran[struct{}] {
		return once(w, noResult(w.deliverTo(target).Deliver), first)
	}

	server.Refuse(ops, 450, "mailbox busy")
	deliver(mailbox(server, activities.StartTLS, ops)).fails(t, activities.ErrTypeProviderUnavailable, "450", "mailbox busy")
	server.Refuse(ops, 550, "no such user")
	deliver(mailbox(server, activities.StartTLS, ops)).fails(t, activities.ErrTypeRejected, "550", "no such user", "correct from and to of notices.targets.ops")

	locked := mailbox(server, activities.StartTLS, ops)
	locked.Server.Password = credential.NewSecret("wrong")
	got := deliver(locked)
	got.fails(t, activities.ErrTypeProviderUnavailable, "535", "correct username and password")
	assert.Equal(t, time.Hour, got.wait(t), "a server may count the attempts")
	assert.NotContains(t, got.err.Error(), "wrong")
	stranger := mailbox(server, activities.StartTLS, ops)
	stranger.Server.User = ""
	deliver(stranger).fails(t, activities.ErrTypeProviderUnavailable, "correct username and password")

	unknown := mailbox(server, activities.StartTLS, ops)
	unknown.Server.Roots = nil
	deliver(unknown).fails(t, activities.ErrTypeProviderUnavailable, "certificate", "see host, port and tls")
	failsWith(t, unknown.Check(t.Context()), activities.ErrTypeProviderUnavailable, "certificate")
	plain := mailtest.Start(t, mailtest.Options{Plain: true, User: "keeper", Password: mailPassword})
	deliver(mailbox(plain, activities.StartTLS, ops)).fails(t, activities.ErrTypeProviderUnavailable, "STARTTLS")
	assert.Empty(t, server.Mails())
	assert.Empty(t, plain.Mails(), "nothing travels in clear to a server that shall encrypt")
}

func TestAMailWhoseAnswerIsLostIsTheSameMailTwice(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	server := mailtest.Start(t, mailtest.Options{User: "keeper", Password: mailPassword})
	first, _, _ := w.letters()
	server.LoseAnswer()
	got := retried(w, noResult(w.deliverTo(mailbox(server, activities.StartTLS, "ops@example.com")).Deliver), first, always)
	require.NoError(t, got.err)
	mails := server.Mails()
	require.Len(t, mails, 2)
	assert.Equal(t, mails[0].Header.Get("Message-ID"), mails[1].Header.Get("Message-ID"))
	assert.Equal(t, mails[0].Body, mails[1].Body, "the same link too")
}

// A server that accepts connections and says nothing costs an attempt no longer than the Activity has.
func TestAMailServerThatSaysNothing(t *testing.T) {
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	port := netip.MustParseAddrPort(listener.Addr().String()).Port()
	t.Cleanup(func() { assert.NoError(t, listener.Close()) })
	silent := &activities.Mailbox{Name: "ops", From: "a@example.com", To: "b@example.com", Server: activities.MailServer{
		Host: "127.0.0.1", Port: int(port), TLS: activities.NoTLS, Patience: 50 * time.Millisecond,
	}}
	failsWith(t, silent.Check(t.Context()), activities.ErrTypeProviderUnavailable, "timeout")
}
