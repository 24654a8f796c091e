package sandbox

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// Decision is what a person answers on a consent page.
type Decision string

// The two buttons.
const (
	Allow Decision = "allow"
	Deny  Decision = "deny"
)

var consentRequest = regexp.MustCompile(`name="request" value="([A-Z0-9]+)"`)

// Decide walks the consent page behind an authorize URL as a browser would: it opens the page, presses a button, and
// returns where the browser is sent then, without going there. The subject is whom to consent as; "" is the first of
// the page. A nil client means one without cookies.
func Decide(ctx context.Context, client *http.Client, authorizeURL, subject string, decision Decision) (redirect string, err error) {
	page, err := fetch(ctx, client, authorizeURL, nil)
	if err != nil {
		return "", fmt.Errorf("opening the consent page: %w", err)
	}
	request := consentRequest.FindStringSubmatch(page.body)
	if request == nil {
		return "", fmt.Errorf("opening the consent page: HTTP %d, and no form in it", page.status)
	}
	target, _, _ := strings.Cut(authorizeURL, "?")
	form := url.Values{"request": {request[1]}, "subject": {subject}, "decision": {string(decision)}}
	answered, err := fetch(ctx, client, target, form)
	if err != nil {
		return "", fmt.Errorf("answering the consent page: %w", err)
	}
	if answered.location == "" {
		return "", fmt.Errorf("answering the consent page: HTTP %d, and no redirect", answered.status)
	}
	return answered.location, nil
}

type fetched struct {
	status         int
	body, location string
}

// fetch gets a page, or posts a form to it, and stays where it is.
func fetch(ctx context.Context, client *http.Client, target string, form url.Values) (fetched, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if form != nil {
		request, err = http.NewRequestWithContext(ctx, http.MethodPost, target, strings.NewReader(form.Encode()))
	}
	if err != nil {
		return fetched{}, err
	}
	if form != nil {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	response, err := staying(client).Do(request)
	if err != nil {
		return fetched{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	return fetched{response.StatusCode, string(body), response.Header.Get("Location")}, err
}

// staying returns a copy of the client that follows no redirect.
func staying(client *http.Client) *http.Client {
	copied := http.Client{}
	if client != nil {
		copied = *client
	}
	copied.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &copied
}
