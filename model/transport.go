package model

import (
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
)

// bounded is a transport whose answers end after maxAnswer bytes, whose refusals have one form, and whose failures can be told
// from bad answers.
type bounded struct{ next http.RoundTripper }

// unreachableError is a failure to get any answer.
type unreachableError struct {
	cause error
	sent  bool // whether the question went out before
}

func (e *unreachableError) Error() string { return e.cause.Error() }
func (e *unreachableError) Unwrap() error { return e.cause }

// RoundTrip implements [http.RoundTripper].
func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	var sent atomic.Bool // the transport may write while it has given up waiting
	trace := &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }}
	response, err := b.next.RoundTrip(request.WithContext(httptrace.WithClientTrace(request.Context(), trace)))
	if err != nil {
		return nil, &unreachableError{cause: err, sent: sent.Load()}
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, maxAnswer), response.Body}
	inForm(response)
	return response, nil
}
