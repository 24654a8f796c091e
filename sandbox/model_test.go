package sandbox_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
)

const told = `The checkout shows error 500.
1. Fill the cart
2. Pay
Expected: a receipt
Firefox 128, high`

func reportSchema(required ...string) map[string]any {
	text := map[string]any{"type": "string"}
	return map[string]any{"type": "object", "additionalProperties": false, "required": required, "properties": map[string]any{
		"is_bug": map[string]any{"type": "boolean"}, "confidence": map[string]any{"type": "number"}, "title": text, "expected": text,
		"severity": map[string]any{"type": "string", "enum": []string{"high", "low", "unknown"}},
		"steps":    map[string]any{"type": "array", "items": text}, "environment": map[string]any{"type": "array", "items": text},
	}}
}

func everyKey() map[string]any {
	return reportSchema("is_bug", "confidence", "title", "expected", "severity", "steps", "environment")
}

// asks has OpenAI's own client ask about a text.
func (w *world) asks(text, key string, schema map[string]any) (*openai.ChatCompletion, error) {
	w.t.Helper()
	question, err := json.Marshal(map[string]string{"message": text})
	require.NoError(w.t, err)
	client := openai.NewClient(option.WithBaseURL(w.url+"/model/v1"), option.WithAPIKey(key), option.WithMaxRetries(0))
	return client.Chat.Completions.New(w.t.Context(), openai.ChatCompletionNewParams{
		Model: "toy", Messages: []openai.ChatCompletionMessageParamUnion{openai.SystemMessage("Read."), openai.UserMessage(string(question))},
		ResponseFormat: openai.ChatCompletionNewParamsResponseFormatUnion{OfJSONSchema: &openai.ResponseFormatJSONSchemaParam{
			JSONSchema: openai.ResponseFormatJSONSchemaJSONSchemaParam{Name: "message", Strict: openai.Bool(true), Schema: schema},
		}},
	})
}

func TestTheModelAnswersByTheSchema(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	key := w.App(sandbox.Model).ClientSecret

	said, err := w.asks(told, key, everyKey())

	require.NoError(t, err)
	assert.JSONEq(t, `{"is_bug":true,"confidence":0.9,"title":"The checkout shows error 500","expected":"a receipt","severity":"high",
		"steps":["Fill the cart","Pay"],"environment":["Firefox 128"]}`, said.Choices[0].Message.Content)
	assert.Equal(t, "stop", said.Choices[0].FinishReason)
	assert.EqualValues(t, w.Books().ModelTokens, said.Usage.TotalTokens)
	again, err := w.asks(told, key, everyKey())
	require.NoError(t, err)
	assert.Equal(t, said.Choices[0], again.Choices[0], "it has no moods of its own")
	other, err := w.asks("Lunch at noon? Not sure.", key, everyKey())
	require.NoError(t, err)
	assert.Contains(t, other.Choices[0].Message.Content, `"confidence":0.4,"environment":[],"expected":"","is_bug":false,"severity":"unknown"`)
	assert.Equal(t, 3, w.Books().Requests["model chat.completions"])
}

// refusal is the whole answer behind an error of the client.
func refusal(t *testing.T, err error) string {
	t.Helper()
	refused, ok := errors.AsType[*openai.Error](err)
	require.True(t, ok, "%v", err)
	return string(refused.DumpResponse(true))
}

func TestTheModelRefusesWhatARealOneWould(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	key := w.App(sandbox.Model).ClientSecret
	open := everyKey()
	open["additionalProperties"] = true
	for want, ask := range map[string]func() error{
		"invalid_api_key":                    func() error { _, err := w.asks(told, "wrong", everyKey()); return err },
		"'additionalProperties' is required": func() error { _, err := w.asks(told, key, open); return err },
		"'required' is required":             func() error { _, err := w.asks(told, key, reportSchema("title")); return err },
	} {
		assert.Contains(t, refusal(t, ask()), want)
	}
	assert.Zero(t, w.Books().ModelTokens)
	status, _ := w.bearer(http.MethodGet, "/model/v1/models", key)
	assert.Equal(t, http.StatusOK, status)
	status, _ = w.bearer(http.MethodGet, "/model/v1/assistants", key)
	assert.Equal(t, http.StatusNotFound, status)
	w.SetClientSecret(sandbox.Model, "another")
	_, err := w.asks(told, key, everyKey())
	assert.Error(t, err)
}

func TestTheModelIsToldToBeOfNoHelp(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	key := w.App(sandbox.Model).ClientSecret
	for code, check := range map[string]func(openai.ChatCompletionChoice){
		sandbox.AnswerNonsense: func(c openai.ChatCompletionChoice) { assert.Contains(t, c.Message.Content, "Sure!") },
		sandbox.AnswerForeign: func(c openai.ChatCompletionChoice) {
			assert.Contains(t, c.Message.Content, `"repository":"other/repo"`)
		},
		sandbox.AnswerRefusal:  func(c openai.ChatCompletionChoice) { assert.NotEmpty(t, c.Message.Refusal) },
		sandbox.AnswerObedient: func(c openai.ChatCompletionChoice) { assert.Contains(t, c.Message.Content, `"expected":"The checkout`) },
		sandbox.AnswerCut: func(c openai.ChatCompletionChoice) {
			assert.Equal(t, "length", c.FinishReason)
			assert.False(t, json.Valid([]byte(c.Message.Content)))
		},
	} {
		w.fault(sandbox.Fault{App: sandbox.Model, Kind: sandbox.FaultAnswer, Code: code})
		said, err := w.asks(told, key, everyKey())
		require.NoError(t, err, code)
		check(said.Choices[0])
	}
	assert.ErrorContains(t, w.Fault(sandbox.Fault{App: sandbox.Slack, Kind: sandbox.FaultAnswer, Code: sandbox.AnswerCut}), "set app to model")
	assert.ErrorContains(t, w.Fault(sandbox.Fault{App: sandbox.Model, Kind: sandbox.FaultAnswer, Code: "rude"}), "nonsense, foreign, cut, refusal, obedient")

	for status, want := range map[int]string{429: "rate_limit_exceeded", 500: "server_error", 502: "502"} {
		w.fault(sandbox.Fault{App: sandbox.Model, Kind: sandbox.FaultStatus, Status: status, RetryAfter: time.Second})
		_, err := w.asks(told, key, everyKey())
		text := refusal(t, err)
		assert.Contains(t, text, want)
		assert.Contains(t, text, "Retry-After: 1\r\n")
	}
	w.fault(sandbox.Fault{App: sandbox.Model, Kind: sandbox.FaultStatus, Status: 401})
	_, err := w.asks(told, key, everyKey())
	require.Error(t, err)
	assert.Zero(t, w.Books().AuthFailures, "its key is no token of an account")
}
