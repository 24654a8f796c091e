package activities

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"tokenkeeper/credential"
)

// MailServer takes mail by SMTP.
type MailServer struct {
	Host string
	Port int
	TLS  MailTLS
	// User and Password sign in; User is "" where the server takes mail from whoever can reach it.
	User     string
	Password credential.Secret
	// Roots are whose certificates are believed; nil means those of the system.
	Roots *x509.CertPool
	// Patience bounds connecting, and then sending; 0 means [MailPatience].
	Patience time.Duration
}

// MailTLS says how the connection to a mail server is encrypted.
type MailTLS string

// The ways to encrypt, of RFC 3207 and RFC 8314.
const (
	StartTLS    MailTLS = "starttls" // a server that does not offer it gets nothing
	ImplicitTLS MailTLS = "implicit" // from the first byte on
	NoTLS       MailTLS = "none"     // for a server on this machine
)

const (
	// MailPatience is a default that lets connecting and sending both end within an Activity of a minute.
	MailPatience = 25 * time.Second
	// signInPause is how long a server that refuses user or password is left alone: it may count the attempts, and only a
	// person can correct them.
	signInPause = time.Hour
)

// Mailbox is a target that is one e-mail address. Several addresses are several targets, so that trouble with one holds up
// no other.
type Mailbox struct {
	Name   string // of the target in the configuration
	Server MailServer
	From   string // an address, or a name and an address
	To     string // an address
}

// Send implements [Target]. The Message-ID is that of the notice, so that whoever gets a second copy, because the answer to the
// first was lost, sees one mail; all mails about one trouble are one conversation.
// Errors: [ErrTypeRejected] for a mail that the server refuses with a code from 500 on, [ErrTypeProviderUnavailable] else.
func (m *Mailbox) Send(ctx context.Context, l Letter) error {
	defer beat(ctx)()
	doing := "sending notice " + l.ID + " to " + m.To
	mailing, err := m.message(l)
	if err != nil {
		return rejected("%s: %v; correct from and to of notices.targets.%s", doing, err, m.Name)
	}
	client, err := m.Server.client()
	if err != nil {
		return rejected("%s: %v; correct host and port of notices.targets.%s", doing, err, m.Name)
	}
	err = client.DialAndSendWithContext(ctx, mailing)
	if err == nil || mailing.IsDelivered() { // an error after the delivery must not cause a second copy
		return nil
	}
	return m.sort(doing, err)
}

// Check returns nil when the server lets us in. Nothing is sent. Errors: as those of Send.
func (m *Mailbox) Check(ctx context.Context) error {
	doing := "looking at mail server " + m.Server.Host
	client, err := m.Server.client()
	if err != nil {
		return rejected("%s: %v; correct host and port of notices.targets.%s", doing, err, m.Name)
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return m.sort(doing, err)
	}
	_ = client.CloseWithSMTPClient(session) // it has let us in
	return nil
}

func (m *Mailbox) message(l Letter) (*mail.Msg, error) {
	out := mail.NewMsg(mail.WithNoDefaultUserAgent())
	if err := errors.Join(out.From(m.From), out.To(m.To)); err != nil {
		return nil, err
	}
	sender, err := netmail.ParseAddress(m.From)
	if err != nil {
		return nil, err
	}
	_, domain, _ := strings.Cut(sender.Address, "@")
	out.Subject("[tokenkeeper] " + oneLine(l.Text))
	out.SetDateWithValue(l.At)
	out.SetMessageIDWithValue(l.ID + "@" + domain)
	if l.Episode != "" && l.Episode != l.ID {
		trouble := "<" + l.Episode + "@" + domain + ">"
		out.SetGenHeader(mail.HeaderInReplyTo, trouble)
		out.SetGenHeader(mail.HeaderReferences, trouble)
	}
	out.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no machine answers
	out.SetBodyString(mail.TypeTextPlain, l.plain())
	return out, nil
}

func (s MailServer) client() (*mail.Client, error) {
	policy := mail.NoTLS // with implicit TLS the connection is encrypted already
	if s.TLS == StartTLS {
		policy = mail.TLSMandatory
	}
	options := []mail.Option{
		mail.WithPort(s.Port), mail.WithTimeout(s.patience()), mail.WithTLSPolicy(policy), mail.WithTLSConfig(s.tlsConfig()),
		mail.WithDialContextFunc(s.dial),
	}
	if s.User != "" {
		options = append(options, mail.WithSMTPAuthCustom(&signIn{server: s}))
	}
	return mail.NewClient(s.Host, options...)
}

func (s MailServer) patience() time.Duration { return cmp.Or(s.Patience, MailPatience) }

func (s MailServer) tlsConfig() *tls.Config {
	return &tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
}

// dial bounds the whole way to an open session: a server that accepts a connection and says nothing must not hold it.
func (s MailServer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if s.TLS == ImplicitTLS {
		conn = tls.Client(conn, s.tlsConfig())
	}
	if err := conn.SetDeadline(time.Now().Add(s.patience())); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// signIn takes the first of the ways to sign in that the server offers. All of them keep the password to themselves where the
// connection is not encrypted and leads to another machine.
type signIn struct {
	smtp.Auth

	server MailServer
}

// Start implements [smtp.Auth].
func (a *signIn) Start(offered *smtp.ServerInfo) (mechanism string, first []byte, err error) {
	s := a.server
	switch password := s.Password.Reveal(); {
	case slices.Contains(offered.Auth, "PLAIN"):
		a.Auth = smtp.PlainAuth("", s.User, password, s.Host, false)
	case slices.Contains(offered.Auth, "LOGIN"):
		a.Auth = smtp.LoginAuth(s.User, password, s.Host, false)
	case slices.Contains(offered.Auth, "CRAM-MD5"):
		a.Auth = smtp.CRAMMD5Auth(s.User, password)
	default:
		return "", nil, fmt.Errorf("it offers none of PLAIN, LOGIN and CRAM-MD5 to sign in, but %q", strings.Join(offered.Auth, " "))
	}
	return a.Auth.Start(offered)
}

// sort tells a failure that would come again from one that may pass. A mail that the server refuses is refused for good.
// Everything before that is trouble with the connection or the sign-in, which a person may mend while the notice waits.
func (m *Mailbox) sort(doing string, err error) error {
	said := oneLine(err.Error())
	code := 0
	if refused, ok := errors.AsType[*mail.SendError](err); ok {
		code = refused.ErrorCode()
		if code >= 500 && !refusesToSignIn(code) {
			return rejected("%s: the server refuses it: %s; correct from and to of notices.targets.%s", doing, said, m.Name)
		}
	} else if refused, ok := errors.AsType[*textproto.Error](err); ok {
		code = refused.Code
	}
	if refusesToSignIn(code) {
		return again(ErrTypeProviderUnavailable, doing+": the server does not let us in: "+said+
			"; correct username and password of notices.targets."+m.Name, signInPause)
	}
	return outage(doing, fmt.Errorf("%s; see host, port and tls of notices.targets.%s", said, m.Name))
}

// refusesToSignIn reports whether an answer is about who we are (RFC 4954 §6), and not about the mail.
func refusesToSignIn(code int) bool { return code == 530 || code == 534 || code == 535 || code == 538 }
