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

// freePlan notes whether Slack's last answer says that the workspace's plan hides older messages: is_limited, which slack-go
// leaves out.
type freePlan struct {
	limited bool
}

// historyClient is [Slack.client] with an eye on the plan.
func (s *Slack) historyClient(account credential.AccountID) (*slack.Client, *freePlan, error) {
	plan := &freePlan{}
	client, err := s.clientSeeing(account, plan.see)
	return client, plan, err
}

func (f *freePlan) see(answer []byte) {
	var said struct {
		Limited bool `json:"is_limited"`
	}
	_ = json.Unmarshal(answer, &said) // what is no answer, slack-go finds out
	f.limited = said.Limited
}

// clientSeeing is [Slack.client] for who needs more of an answer than slack-go reads.
func (s *Slack) clientSeeing(account credential.AccountID, see func(answer []byte)) (*slack.Client, error) {
	api, err := s.APIs.API(account)
	if err != nil {
		return nil, notConfigured(err)
	}
	return slack.New("", slack.OptionHTTPClient(seeing{api.HTTP, see}), slack.OptionAPIURL(api.Base.String())), nil
}

// seeing is an HTTP client that shows the body of each answer before it returns it.
type seeing struct {
	http *http.Client
	see  func(answer []byte)
}

// Do sends a request, for slack-go.
func (s seeing) Do(r *http.Request) (*http.Response, error) {
	answer, err := s.http.Do(r) //nolint:gosec // the request is slack-go's, to the API of the account's connector
	if err != nil {
		return answer, err
	}
	body, err := io.ReadAll(answer.Body)
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return nil, err
	}
	s.see(body)
	answer.Body = io.NopCloser(bytes.NewReader(body))
	return answer, nil
}
