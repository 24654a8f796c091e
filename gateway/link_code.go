package gateway

import (
	"errors"
	"fmt"
	"net/http"

	"tokenkeeper/vault"
)

func isWrongCode(err error) bool {
	_, ok := errors.AsType[*vault.WrongCodeError](err)
	return ok
}

// wrongCode is the page for a code that is not the link's. It does not say how near it was.
func wrongCode(err error) message {
	m := message{
		status: http.StatusForbidden,
		Title:  "This is not the code of the link",
		Text: []string{
			"The code stands beside the link in the terminal of whoever made it, who tells it to you by another way than the link. " +
				"If nobody told you one, somebody may want you to connect your account to theirs: do not go on. Nothing was connected.",
		},
	}
	if wrong, _ := errors.AsType[*vault.WrongCodeError](err); wrong.Left > 0 {
		m.Text = append(m.Text, fmt.Sprintf("Go back and try again. Attempts left: %d.", wrong.Left))
		return m
	}
	m.Text = append(m.Text, "That was the last attempt, and the link is void now. "+
		"A new one comes from: tokenkeeper account reauthorize, followed by the account.")
	return m
}
