package model

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/openai/openai-go/v3"
)

// dialect is what a server does not take of a question, which it says by refusing it: a model that reasons wants no
// temperature, an older server has another name for the bound of the answer, and some know no schemas. It is learned once for
// each process. Safe for concurrent use.
type dialect struct {
	noTemperature atomic.Bool
	noSchema      atomic.Bool // the instructions ask for the same form
	oldMaxTokens  atomic.Bool
}

// learn reports whether a refusal is about a part that was not known to be refused, so that it is worth to ask without it.
func (d *dialect) learn(err error) bool {
	refused, ok := errors.AsType[*openai.Error](err)
	if !ok || refused.StatusCode != http.StatusBadRequest && refused.StatusCode != http.StatusUnprocessableEntity {
		return false
	}
	part, _, _ := strings.Cut(refused.Param, ".") // response_format.json_schema
	switch part {
	case "temperature":
		return !d.noTemperature.Swap(true)
	case "response_format":
		return !d.noSchema.Swap(true)
	case "max_completion_tokens":
		return !d.oldMaxTokens.Swap(true)
	}
	return false
}

// learnBound notes that a server did not obey the bound of an answer, in tokens: Ollama knows its older name and passes over the
// newer one without a word (github.com/ollama/ollama/issues/7125).
func (d *dialect) learnBound(spent, bound int) {
	if spent > bound {
		d.oldMaxTokens.Store(true)
	}
}

// spoken returns a question as the server takes it.
func (d *dialect) spoken(q openai.ChatCompletionNewParams) openai.ChatCompletionNewParams {
	if d.noTemperature.Load() {
		q.Temperature = openai.ChatCompletionNewParams{}.Temperature
	}
	if d.noSchema.Load() {
		q.ResponseFormat = openai.ChatCompletionNewParamsResponseFormatUnion{}
	}
	if d.oldMaxTokens.Load() {
		q.MaxTokens, q.MaxCompletionTokens = q.MaxCompletionTokens, openai.ChatCompletionNewParams{}.MaxCompletionTokens
	}
	return q
}
