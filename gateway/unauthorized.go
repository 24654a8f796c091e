package gateway

import (
	"errors"
	"net/http"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/oauth"
)

// unauthorized is the page for a consent that brought no tokens, by the kind of failure: who has to act, and how.
func unauthorized(account credential.AccountID, conn activities.Connection, err error) message {
	m := message{status: http.StatusBadGateway, Account: account, Again: true}
	failure, ok := errors.AsType[*oauth.Error](err)
	if !ok {
		m.status = http.StatusInternalServerError
		m.Title = "The consent brought no tokens"
		m.Text = []string{"Something failed on our side. The log of the worker says what. Nothing was changed."}
		return m
	}
	m.Code = failure.Code
	name, connector := conn.Provider.Name, "connector “"+account.Connector+"” in tokenkeeper.yaml"
	switch failure.Kind {
	case credential.DeadGrant:
		m.Title = name + " no longer accepts this consent"
		m.Text = []string{"Its code was too old or used already. Nothing was changed. Begin again and do not stop on the way."}
	case credential.DeadClient:
		m.Title = name + " refuses the app"
		m.Text = []string{
			"You did everything right; consenting again does not help. Nothing was changed.",
			"The operator has to correct client id and client secret of " + connector + ". “tokenkeeper doctor” checks them.",
		}
	case credential.Throttled:
		m.status = http.StatusServiceUnavailable
		m.Title = name + " asks to wait"
		m.Text = []string{"There were too many requests. Nothing was changed. Begin again " + wait(failure) + "."}
	case credential.Transient, credential.Ambiguous:
		m.Title = name + " did not answer"
		m.Text = []string{"Your consent is with the provider, its tokens did not arrive. Nothing was changed here. Begin again " + wait(failure) + "."}
	case credential.Malformed:
		m.Title = name + " answered with something else"
		m.Text = []string{
			"What came back is no answer of an authorization server, so nothing of it was kept.",
			"The operator has to check the endpoints of " + connector + ".",
		}
	case credential.Misconfigured:
		m.Title = name + " refuses the request"
		m.Text = []string{
			"Consenting again does not help. Nothing was changed.",
			"The operator has to compare " + connector + " with the app's settings: redirect URL, scopes, endpoints.",
		}
	default:
		m.Title = "The consent brought no tokens"
		m.Text = []string{"Nothing was changed. The log of the worker says more."}
	}
	return m
}

func wait(failure *oauth.Error) string {
	if failure.RetryAfter <= 0 {
		return "in a minute"
	}
	return "in " + failure.RetryAfter.String()
}
