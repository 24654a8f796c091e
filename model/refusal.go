package model

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
)

// maxRefusal bounds what is read of a refusal, in bytes.
const maxRefusal = 64 << 10

// parts are what a question can do without, as OpenAI calls them.
var parts = []string{"max_completion_tokens", "response_format", "temperature"}

// inForm gives a refusal the form that OpenAI's have, so that what it is about is known: others say so in words alone, as
// Anthropic does ("temperature is deprecated for this model"), in a list, as Mistral does, or in an error that is a text.
// Nothing else of it is kept: a server may repeat the message there.
func inForm(response *http.Response) {
	if response.StatusCode < http.StatusBadRequest {
		return
	}
	said, _ := io.ReadAll(io.LimitReader(response.Body, maxRefusal)) // what came of it has to do
	_ = response.Body.Close()
	var form struct {
		Error struct {
			Param string `json:"param"`
		} `json:"error"`
	}
	if json.Unmarshal(said, &form) != nil || form.Error.Param == "" {
		form.Error.Param = ""
		if i := slices.IndexFunc(parts, func(part string) bool { return strings.Contains(string(said), part) }); i >= 0 {
			form.Error.Param = parts[i]
		}
	}
	body, err := json.Marshal(form)
	if err != nil { // a text always can be
		body = nil
	}
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	response.Header.Set("Content-Type", "application/json")
}
