package gateway

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/provider"
	"tokenkeeper/vault"
)

// permanent reports whether accounts have a page that needs no link. On loopback whoever opens it is on this machine;
// anywhere else a stranger could send it to somebody and have them connect their account to ours.
func (s *Server) permanent() bool { return s.local() && !s.RequireCode && !s.RequireSignIn }

func (s *Server) onLoopback() bool { return provider.IsLoopback(s.PublicURL.Hostname()) }

// showLink says what the link is for. Chats and mail programs look ahead at links, so nothing is bound or used up here. The cookie that
// followLink binds it to is set already, and it takes no other: whoever presses the button twice, or does not get the answer, is the
// same browser then, and nobody goes on who was not told for which account.
func (s *Server) showLink(w http.ResponseWriter, r *http.Request) {
	secret := r.PathValue("link")
	if s.onLoopback() && !strings.EqualFold(r.Host, s.PublicURL.Host) {
		http.Redirect(w, r, s.PublicURL.JoinPath(linkPath, secret).String(), http.StatusSeeOther) //nolint:gosec // to our own address, whatever the link
		return
	}
	link, err := s.Vault.GetLink(r.Context(), digest(secret))
	if err == nil && link.BrowserHash != nil && string(digest(s.linkBrowser(r, secret))) != string(link.BrowserHash) {
		err = vault.ErrOtherBrowser
	}
	conn, ok := s.linked(w, r, link, err)
	if !ok {
		return
	}
	who, ok := s.opener(w, r, secret, link)
	if !ok {
		return
	}
	if link.BrowserHash != nil && string(link.PersonHash) != string(who.hash()) {
		s.say(w, r, linkOfAnother())
		return
	}
	if link.BrowserHash == nil && s.linkBrowser(r, secret) == "" {
		http.SetCookie(w, s.linkCookie(secret, newSecret(), link.ExpiresAt))
	}
	s.ask(w, r, link.Account, conn, invitation{
		action: linkPath + secret, why: link.Why, person: who.Name, recipient: link.Recipient != "", code: link.CodeHash != nil && link.BrowserHash == nil,
	})
}

// followLink binds the link to this browser, which has got its page, and sends it to the provider.
func (s *Server) followLink(w http.ResponseWriter, r *http.Request) {
	secret := r.PathValue("link")
	there, err := s.Vault.GetLink(r.Context(), digest(secret))
	if _, ok := s.linked(w, r, there, err); !ok {
		return
	}
	who, ok := s.opener(w, r, secret, there)
	if !ok || s.leaves(w, r, there.Account) {
		return
	}
	browser := s.linkBrowser(r, secret)
	if browser == "" && there.BrowserHash == nil {
		// It has not got the page, or keeps no cookies and could not bring the consent back: the link would be lost to who has.
		s.say(w, r, linkUnseen())
		return
	}
	link, err := s.Vault.OpenLink(r.Context(), vault.Opening{
		Secret: secret, Code: r.PostFormValue("code"), BrowserHash: digest(browser), PersonHash: who.hash(),
	})
	s.recordOpening(r, link, err)
	conn, ok := s.linked(w, r, link, err)
	if !ok {
		return
	}
	http.SetCookie(w, s.linkCookie(secret, browser, link.ExpiresAt))
	s.redirect(w, r, link.Account, conn, link)
}

// recordOpening notes who went on from a link, or was kept from it. A link that is not there is of no account, and anybody
// could fill the audit log with those.
func (s *Server) recordOpening(r *http.Request, link vault.Link, err error) {
	a := action{name: vault.LinkOpened, account: link.Account, by: s.who(r), from: s.remote(r)}
	switch {
	case link.Account.IsZero():
	case errors.Is(err, vault.ErrOtherBrowser), errors.Is(err, vault.ErrOtherPerson), isWrongCode(err):
		s.record(r.Context(), a, vault.Refused, err.Error())
	case err == nil:
		s.record(r.Context(), a, vault.Done, "")
	}
}

