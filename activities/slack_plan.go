package activities

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/slack-go/slack"

	"tokenkeeper/credential"
)

// freePlan is an HTTP client that notes is_limited in Slack's last answer: the workspace's plan hides older messages.
// slack-go leaves that field out.
type freePlan struct {
	http    *http.Client
	limited bool
}

// historyClient returns a client, like [Slack.client], and the freePlan that watches its answers.
func (s *Slack) historyClient(account credential.AccountID) (*slack.Client, *freePlan, error) {
	api, err := s.APIs.API(account)
	if err != nil {
		return nil, nil, notConfigured(err)
	}
	plan := &freePlan{http: api.HTTP}
	return slack.New("", slack.OptionHTTPClient(plan), slack.OptionAPIURL(api.Base.String())), plan, nil
}

// Do sends a request, for slack-go.
func (f *freePlan) Do(r *http.Request) (*http.Response, error) {
	answer, err := f.http.Do(r) //nolint:gosec // the request is slack-go's, to the API of the account's connector
	if err != nil {
		return answer, err
	}
	body, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return nil, err
	}
	var said struct {
		Limited bool `json:"is_limited"`
	}
	_ = json.Unmarshal(body, &said) // what is no answer, slack-go finds out
	f.limited = said.Limited
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}
