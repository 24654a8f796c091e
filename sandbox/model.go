package sandbox

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Codes of [FaultAnswer]: what the model does instead of answering.
const (
	// AnswerNonsense is prose in the place of JSON.
	AnswerNonsense = "nonsense"
	// AnswerForeign is JSON beyond the schema: it names a repository, labels and people.
	AnswerForeign = "foreign"
	// AnswerCut ends in the middle, as at max_completion_tokens.
	AnswerCut = "cut"
	// AnswerRefusal is a refusal to answer at all.
	AnswerRefusal = "refusal"
	// AnswerObedient fits the schema and obeys the message as far as the schema lets it: each text is the whole message.
	AnswerObedient = "obedient"
)

func modelAnswers() []string {
	return []string{AnswerNonsense, AnswerForeign, AnswerCut, AnswerRefusal, AnswerObedient}
}

// modelRoutes speak the chat completions dialect, by the API reference of OpenAI. Its key is the app's client secret.
func (s *Sandbox) modelRoutes(mux *http.ServeMux) {
	for pattern, route := range map[string]struct {
		name string
		run  handling
	}{
		"POST /chat/completions": {"chat.completions", s.completeChat},
		"GET /models":            {"models.list", s.listModels},
	} {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" /model/v1"+path, func(w http.ResponseWriter, r *http.Request) {
			s.serve(w, r, Model, route.name, func(c *call) answer { return s.modelCall(c, route.run) })
		})
	}
	mux.HandleFunc("/model/", func(w http.ResponseWriter, r *http.Request) {
		s.serve(w, r, Model, "unknown", func(c *call) answer {
			return modelFailure(http.StatusNotFound, "invalid_request_error", fmt.Sprintf("Invalid URL (%s %s)", c.request.Method, c.request.URL.Path), "", "")
		})
	})
}

func (s *Sandbox) modelCall(c *call, run handling) answer {
	if c.bearer() != s.apps[Model].ClientSecret {
		return modelFailure(http.StatusUnauthorized, "invalid_request_error", "Incorrect API key provided.", "", "invalid_api_key")
	}
	return run(c)
}

func (s *Sandbox) listModels(*call) answer {
	return jsonAnswer(http.StatusOK, map[string]any{"object": "list", "data": []any{
		map[string]any{"id": s.apps[Model].Name, "object": "model", "created": 1_700_000_000, "owned_by": "sandbox"},
	}})
}

// chatRequest is what the toy knows of a question: texts, and an answer by a schema.
type chatRequest struct {
	Model    string `json:"model"`
	Messages []struct {
		Role    string `json:"role"`
		Content string `json:"content"`
	} `json:"messages"`
	ResponseFormat struct {
		Type       string `json:"type"`
		JSONSchema struct {
			Strict bool       `json:"strict"`
			Schema jsonSchema `json:"schema"`
		} `json:"json_schema"`
	} `json:"response_format"`
}

// completeChat answers by the last message and the schema, the same each time.
func (s *Sandbox) completeChat(c *call) answer {
	var asked chatRequest
	if json.Unmarshal(c.body, &asked) != nil || len(asked.Messages) == 0 {
		return modelFailure(http.StatusBadRequest, "invalid_request_error", "We could not parse the JSON body of your request.", "", "")
	}
	format := asked.ResponseFormat
	if asked.Model != s.apps[Model].Name {
		return modelFailure(http.StatusNotFound, "invalid_request_error", fmt.Sprintf("The model `%s` does not exist.", asked.Model), "", "model_not_found")
	}
	if fault := format.JSONSchema.Schema.fault(); format.Type != "json_schema" || !format.JSONSchema.Strict || fault != "" {
		message := "Invalid schema for response_format: " + orDefault(fault, "want one that is strict")
		return modelFailure(http.StatusBadRequest, "invalid_request_error", message, "response_format", "")
	}
	reply := toyOf(asked.Messages[len(asked.Messages)-1].Content).reply(format.JSONSchema.Schema, c.mood)
	question, said := len(c.body)/4, len(reply.Content)/4+1 // tokens, as English has them
	s.ledger.modelTokens += question + said
	return jsonAnswer(http.StatusOK, map[string]any{
		"id": fmt.Sprintf("chatcmpl-%x", sha256.Sum256(c.body))[:29], "object": "chat.completion", "created": s.now().Unix(), "model": asked.Model,
		"choices": []any{map[string]any{"index": 0, "finish_reason": reply.finish, "logprobs": nil, "message": reply}},
		"usage":   map[string]any{"prompt_tokens": question, "completion_tokens": said, "total_tokens": question + said},
	})
}

// modelFailure is how the API refuses; "" is null there.
func modelFailure(status int, kind, message, param, code string) answer {
	null := func(text string) any {
		if text == "" {
			return nil
		}
		return text
	}
	return jsonAnswer(status, map[string]any{"error": map[string]any{"message": message, "type": kind, "param": null(param), "code": null(code)}})
}

// modelScripted is a fault in the dialect; whatever stands in front of a model speaks HTML.
func modelScripted(f Fault) answer {
	switch {
	case f.Status == http.StatusTooManyRequests:
		return modelFailure(f.Status, "requests", "Rate limit reached for requests.", "", orDefault(f.Code, "rate_limit_exceeded"))
	case f.Status == http.StatusInternalServerError:
		return modelFailure(f.Status, "server_error", "The server had an error while processing your request.", "", f.Code)
	case f.Code != "":
		return modelFailure(orDefault(f.Status, http.StatusBadRequest), "invalid_request_error", "", "", f.Code)
	}
	return htmlRefusal(f.Status)
}
