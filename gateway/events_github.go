package gateway

import (
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-github/v62/github"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// gitHubKeep is for how long a webhook is known again. GitHub signs no time, so that whoever has one could send it for ever;
// all that an old one does is to have an account look at its token.
const gitHubKeep = 30 * 24 * time.Hour

func gitHubDialect() dialect {
	return dialect{source: GitHubEvents, signature: github.SHA256SignatureHeader, read: readGitHubEvent}
}

// gitHubEvent is what is of interest in the webhooks of a GitHub App (docs.github.com/webhooks/webhook-events-and-payloads).
type gitHubEvent struct {
	Action       string               `json:"action"`
	Sender       *github.User         `json:"sender"`
	Installation *github.Installation `json:"installation"`
	Issue        *github.Issue        `json:"issue"`
}

// readGitHubEvent takes SHA-256 alone: the library would also take the SHA-1 that GitHub sends along for old receivers.
func readGitHubEvent(header http.Header, body []byte, secret credential.Secret) (news, error) {
	signature := header.Get(github.SHA256SignatureHeader)
	if !strings.HasPrefix(signature, "sha256=") || github.ValidateSignature(signature, body, []byte(secret.Reveal())) != nil {
		return news{}, errSignature
	}
	if kind, _, err := mime.ParseMediaType(header.Get("Content-Type")); err != nil || kind != "application/json" {
		return news{}, errors.New("set the content type of the webhook to application/json")
	}
	var e gitHubEvent
	if json.Unmarshal(body, &e) != nil {
		return news{}, errors.New("it is not GitHub's JSON")
	}
	return e.news(header.Get(github.EventTypeHeader), body), nil
}

// news knows an event by its body: neither the delivery's id nor the event's name is signed.
func (e gitHubEvent) news(name string, body []byte) news {
	n := news{name: clip(name+"."+e.Action, 64), key: string(body), keep: gitHubKeep}
	switch {
	case name == "issues" && slices.Contains([]string{"closed", "reopened"}, e.Action):
		n.turned, _ = triage.FindMarker(e.Issue.GetBody()) // the zero key where it is no issue of ours
	case name == "github_app_authorization" && e.Action == "revoked" && e.Sender.GetID() != 0:
		n.ended = exactly(credential.Subject(strconv.FormatInt(e.Sender.GetID(), 10)))
	case name == "installation" && slices.Contains([]string{"deleted", "suspend"}, e.Action) && e.Installation.GetID() != 0:
		n.ended = exactly(credential.Subject("installation/" + strconv.FormatInt(e.Installation.GetID(), 10)))
	}
	return n
}

func exactly(subject credential.Subject) func(credential.Subject) bool {
	return func(s credential.Subject) bool { return s == subject }
}
