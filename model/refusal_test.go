package model

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
)

// What each server says of a part that it does not take, in the form that it has.
func TestARefusalIsUnderstoodInEachForm(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		says   string
		part   string
	}{
		"OpenAI": {http.StatusBadRequest, `{"error":{"message":"Unsupported value","type":"invalid_request_error","param":"temperature"}}`, "temperature"},
		// github.com/The-PR-Agent/pr-agent/issues/2456
		"Anthropic": {http.StatusBadRequest,
			`{"type":"error","error":{"type":"invalid_request_error","message":"temperature is deprecated for this model."}}`, "temperature"},
		// github.com/editor-code-assistant/eca/issues/315
		"Mistral": {http.StatusUnprocessableEntity, `{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","max_completion_tokens"],` +
			`"msg":"Extra inputs are not permitted"}]},"type":"invalid_request_error","param":null,"code":null}`, "max_completion_tokens"},
		// github.com/voideditor/void/issues/128
		"vLLM":   {http.StatusBadRequest, `{"object":"error","message":"[{'loc': ('body', 'response_format')}]","type":"BadRequestError","param":null,"code":400}`, "response_format"},
		"a text": {http.StatusBadRequest, `{"error":"unknown field: response_format"}`, "response_format"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(n int64, w http.ResponseWriter, r *http.Request) {
				var asked map[string]any
				assert.NoError(t, json.NewDecoder(r.Body).Decode(&asked))
				if _, there := asked[tt.part]; there {
					say(tt.status, tt.says)(n, w, r)
					return
				}
				say(http.StatusOK, completion(good, "stop", nil))(n, w, r)
			})
			_, err := client(s.URL).Understand(t.Context(), message, nil)
			require.NoError(t, err)
			assert.Equal(t, int64(2), s.requests.Load())
		})
	}
}

func TestARefusalAboutNothingKnownIsFinal(t *testing.T) {
	for _, says := range []string{`{"error":"` + private + `"}`, `{"message":"` + private + `"}`, private, ""} {
		s := serve(t, say(http.StatusBadRequest, says))
		_, err := client(s.URL).Understand(t.Context(), message, nil)
		require.ErrorContains(t, err, "answered with HTTP status 400")
		assert.NotContains(t, err.Error(), "private")
		assert.Equal(t, int64(1), s.requests.Load())
	}
}

// Ollama passes over max_completion_tokens without a word.
func TestAServerThatDoesNotObeyTheBoundIsToldItByItsOlderName(t *testing.T) {
	var asked map[string]any
	s := serve(t, func(n int64, w http.ResponseWriter, r *http.Request) {
		asked = nil
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&asked))
		var answer map[string]any
		assert.NoError(t, json.Unmarshal([]byte(completion(good, "stop", nil)), &answer))
		answer["usage"] = map[string]any{"prompt_tokens": 100, "completion_tokens": 701, "total_tokens": 801}
		body, err := json.Marshal(answer)
		assert.NoError(t, err)
		say(http.StatusOK, string(body))(n, w, r)
	})
	c := client(s.URL)
	for _, name := range []string{"max_completion_tokens", "max_tokens"} {
		_, err := c.Understand(t.Context(), message, nil)
		require.NoError(t, err)
		assert.Contains(t, asked, name)
	}
	assert.NotContains(t, asked, "max_completion_tokens")
}

func TestAnthropicListsItsModelsForAKeyInItsOwnHeader(t *testing.T) {
	at := func(base string) *Client {
		return New(Options{BaseURL: base, Name: "m", Key: credential.NewSecret(key), Timeout: time.Second, MaxOutputTokens: 700}, &Budget{})
	}
	assert.Len(t, at("https://api.anthropic.com/v1").nativeKey(), 2)
	assert.Empty(t, at("https://api.openai.com/v1").nativeKey())
}
