package gateway

import (
	"net/http"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// Pages of callbacks that are not believed. Most people who see one did nothing wrong: they came back late, or twice.

func notOurs() message {
	return message{
		status: http.StatusBadRequest,
		Title:  "This is no answer to a request of ours",
		Text: []string{
			"Whatever led here did not begin on a page of tokenkeeper, so nothing was connected.",
			"Open the account's link and use the button on its page.",
		},
	}
}

func unknownLogin() message {
	return message{
		status: http.StatusBadRequest,
		Title:  "This answer was used already, or came too late",
		Text: []string{
			"Each way to a provider leads back once and within ten minutes. Nothing was connected this time.",
			"If you only reloaded the page after “is active”, all is well. Otherwise open the account's link again.",
		},
	}
}

func otherBrowser(account credential.AccountID) message {
	return message{
		status:  http.StatusForbidden,
		Title:   "This was begun in another browser",
		Account: account,
		Text: []string{
			"The browser that began has to be the one that comes back; otherwise somebody could have you connect your account " +
				"to theirs. Nothing was connected.",
			"If you began it yourself, begin again here, and allow this site to set cookies.",
		},
		Again: true,
	}
}

func wrongIssuer(account credential.AccountID, conn activities.Connection) message {
	return message{
		status:  http.StatusBadRequest,
		Title:   "Another server answered",
		Account: account,
		Text: []string{
			"The answer does not come from " + conn.Provider.Name + " as it is configured, so its code was sent nowhere and nothing was connected.",
			"Begin again. If this page comes back, have the operator compare the endpoints of connector “" + account.Connector +
				"” with the provider's documentation.",
		},
		Again: true,
	}
}

func noCode(account credential.AccountID, conn activities.Connection) message {
	return message{
		status:  http.StatusBadRequest,
		Title:   conn.Provider.Name + " sent no code",
		Account: account,
		Text: []string{
			"The answer says neither yes nor no. Nothing was connected.",
			"Begin again. If this page comes back, have the operator check the authorize endpoint of connector “" + account.Connector + "”.",
		},
		Again: true,
	}
}
