package model

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

const (
	key     = "sk-very-secret"
	private = "the private words of a message: login crashes"
	good    = `{"is_bug":true,"confidence":0.9,"title":"Login crashes","summary":"","steps":[],"expected":"","actual":"",` +
		`"severity":"high","component":"unknown","environment":[]}`
)

var message = triage.Message{Key: triage.Key{Team: "T1", Channel: "C1", TS: "1700000000.000100"}, Text: private}

// completion is an answer in the dialect of chat completions.
func completion(content, finish string, refusal any) string {
	body, err := json.Marshal(map[string]any{
		"id": "c1", "object": "chat.completion", "created": 1, "model": "small",
		"choices": []any{map[string]any{"index": 0, "finish_reason": finish, "message": map[string]any{"role": "assistant", "content": content, "refusal": refusal}}},
		"usage":   map[string]any{"prompt_tokens": 900, "completion_tokens": 100, "total_tokens": 1000},
	})
	if err != nil {
		panic(err)
	}
	return string(body)
}

// server speaks chat completions and counts the requests.
type server struct {
	*httptest.Server

	requests atomic.Int64
}

func serve(t *testing.T, answer func(n int64, w http.ResponseWriter, r *http.Request)) *server {
	t.Helper()
	s := &server{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(s.requests.Add(1), w, r) }))
	t.Cleanup(s.Close)
	return s
}

func say(status int, body string) func(int64, http.ResponseWriter, *http.Request) {
	return func(_ int64, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Retry-After-Ms", "1")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // the client may have gone
	}
}

func client(url string) *Client {
	return New(Options{BaseURL: url + "/v1", Name: "small", Key: credential.NewSecret(key), Timeout: 10 * time.Second, MaxOutputTokens: 700}, &Budget{})
}

func TestAModelIsAsked(t *testing.T) {
	t.Setenv("OPENAI_API_KEY", "another key")
	t.Setenv("OPENAI_ORG_ID", "another organization")
	t.Setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/")
	var asked map[string]any
	s := serve(t, func(_ int64, w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/v1/chat/completions", r.URL.Path)
		assert.Equal(t, "Bearer "+key, r.Header.Get("Authorization"))
		assert.Empty(t, r.Header.Get("OpenAI-Organization"))
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&asked))
		say(http.StatusOK, completion(good, "stop", nil))(0, w, r)
	})

	u, err := client(s.URL).Understand(t.Context(), message, []string{"login"})

	require.NoError(t, err)
	assert.True(t, u.Report)
	assert.Equal(t, triage.High, u.Content.Severity)
	assert.Contains(t, u.Content.Footer, "model `small`, 90% sure")
	assert.Equal(t, "small", asked["model"])
	assert.InDelta(t, 0, asked["temperature"], 0)
	assert.InDelta(t, 700, asked["max_completion_tokens"], 0)
	format, err := json.Marshal(asked["response_format"])
	require.NoError(t, err)
	assert.Contains(t, string(format), `"strict":true`)
	assert.Contains(t, string(format), `"type":"json_schema"`)
	assert.Contains(t, string(format), `["login","unknown"]`)
}

func TestAServerWithoutKeysGetsNone(t *testing.T) {
	s := serve(t, func(_ int64, w http.ResponseWriter, r *http.Request) {
		assert.Empty(t, r.Header.Get("Authorization"))
		say(http.StatusOK, completion(good, "stop", nil))(0, w, r)
	})
	c := New(Options{BaseURL: s.URL + "/v1", Name: "small", Timeout: 10 * time.Second, MaxOutputTokens: 700}, &Budget{})

	_, err := c.Understand(t.Context(), message, nil)

	require.NoError(t, err)
}

func TestAModelThatIsOfNoHelp(t *testing.T) {
	for name, tt := range map[string]struct {
		answer   func(int64, http.ResponseWriter, *http.Request)
		reason   string
		requests int64
	}{
		"prose":       {say(http.StatusOK, completion("It is a bug: "+private, "stop", nil)), "did not answer by the rules", 1},
		"schema":      {say(http.StatusOK, completion(strings.Replace(good, "high", "enormous", 1), "stop", nil)), "did not answer by the rules", 1},
		"refusal":     {say(http.StatusOK, completion("", "stop", "I cannot help with "+private)), "refused to answer", 1},
		"filter":      {say(http.StatusOK, completion(good, "content_filter", nil)), "refused to answer", 1},
		"cut":         {say(http.StatusOK, completion(good[:50], "length", nil)), "did not come to the end of its answer", 1},
		"no choice":   {say(http.StatusOK, `{"choices":[]}`), "gave no answer", 1},
		"no JSON":     {say(http.StatusOK, "<html>"+private), "gave an answer that cannot be read", 1},
		"huge":        {say(http.StatusOK, completion(strings.Repeat("x", 2*maxAnswer), "stop", nil)), "gave an answer that cannot be read", 1},
		"refused key": {say(http.StatusUnauthorized, `{"error":{"message":"Incorrect API key `+key+`"}}`), "answered with HTTP status 401", 1},
		"parameter": {say(http.StatusBadRequest, `{"error":{"message":"`+private+`","param":"temperature"}}`),
			"answered with HTTP status 400", 2},
		"the model itself": {say(http.StatusBadRequest, `{"error":{"message":"`+private+`","param":"model"}}`),
			"answered with HTTP status 400", 1},
		"limit":  {say(http.StatusTooManyRequests, `{"error":{"message":"slow down"}}`), "answered with HTTP status 429", 2},
		"outage": {say(http.StatusInternalServerError, "oops "+private), "answered with HTTP status 500", 2},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, tt.answer)

			_, err := client(s.URL).Understand(t.Context(), message, nil)

			none, ok := errors.AsType[*triage.NoAnswerError](err)
			require.True(t, ok, "%v", err)
			assert.Equal(t, tt.reason, none.Reason)
			assert.Equal(t, tt.requests, s.requests.Load())
			assert.NotContains(t, err.Error(), "private")
			assert.NotContains(t, err.Error(), key)
		})
	}
}

