package oauth

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"tokenkeeper/credential"
)

const (
	// maxBody is far above any token answer; a longer body is somebody else's page.
	maxBody = 1 << 20
	// maxWait bounds Retry-After: an account that sleeps for a year on one header is lost.
	maxWait = 24 * time.Hour
)

// reply is an answer that arrived completely.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (r reply) succeeded() bool { return r.status >= 200 && r.status <= 299 }

// send makes one request, once. Nothing that follows redirects, keeps cookies or repeats requests stands between this and
// the transport.
func (c *Client) send(ctx context.Context, op string, request *http.Request) (reply, *Error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return reply{}, c.lost(op, false, err)
	}
	var wrote, connecting atomic.Bool
	request = request.WithContext(httptrace.WithClientTrace(ctx, watch(&wrote, &connecting)))
	request.Header.Set("Accept", "application/json") // GitHub answers in form encoding without it
	request.Header.Set("User-Agent", "tokenkeeper")  // GitHub's API refuses requests that have none
	request.GetBody = nil                            // no body, no second time
	response, err := c.transport.RoundTrip(request)
	if err != nil {
		// A transport that reports nothing may have sent everything.
		sent := wrote.Load() || (!c.traced && !connecting.Load())
		return reply{}, c.lost(op, sent, contextual(ctx, err))
	}
	defer func() { _ = response.Body.Close() }() // read as far as it matters
	return c.receive(ctx, op, response)
}

// watch records whether a connection was asked for, and whether a request's headers were written to one. The body,
// which holds the tokens, comes after the headers.
func watch(wrote, connecting *atomic.Bool) *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn:      func(string) { connecting.Store(true) },
		WroteHeaders: func() { wrote.Store(true) },
		WroteRequest: func(info httptrace.WroteRequestInfo) {
			if info.Err == nil {
				wrote.Store(true)
			}
		},
	}
}

func (c *Client) receive(ctx context.Context, op string, response *http.Response) (reply, *Error) {
	r := reply{status: response.StatusCode, header: response.Header}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return reply{}, c.cutOff(ctx, op, r, err)
	}
	if len(body) > maxBody {
		failure := c.failure(op, r, "")
		failure.reason = "the answer is longer than 1 MiB; check the endpoints of the connector"
		return reply{}, failure
	}
	r.body = body
	return r, nil
}

// cutOff is the failure of a request whose answer broke off. If the status is a refusal, it still counts; if it is a
// success, the tokens are lost.
func (c *Client) cutOff(ctx context.Context, op string, r reply, err error) *Error {
	failure := c.failure(op, r, "")
	if r.succeeded() {
		failure.Kind = credential.Ambiguous
	}
	failure.reason = "the answer broke off"
	failure.cause = contextOnly(contextual(ctx, err))
	return failure
}

// lost is the failure of a request without an answer.
func (c *Client) lost(op string, sent bool, err error) *Error {
	failure := &Error{
		Kind:      credential.Transient,
		Provider:  c.provider.ID,
		Operation: op,
		Sent:      sent,
		reason:    describe(err, sent),
		cause:     contextOnly(err),
	}
	if sent {
		failure.Kind = credential.Ambiguous
	}
	return failure
}

// failure classifies an answer that is not a success.
func (c *Client) failure(op string, r reply, code string, sent ...credential.Secret) *Error {
	kind, known := c.provider.Errors.Kind(code, r.status)
	if !known {
		code = shownCode(code, append(sent, c.registration.ClientSecret))
	}
	failure := &Error{
		Kind:       kind,
		Provider:   c.provider.ID,
		Operation:  op,
		Code:       code,
		Status:     r.status,
		RetryAfter: retryAfter(r.header, c.now()),
		Sent:       true,
	}
	if r.status >= 300 && r.status <= 399 {
		failure.reason = "the endpoint redirects, and redirects are never followed; set the endpoint to its final URL"
	}
	return failure
}

// misuse is the failure of a call that lacks what it would have to send.
func (c *Client) misuse(op, reason string) *Error {
	return &Error{Kind: credential.Misconfigured, Provider: c.provider.ID, Operation: op, reason: reason}
}

// retryAfter reads the header in seconds or as a date (RFC 9110 §10.2.3).
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if value == "" {
		return 0
	}
	wait := time.Duration(0)
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		wait = seconds2duration(seconds)
	} else if date, err := http.ParseTime(value); err == nil {
		wait = date.Sub(now)
	}
	return min(max(wait, 0), maxWait)
}

// contextual returns the context's error where the context is what ended the call.
func contextual(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func contextOnly(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return context.DeadlineExceeded
	}
	return nil
}

// describe chooses from texts of our own, because the errors of net/http hold addresses and URLs.
func describe(err error, sent bool) string {
	switch {
	case errors.Is(err, context.Canceled):
		return "canceled by the caller"
	case isTimeout(err) && sent:
		return "no answer within the time limit"
	case isTimeout(err):
		return "could not connect within the time limit"
	case sent:
		return "the connection was lost before the answer"
	case isType[*net.DNSError](err):
		return "the host name was not found; check the endpoints of the connector"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case isType[*tls.CertificateVerificationError](err):
		return "the server's certificate is not trusted; check the endpoints of the connector and the system's certificates"
	}
	return "the request could not be sent"
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || (errors.As(err, &timeout) && timeout.Timeout())
}

func isType[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