// linked finds the connector of a link that was looked up. When it reports false, the answer is written.
func (s *Server) linked(w http.ResponseWriter, r *http.Request, link vault.Link, err error) (activities.Connection, bool) {
	switch {
	case errors.Is(err, vault.ErrNotFound), err == nil && s.RequireCode && link.CodeHash == nil:
		s.say(w, r, s.deadLink())
		return activities.Connection{}, false
	case errors.Is(err, vault.ErrOtherBrowser):
		s.log().WarnContext(r.Context(), "a link came from another browser than the one that opened it")
		s.say(w, r, linkElsewhere())
		return activities.Connection{}, false
	case errors.Is(err, vault.ErrOtherPerson):
		s.log().WarnContext(r.Context(), "a link came from another person than the one who opened it")
		s.say(w, r, linkOfAnother())
		return activities.Connection{}, false
	case isWrongCode(err):
		s.log().WarnContext(r.Context(), "a link was opened with a wrong code", "error", err)
		s.say(w, r, wrongCode(err))
		return activities.Connection{}, false
	case err != nil:
		s.log().ErrorContext(r.Context(), "looking up a link", "error", err)
		s.say(w, r, vaultAway(credential.AccountID{}))
		return activities.Connection{}, false
	}
	conn, err := s.Connections.Connection(link.Account)
	if err != nil {
		s.say(w, r, unknownConnector(link.Account))
		return activities.Connection{}, false
	}
	if conn.Grant.Mints() {
		s.say(w, r, noConsentNeeded(link.Account, conn))
		return activities.Connection{}, false
	}
	return conn, true
}

// spendLink uses up the link that led to a login, before its code is worth anything. It returns what to tell the person
// when the link is void.
func (s *Server) spendLink(ctx context.Context, login vault.Login) *message {
	if login.LinkHash == nil {
		return nil
	}
	err := s.Vault.SpendLink(ctx, login.LinkHash)
	switch {
	case errors.Is(err, vault.ErrNotFound):
		s.log().WarnContext(ctx, "consent by a link that is void", "account", login.Account.String())
		m := s.deadLink().as(vault.Refused, "its link is void")
		return &m
	case err != nil:
		s.log().ErrorContext(ctx, "using up a link", "account", login.Account.String(), "error", err)
		m := vaultAway(login.Account).as(vault.Failed, vaultSilent)
		return &m
	}
	return nil
}

// linkBrowser returns what binds the link to the browser that sends the request; "" when nothing does.
func (s *Server) linkBrowser(r *http.Request, secret string) string {
	cookie, err := r.Cookie(s.linkCookie(secret, "", time.Time{}).Name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

func (s *Server) linkCookie(secret, browser string, expires time.Time) *http.Cookie {
	name := "tokenkeeper-link-" + hex.EncodeToString(digest(secret)[:8])
	return s.cookie(name, browser, linkPath, max(time.Second, expires.Sub(s.now())))
}

// deadLink also helps an operator who reads a notice late, and has a telephone at hand and no terminal.
func (s *Server) deadLink() message {
	return message{
		status: http.StatusNotFound,
		Title:  "This link is not valid",
		Text: []string{
			"A link is good once and for a limited time, and a newer one for the same account makes it void. Nothing was connected.",
			"A new one comes from: tokenkeeper account reauthorize, followed by the account. Operators get one with the button of the account on the status page, too.",
		},
		SignIn: s.asksWho(),
	}
}

func linkUnseen() message {
	return message{
		status: http.StatusForbidden,
		Title:  "This browser has not opened the link",
		Text: []string{
			"The page of a link sets a cookie, by which only the browser that has seen it goes on. Nothing was connected, and the link is as good as before.",
			"Open the link itself, allow this site to set cookies, and use the button on its page.",
		},
	}
}

func linkElsewhere() message {
	return message{
		status: http.StatusForbidden,
		Title:  "This link was opened in another browser",
		Text: []string{
			"Who opens a link has to be the one who consents, so only the first browser goes on. Nothing was connected.",
			"If that was you, go on there, or get a new link: tokenkeeper account reauthorize, followed by the account. " +
				"If it was not, somebody else has this link: a new one makes it void.",
		},
	}
}

func linkNeeded(account credential.AccountID) message {
	return message{
		status: http.StatusForbidden,
		Title:  "This needs a link",
		Text: []string{
			"Here accounts are connected by a link that is good once.",
			"The operator gets one with: tokenkeeper account connect " + account.String(),
		},
	}
}