// What a server does not take is left out, and not tried again with the next question.
func TestAServerIsAskedInItsDialect(t *testing.T) {
	for name, tt := range map[string]struct {
		refused []string // parameters
		without []string
		with    map[string]any
	}{
		"a model that reasons": {refused: []string{"temperature"}, without: []string{"temperature"}},
		"an older server": {
			refused: []string{"max_completion_tokens"}, without: []string{"max_completion_tokens"}, with: map[string]any{"max_tokens": 700.0},
		},
		"no schemas":       {refused: []string{"response_format"}, without: []string{"response_format"}},
		"nor their strict": {refused: []string{"response_format.json_schema"}, without: []string{"response_format"}},
		"none of it": {
			refused: []string{"temperature", "response_format", "max_completion_tokens"},
			without: []string{"temperature", "response_format", "max_completion_tokens"}, with: map[string]any{"max_tokens": 700.0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var asked map[string]any
			s := serve(t, func(n int64, w http.ResponseWriter, r *http.Request) {
				asked = nil
				assert.NoError(t, json.NewDecoder(r.Body).Decode(&asked))
				for _, param := range tt.refused {
					part, _, _ := strings.Cut(param, ".")
					if _, there := asked[part]; there {
						say(http.StatusBadRequest, `{"error":{"message":"unsupported","type":"invalid_request_error","param":"`+param+`"}}`)(n, w, r)
						return
					}
				}
				say(http.StatusOK, completion("```json\n"+good+"\n```", "stop", nil))(n, w, r)
			})
			c := client(s.URL)

			_, err := c.Understand(t.Context(), message, nil)

			require.NoError(t, err)
			assert.Equal(t, int64(len(tt.refused)+1), s.requests.Load())
			for _, param := range tt.without {
				assert.NotContains(t, asked, param)
			}
			for param, value := range tt.with {
				assert.Equal(t, value, asked[param])
			}
			_, err = c.Understand(t.Context(), message, nil)
			require.NoError(t, err)
			assert.Equal(t, int64(len(tt.refused)+2), s.requests.Load(), "it is known now")
		})
	}
}

func TestOneRefusalForNowIsTriedAgain(t *testing.T) {
	s := serve(t, func(n int64, w http.ResponseWriter, r *http.Request) {
		if n == 1 {
			say(http.StatusTooManyRequests, "{}")(n, w, r)
			return
		}
		say(http.StatusOK, completion(good, "stop", nil))(n, w, r)
	})

	_, err := client(s.URL).Understand(t.Context(), message, nil)

	require.NoError(t, err)
	assert.Equal(t, int64(2), s.requests.Load())
}

func TestAModelThatIsSlow(t *testing.T) {
	s := serve(t, func(_ int64, _ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // then the server notices that the client goes
		<-r.Context().Done()
	})
	c := client(s.URL)
	c.options.Timeout = 50 * time.Millisecond

	_, err := c.Understand(t.Context(), message, nil)

	assert.EqualError(t, err, "the model did not answer within 50ms")
}

func TestAModelThatIsAway(t *testing.T) {
	s := serve(t, nil)
	s.Close()

	_, err := client(s.URL).Understand(t.Context(), message, nil)

	assert.ErrorContains(t, err, "the model could not be reached: ")
	assert.ErrorContains(t, client(s.URL).Check(t.Context()), "could not be reached")
}

func TestARedirectIsNotFollowed(t *testing.T) {
	other := serve(t, say(http.StatusOK, completion(good, "stop", nil)))
	s := serve(t, func(_ int64, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/v1/chat/completions", http.StatusTemporaryRedirect)
	})

	_, err := client(s.URL).Understand(t.Context(), message, nil)

	assert.Error(t, err)
	assert.Zero(t, other.requests.Load())
}

func TestTheServerIsChecked(t *testing.T) {
	s := serve(t, func(n int64, w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/v1/models", r.URL.Path)
		if n == 1 {
			say(http.StatusOK, `{"object":"list","data":[{"id":"small","object":"model"}]}`)(n, w, r)
			return
		}
		say(http.StatusUnauthorized, "{}")(n, w, r)
	})

	assert.NoError(t, client(s.URL).Check(t.Context()))
	assert.EqualError(t, client(s.URL).Check(t.Context()), "the model answered with HTTP status 401")
}
