package model

import (
	"io"
	"net/http"
)

// bounded is a transport whose answers end after maxAnswer bytes, and whose failures can be told from bad answers.
type bounded struct{ next http.RoundTripper }

// unreachableError is a failure to get any answer.
type unreachableError struct{ cause error }

func (e *unreachableError) Error() string { return e.cause.Error() }
func (e *unreachableError) Unwrap() error { return e.cause }

// RoundTrip implements [http.RoundTripper].
func (b bounded) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := b.next.RoundTrip(request)
	if err != nil {
		return nil, &unreachableError{err}
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(response.Body, maxAnswer), response.Body}
	return response, nil
}
