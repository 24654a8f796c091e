package activities

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"tokenkeeper/credential"
)

// Webhook is a target that takes an HTTP POST, signed after the Standard Webhooks specification
// (https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md).
type Webhook struct {
	Name string
	// URL may hold a secret, as those of many receivers do.
	URL credential.Secret
	// Secret signs: whsec_ and base64.
	Secret credential.Secret
	// HTTP must follow no redirect and have a timeout.
	HTTP *http.Client
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// webhookBody is what the specification recommends: what happened, when, and the rest.
type webhookBody struct {
	Type      string    `json:"type"`
	Timestamp time.Time `json:"timestamp"`
	Data      Letter    `json:"data"`
}

// Send implements [Target]. The header webhook-id is the same for every attempt, so that a receiver tells a second one.
// Errors: [ErrTypeRejected] for 410 Gone, [ErrTypeRateLimited], [ErrTypeProviderUnavailable].
func (w *Webhook) Send(ctx context.Context, l Letter) error {
	defer beat(ctx)()
	doing := "sending notice " + l.ID + " to webhook " + w.Name
	request, err := w.request(ctx, l)
	if err != nil {
		return rejected("%s: %v", doing, err)
	}
	response, err := w.HTTP.Do(request)
	if err != nil {
		return outage(doing, fmt.Errorf("%w; see url of notices.targets.%s", withoutURL(err), w.Name))
	}
	defer func() { _ = response.Body.Close() }() // it was only read
	_, _ = io.CopyN(io.Discard, response.Body, maxSaid)
	wait, _ := strconv.Atoi(response.Header.Get("Retry-After"))
	asked := min(time.Duration(max(wait, 0))*time.Second, maxLimitWait)
	switch {
	case response.StatusCode/100 == 2:
		return nil
	case response.StatusCode == http.StatusGone:
		return rejected("%s: it answers 410 Gone, and wants no more; delete notices.targets.%s", doing, w.Name)
	case response.StatusCode == http.StatusTooManyRequests:
		return rateLimited(doing, max(asked, time.Minute))
	case asked > 0:
		return again(ErrTypeProviderUnavailable, fmt.Sprintf("%s: it answers %d", doing, response.StatusCode), asked)
	}
	return outage(doing, fmt.Errorf("it answers %d; see url and secret of notices.targets.%s", response.StatusCode, w.Name))
}

func (w *Webhook) request(ctx context.Context, l Letter) (*http.Request, error) {
	body, err := json.Marshal(webhookBody{Type: l.Type, Timestamp: l.At, Data: l})
	if err != nil {
		return nil, err
	}
	now := time.Now()
	if w.Now != nil {
		now = w.Now()
	}
	signer, err := standardwebhooks.NewWebhook(w.Secret.Reveal())
	if err != nil {
		return nil, errors.New("its secret is no base64")
	}
	signature, err := signer.Sign(l.ID, now, body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL.Reveal(), bytes.NewReader(body))
	if err != nil {
		return nil, errors.New("its URL is none")
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "tokenkeeper")
	request.Header.Set(standardwebhooks.HeaderWebhookID, l.ID)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return request, nil
}

// withoutURL returns what went wrong without the URL, which may hold a secret.
func withoutURL(err error) error {
	if failed, ok := errors.AsType[*url.Error](err); ok {
		return failed.Err
	}
	return err
}
