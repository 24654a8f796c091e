package connector

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"tokenkeeper/vault"
)

// maxReplayBody bounds what is kept of a request body that its caller cannot rewind.
const maxReplayBody = 10 << 20

// call is one request that can be sent more than once.
type call struct {
	req  *http.Request
	body func() (io.ReadCloser, error) // nil: no body
	once bool                          // body too large to keep, so it can be sent once only
	size int64
}

func newCall(req *http.Request) (*call, error) {
	c := &call{req: req, size: req.ContentLength}
	switch {
	case req.Body == nil || req.Body == http.NoBody:
	case isForm(req):
		if err := c.keepForm(req.Body); err != nil {
			return nil, err
		}
	case req.GetBody != nil:
		c.body = req.GetBody
	default:
		if err := c.keep(req.Body); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func isForm(req *http.Request) bool {
	return strings.HasPrefix(req.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

// keep buffers a body that cannot be rewound.
func (c *call) keep(body io.Reader) error {
	kept, err := io.ReadAll(io.LimitReader(body, maxReplayBody+1))
	if err != nil {
		return fmt.Errorf("reading the request body: %w", err)
	}
	if len(kept) > maxReplayBody {
		c.once = true
		c.body = func() (io.ReadCloser, error) { return io.NopCloser(io.MultiReader(bytes.NewReader(kept), body)), nil }
		return nil
	}
	c.bytes(kept)
	return nil
}

// keepForm buffers a form without the empty "token" that client libraries made for bearer tokens in the body (slack-go)
// send when they are given none: the header carries ours.
func (c *call) keepForm(body io.Reader) error {
	if err := c.keep(body); err != nil || c.once {
		return err
	}
	reader, err := c.body()
	if err != nil {
		return err
	}
	raw, err := io.ReadAll(reader)
	if err != nil {
		return err
	}
	form, err := url.ParseQuery(string(raw))
	if err != nil || !form.Has("token") || form.Get("token") != "" {
		return nil //nolint:nilerr // what is no form after all goes out as it came
	}
	form.Del("token")
	c.bytes([]byte(form.Encode()))
	return nil
}

func (c *call) bytes(b []byte) {
	c.size = int64(len(b))
	c.body = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil }
}

func (c *call) replayable() bool { return !c.once }

// with returns a copy of the request that carries the token (RFC 6750 §2.1).
func (c *call) with(ctx context.Context, token vault.Access) (*http.Request, error) {
	req := c.req.Clone(ctx)
	req.GetBody, req.Body, req.ContentLength = nil, nil, 0
	if c.body != nil {
		body, err := c.body()
		if err != nil {
			return nil, fmt.Errorf("rewinding the request body: %w", err)
		}
		req.Body, req.ContentLength = body, c.size
	}
	req.Header.Set("Authorization", "Bearer "+token.Token.Reveal())
	return req, nil
}
