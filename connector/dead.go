package connector

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"net/http"
)

// peekSize is more than any error body of a Web API that signals errors inside HTTP 200, and far less than a page of
// messages: a body that does not end within it is no error.
const peekSize = 8 << 10

// saysDead reports whether the answer says that the access token is dead. The body stays readable.
func (t *Transport) saysDead(resp *http.Response) bool {
	dead := t.Provider.API.DeadToken
	code := ""
	if len(dead.Codes) > 0 && resp.StatusCode == http.StatusOK && isJSON(resp) {
		code = peekError(resp)
	}
	return dead.Matches(resp.StatusCode, code)
}

func isJSON(resp *http.Response) bool {
	kind, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return err == nil && kind == "application/json"
}

// peekError returns the error code of a short {"ok":false,"error":…} body, or "". If reading the body fails, whoever
// reads it next gets the same error.
func peekError(resp *http.Response) string {
	head, err := io.ReadAll(io.LimitReader(resp.Body, peekSize+1))
	resp.Body = &peeked{Reader: io.MultiReader(bytes.NewReader(head), resp.Body), Closer: resp.Body}
	var answer struct {
		OK    *bool  `json:"ok"`
		Error string `json:"error"`
	}
	if err != nil || len(head) > peekSize || json.Unmarshal(head, &answer) != nil || answer.OK == nil || *answer.OK {
		return ""
	}
	return answer.Error
}

// peeked is a body whose beginning was read and put back.
type peeked struct {
	io.Reader
	io.Closer
}
