package activities

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"go.temporal.io/sdk/temporal"

	"tokenkeeper/credential"
)

// Call is one request to a JSON API on behalf of an account, for providers without a Go client worth having. The token is
// injected below it, refreshed when it died, and the request made again.
type Call struct {
	Account credential.AccountID
	Method  string
	Path    string // relative to the connector's endpoints.api, without a leading slash
	Query   url.Values
	Header  http.Header
	Body    any // becomes JSON; nil sends none
}

// StatusError is an answer that is no 2xx.
type StatusError struct {
	Status     int
	RetryAfter time.Duration // 0 when the provider did not say
	// Said is the beginning of the body, in one line.
	Said string
}

func (e *StatusError) Error() string {
	return strings.TrimSuffix(fmt.Sprintf("%d %s: %s", e.Status, http.StatusText(e.Status), e.Said), ": ")
}

const (
	// maxCallAnswer bounds the body of an answer, in bytes.
	maxCallAnswer = 8 << 20
	// maxSaid bounds, in bytes, how much of an error's body goes into a history.
	maxSaid = 200
)

// Do makes the request and decodes the answer into out; nil discards it. Sort its errors with [CallError].
// Errors: [*StatusError], and those of [http.Client.Do].
func (c Call) Do(ctx context.Context, apis APIs, out any) error {
	api, err := apis.API(c.Account)
	if err != nil {
		return notConfigured(err)
	}
	request, err := c.request(ctx, api.Base)
	if err != nil {
		return rejected("%s %s: %v", c.Method, c.Path, err)
	}
	response, err := api.HTTP.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	body, err := io.ReadAll(io.LimitReader(response.Body, maxCallAnswer))
	switch {
	case response.StatusCode/100 != 2:
		return statusError(response, body)
	case err != nil:
		return &url.Error{Op: c.Method, URL: c.Path, Err: err}
	case out == nil:
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("%s %s: the answer is no JSON of the expected shape: %w", c.Method, c.Path, err)
	}
	return nil
}

func (c Call) request(ctx context.Context, base *url.URL) (*http.Request, error) {
	target := base.JoinPath(c.Path)
	target.RawQuery = c.Query.Encode()
	var body io.Reader
	if c.Body != nil {
		encoded, err := json.Marshal(c.Body)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(encoded)
	}
	request, err := http.NewRequestWithContext(ctx, c.Method, target.String(), body)
	if err != nil {
		return nil, err
	}
	if c.Header != nil {
		request.Header = c.Header.Clone()
	}
	if c.Body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("User-Agent", "tokenkeeper")
	return request, nil
}

func statusError(response *http.Response, body []byte) *StatusError {
	e := &StatusError{Status: response.StatusCode, Said: strings.Join(strings.Fields(string(body)), " ")}
	if len(e.Said) > maxSaid {
		e.Said = strings.ToValidUTF8(e.Said[:maxSaid], "") + "…"
	}
	if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.RetryAfter = time.Duration(min(seconds, int(maxLimitWait/time.Second))) * time.Second
	}
	return e
}

// CallError turns an error of [Call.Do] into one for Temporal, by the status alone (RFC 9110 §15, RFC 6585 §4).
// Errors: [ErrTypeAccountUnavailable], [ErrTypeRateLimited], [ErrTypeProviderUnavailable], [ErrTypeRejected],
// [ErrTypeNotConfigured].
func CallError(doing string, err error) error {
	if sorted, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return sorted
	}
	if down := unavailable(err); down != nil {
		return down
	}
	refused, ok := errors.AsType[*StatusError](err)
	switch {
	case !ok:
		return outage(doing, err)
	case refused.Status == http.StatusTooManyRequests:
		return rateLimited(doing, cmp.Or(refused.RetryAfter, time.Minute))
	case refused.Status == http.StatusUnauthorized:
		return refusedAnew(doing, refused.Error())
	case refused.Status >= http.StatusInternalServerError && refused.RetryAfter > 0:
		return again(ErrTypeProviderUnavailable, doing+": "+refused.Error(), refused.RetryAfter)
	case refused.Status >= http.StatusInternalServerError, refused.Status == http.StatusRequestTimeout, refused.Status == http.StatusConflict:
		return outage(doing, refused)
	}
	return rejected("%s: %v", doing, refused)
}
