package mailtest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http/httptest"
	"net/mail"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Options say what a server is like.
type Options struct {
	// Plain offers no TLS, Implicit wants it from the first byte on; else there is STARTTLS.
	Plain, Implicit bool
	// User and Password are who may send; "" lets everybody.
	User, Password string
}

// Mail is a mail that a server took.
type Mail struct {
	To     string
	Header mail.Header
	Body   string // decoded
}

// Server is a mail server on this machine.
type Server struct {
	Port int
	// Roots believe its certificate, which is for 127.0.0.1.
	Roots *x509.CertPool

	options Options
	mu      sync.Mutex
	taken   []Mail                       // guarded by mu
	refuse  map[string][]*smtp.SMTPError // guarded by mu; :: address → answers to the next mails to it
	forget  int                          // guarded by mu; so many mails are taken, and the answer is lost
}

// Start starts a server that stops with the test.
func Start(t testing.TB, o Options) *Server {
	t.Helper()
	s := &Server{options: o, refuse: map[string][]*smtp.SMTPError{}, Roots: x509.NewCertPool()}
	certified := httptest.NewUnstartedServer(nil) // has a certificate for 127.0.0.1
	certified.StartTLS()
	certified.Close()
	s.Roots.AddCert(certified.Certificate())
	encryption := &tls.Config{Certificates: certified.TLS.Certificates, MinVersion: tls.VersionTLS12}
	bound, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	var listener net.Listener = bound
	s.Port = int(netip.MustParseAddrPort(bound.Addr().String()).Port())
	server := smtp.NewServer(s)
	server.Domain, server.AllowInsecureAuth = "mail.test", o.Plain
	server.ReadTimeout, server.WriteTimeout = time.Minute, time.Minute
	if !o.Plain {
		server.TLSConfig = encryption
	}
	if o.Implicit {
		listener = tls.NewListener(listener, encryption)
	}
	var serving sync.WaitGroup
	serving.Go(func() { assert.NoError(t, server.Serve(listener)) })
	t.Cleanup(func() {
		assert.NoError(t, server.Close())
		serving.Wait()
	})
	return s
}

// Refuse has the server answer the next mail to an address with a code, 450 or 550 for example.
func (s *Server) Refuse(address string, code int, message string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse[address] = append(s.refuse[address], &smtp.SMTPError{Code: code, Message: message, EnhancedCode: smtp.NoEnhancedCode})
}

// LoseAnswer has the server take the next mail and hang up instead of saying so.
func (s *Server) LoseAnswer() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget++
}

// Mails returns what was taken, in order.
func (s *Server) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Mail{}, s.taken...)
}

// NewSession implements [smtp.Backend].
//
//nolint:ireturn // the library wants it so
func (s *Server) NewSession(c *smtp.Conn) (smtp.Session, error) {
	return &session{server: s, conn: c}, nil
}

// session is one connection of a client.
type session struct {
	server *Server
	conn   *smtp.Conn
	let    bool // signed in
	to     []string
}

var _ smtp.AuthSession = (*session)(nil)

// AuthMechanisms implements [smtp.AuthSession].
func (*session) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth implements [smtp.AuthSession].
//
//nolint:ireturn // the library wants it so
func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if s.let = user == s.server.options.User && password == s.server.options.Password; s.let {
			return nil
		}
		return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "authentication credentials invalid"}
	}), nil
}

// Mail implements [smtp.Session].
func (s *session) Mail(string, *smtp.MailOptions) error {
	if s.server.options.User != "" && !s.let {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "authentication required"}
	}
	return nil
}

// Rcpt implements [smtp.Session].
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	if answers := s.server.refuse[to]; len(answers) > 0 {
		s.server.refuse[to] = answers[1:]
		return answers[0]
	}
	s.to = append(s.to, to)
	return nil
}

// Data implements [smtp.Session].
func (s *session) Data(r io.Reader) error {
	message, err := mail.ReadMessage(r)
	if err != nil {
		return err
	}
	body, err := decode(message)
	if err != nil {
		return err
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.taken = append(s.server.taken, Mail{To: strings.Join(s.to, ", "), Header: message.Header, Body: body})
	if s.server.forget > 0 {
		s.server.forget--
		return errors.Join(errors.New("the answer is lost"), s.conn.Conn().Close())
	}
	return nil
}

// Reset implements [smtp.Session].
func (s *session) Reset() { s.to = nil }

// Logout implements [smtp.Session].
func (*session) Logout() error { return nil }
