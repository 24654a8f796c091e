package gateway

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"go.temporal.io/sdk/temporal"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// taken is the page of an account that took the tokens.
func taken(a vault.Authorization, status credential.AccountStatus, missing []string) message {
	m := message{status: http.StatusOK, Account: a.Account, Reason: status.Reason}
	if !working(status) {
		m.Title = fmt.Sprintf("Account %s has your consent", a.Account)
		m.Text = []string{
			"It is taking it up and says: " + describe(status.Status) + ".",
			"The account's page shows how it goes on; reload it in a few seconds.",
		}
		return m
	}
	m.Good = true
	m.Title = fmt.Sprintf("Account %s is %s", a.Account, status.Status)
	m.Text = []string{
		"Connected as " + cleanName(holder(a.Display, a.Subject)) + ".",
		"What waited for this account goes on by itself. You can close this page.",
	}
	if len(missing) > 0 {
		m.Text = append(m.Text, "Not granted, although asked for: "+cleanName(strings.Join(missing, ", "))+". Calls that need it will fail.")
	}
	return m
}

// rejected is the page of tokens that the account must not have: another subject's, or with fewer scopes. What differs is
// said in full, because the person before it may be the right one with the wrong sign-in.
func rejected(account credential.AccountID, refusal *temporal.ApplicationError) message {
	m := message{
		status:  http.StatusConflict,
		Title:   "This consent does not fit the account",
		Account: account,
		Reason:  refusal.Message(),
		Again:   true,
	}
	q, kept := activities.QuarantineOf(refusal)
	if !kept {
		m.Text = []string{"The account keeps what it had. Sign in at the provider as the right one, then try again."}
		return m
	}
	m.Differences = q.Differences()
	m.Text = []string{
		"The account keeps what it had. The new tokens are in quarantine: sealed, used by nobody, and destroyed on " + formatTime(q.Until) + ".",
		"Sign in at the provider as the right one, with all scopes, then try again.",
	}
	if !q.Owner.IsZero() { // no operator can have one grant owned twice
		return m
	}
	m.Text = append(m.Text, "If this consent is meant to replace the one before, the operator has the account take it with:")
	m.Command = "tokenkeeper account accept " + account.String() + " --subject " + quoted(string(q.Got.Subject))
	return m
}

// quoted makes one word of a text for a POSIX shell.
func quoted(text string) string {
	if plainWord.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(clean(text), "'", `'\''`) + "'"
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@+-]+$`)

// kept is the page of tokens that wait for an account that did not answer, or answered with trouble of its own.
func kept(a vault.Authorization, answered bool) message {
	trouble := "Temporal or the worker does not answer."
	if answered {
		trouble = "The account cannot take it just now. The log of the worker says why."
	}
	return message{
		status:  http.StatusGatewayTimeout,
		Title:   "Your consent is kept, and the account has not taken it yet",
		Account: a.Account,
		Text:    []string{trouble + " " + waits(a), "The account's page shows when it has."},
	}
}

// unidentified is the page of tokens that wait until the provider says whose they are: the account must not have another's.
func unidentified(a vault.Authorization) message {
	return message{
		status:  http.StatusGatewayTimeout,
		Title:   "Your consent is kept, and nobody knows yet whose it is",
		Account: a.Account,
		Text: []string{
			"The provider agreed, and then did not say who consented, so that the account does not take it yet. It is asked again. " + waits(a),
			"The account's page shows when it has.",
		},
	}
}

// waits says until when: after the end of its access token nobody can ask whose a consent is.
func waits(a vault.Authorization) string {
	until := a.ExpiresAt
	if ends := a.Tokens.ExpiresAt; a.Subject == "" && !ends.IsZero() && ends.Before(until) {
		until = ends
	}
	return "Neither you nor anybody else has to do anything: what you consented to waits in the vault until " + formatTime(until) +
		", and the account takes it by itself as soon as that is possible."
}

// notKept is the page of tokens that could not be sealed and are lost.
func notKept(account credential.AccountID) message {
	return message{
		status:  http.StatusInternalServerError,
		Title:   "Your consent could not be kept",
		Account: account,
		Text: []string{
			"The provider agreed, and then tokenkeeper could not write to its vault. The log of the worker says why.",
			"The operator finds the fix with: tokenkeeper doctor. After that, begin again.",
		},
		Again: true,
	}
}

// working reports whether the account serves calls with the tokens it took.
func working(status credential.AccountStatus) bool {
	return status.Status == credential.Active || status.Status == credential.Degraded
}
