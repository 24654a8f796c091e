package demo

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"

	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
)

// connect starts the Workflow that owns an account and has a person consent.
func (w *world) connect(ctx context.Context, account credential.AccountID) error {
	if err := w.app.Workflows.Connect(ctx, account); err != nil {
		return err
	}
	if err := w.consent(ctx, account); err != nil {
		return err
	}
	status, err := w.awaitStatus(ctx, account, credential.Active)
	if err != nil {
		return err
	}
	w.narrator.sayf("account %s is %s as %s", account, status.Status, status.Display)
	return nil
}

// consent walks the account's page as a browser does: it opens the link, presses the button, answers the provider's
// consent page, and follows the redirect back.
func (w *world) consent(ctx context.Context, account credential.AccountID) error {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return err
	}
	browser := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	page := w.app.ConnectURL(account)
	w.narrator.sayf("somebody opens %s and consents", page)
	if _, err := visit(ctx, browser, http.MethodGet, page, http.StatusOK); err != nil {
		return err
	}
	authorize, err := visit(ctx, browser, http.MethodPost, page, http.StatusSeeOther)
	if err != nil {
		return err
	}
	callback, err := sandbox.Decide(ctx, browser, authorize, "", sandbox.Allow)
	if err != nil {
		return err
	}
	_, err = visit(ctx, browser, http.MethodGet, callback, http.StatusOK)
	return err
}

// visit makes one request and returns where it leads. Query strings hold codes and states, so errors name no URL.
func visit(ctx context.Context, browser *http.Client, method, url string, want int) (location string, err error) {
	request, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return "", fmt.Errorf("%s: the address is no URL", method)
	}
	response, err := browser.Do(request)
	if err != nil {
		return "", fmt.Errorf("%s %s: no answer", method, request.URL.Path)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body) // the status says all
	if response.StatusCode != want {
		return "", fmt.Errorf("%s %s: HTTP %d, want %d", method, request.URL.Path, response.StatusCode, want)
	}
	return response.Header.Get("Location"), nil
}
