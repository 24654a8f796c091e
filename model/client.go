package model

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// Options say which model is asked, and at what cost.
type Options struct {
	// BaseURL is what comes before /chat/completions, such as https://api.openai.com/v1.
	BaseURL string
	Name    string            // of the model
	Key     credential.Secret // zero where the server wants none
	// Timeout bounds one question, with its retry.
	Timeout time.Duration
	// MaxOutputTokens bounds one answer.
	MaxOutputTokens int
	// DailyTokens bounds what the meter gives in a day; 0 for no bound.
	DailyTokens int
}

// Client asks one model. Safe for concurrent use.
type Client struct {
	options Options
	meter   Meter
	chat    openai.ChatCompletionService
	models  openai.ModelService
	breaker *breaker
	dialect dialect
	silence atomic.Pointer[triage.NoAnswerError] // the last one
}

var _ triage.Understander = (*Client)(nil)

// UsedUp is the reason for no answer where the budget of a day is spent.
const UsedUp = "has used up its tokens of today"

const (
	// maxAnswer bounds the body of an answer, in bytes. It is far beyond any MaxOutputTokens.
	maxAnswer = 1 << 20
	// maxRetryDelay is the longest Retry-After that is worth it: the rules are quicker.
	maxRetryDelay = 5 * time.Second
	// meterPatience bounds the wait for the meter after an answer.
	meterPatience = 5 * time.Second
)

// New returns a client that takes what it spends from a meter, which several may share.
func New(o Options, meter Meter) *Client {
	// openai.NewClient would take OPENAI_* variables for settings of ours, the key among them.
	options := []option.RequestOption{
		option.WithBaseURL(o.BaseURL),
		option.WithHTTPClient(&http.Client{Transport: bounded{http.DefaultTransport}, CheckRedirect: noRedirect}),
		option.WithMaxRetries(1),
		option.WithMaxRetryDelay(maxRetryDelay),
		option.WithAPIKey(o.Key.Reveal()),
	}
	return &Client{
		options: o, meter: meter,
		chat: openai.NewChatCompletionService(options...), models: openai.NewModelService(options...), breaker: newBreaker(silenceRest),
	}
}

// noRedirect keeps key and message from hosts that nobody configured.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Name returns the name of the model.
func (c *Client) Name() string { return c.options.Name }

// Understand implements [triage.Understander].
func (c *Client) Understand(ctx context.Context, m triage.Message, components []string) (triage.Understanding, error) {
	brief := triage.NewBrief(m, components)
	reserved := brief.Size() + c.options.MaxOutputTokens
	day, ok, err := c.meter.Spend(ctx, reserved, c.options.DailyTokens)
	if err != nil {
		return triage.Understanding{}, &triage.NoAnswerError{Reason: "was not asked, because its budget cannot be looked at", Err: err}
	}
	if !ok {
		none := &triage.NoAnswerError{Reason: UsedUp}
		c.settle(ctx, day, 0, none)
		return triage.Understanding{}, none
	}
	completion, cost, err := c.ask(ctx, brief, reserved)
	var understood triage.Understanding
	if err == nil {
		understood, err = c.read(m, components, completion)
	}
	c.settle(ctx, day, reserved-cost, err)
	return understood, err
}

// ask returns what the server answered, and what that cost: what the server says, and what was reserved where nobody knows.
// A server that was silent lately is not asked.
// Errors: [*triage.NoAnswerError].
func (c *Client) ask(ctx context.Context, brief triage.Brief, reserved int) (completion *openai.ChatCompletion, cost int, err error) {
	asking, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	completion, err = c.breaker.Execute(func() (*openai.ChatCompletion, error) {
		completion, err := c.chat.New(asking, c.dialect.spoken(c.request(brief)))
		for c.dialect.learn(err) { // a refusal costs nothing
			completion, err = c.chat.New(asking, c.dialect.spoken(c.request(brief)))
		}
		switch {
		case err != nil && ctx.Err() != nil:
			err = errors.Join(errGivenUp, err)
		case err != nil && asking.Err() != nil:
			err = errors.Join(errTooLate, err)
		}
		if isSilence(err) {
			c.silence.Store(c.noAnswer(asking, err))
		}
		return completion, err
	})
	switch {
	case isSpared(err):
		return nil, 0, &triage.NoAnswerError{Reason: "was not asked for a while, as it " + c.silence.Load().Reason}
	case err != nil && isFree(err):
		return nil, 0, c.noAnswer(asking, err)
	case err != nil:
		return nil, reserved, c.noAnswer(asking, err)
	}
	c.dialect.learnBound(int(completion.Usage.CompletionTokens), c.options.MaxOutputTokens)
	if completion.Usage.TotalTokens > 0 {
		return completion, int(completion.Usage.TotalTokens), nil
	}
	return completion, reserved, nil
}

// isFree reports whether the server refused the question, or never got it.
func isFree(err error) bool {
	if _, refused := errors.AsType[*openai.Error](err); refused {
		return true
	}
	lost, ok := errors.AsType[*unreachableError](err)
	return ok && !lost.sent
}

// settle closes the account of a question. Where that fails, what was reserved stays spent, and the next question tells
// whether the model answers. A question that its asker gave up says nothing of the model.
func (c *Client) settle(ctx context.Context, day string, unused int, err error) {
	if ctx.Err() != nil {
		return
	}
	failure := ""
	if none, ok := errors.AsType[*triage.NoAnswerError](err); ok {
		failure = none.Reason
	}
	ctx, cancel := context.WithTimeout(ctx, meterPatience)
	defer cancel()
	_ = c.meter.Settle(ctx, day, unused, failure) // see above
}

// read takes what counts of an answer. Errors: [*triage.NoAnswerError].
func (c *Client) read(m triage.Message, components []string, completion *openai.ChatCompletion) (triage.Understanding, error) {
	said, err := content(completion)
	if err != nil {
		return triage.Understanding{}, err
	}
	understood, err := triage.ReadAnswer(m, components, said)
	if err != nil {
		return triage.Understanding{}, &triage.NoAnswerError{Reason: "did not answer by the rules", Err: err}
	}
	return understood.UnderstoodBy(c.options.Name), nil
}

func (c *Client) request(brief triage.Brief) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:               c.options.Name,
		Messages:            []openai.ChatCompletionMessageParamUnion{openai.SystemMessage(brief.Instructions), openai.UserMessage(brief.Question)},
		Temperature:         openai.Float(0),
		MaxCompletionTokens: openai.Int(int64(c.options.MaxOutputTokens)),
		ResponseFormat: openai.ChatCompletionNewParamsResponseFormatUnion{OfJSONSchema: &openai.ResponseFormatJSONSchemaParam{
			JSONSchema: openai.ResponseFormatJSONSchemaJSONSchemaParam{Name: "message", Strict: openai.Bool(true), Schema: brief.Schema},
		}},
	}
}

// content returns what the model said.
func content(c *openai.ChatCompletion) (string, error) {
	switch {
	case len(c.Choices) == 0:
		return "", &triage.NoAnswerError{Reason: "gave no answer"}
	case c.Choices[0].Message.Refusal != "", c.Choices[0].FinishReason == "content_filter":
		return "", &triage.NoAnswerError{Reason: "refused to answer"}
	case c.Choices[0].FinishReason == "length":
		return "", &triage.NoAnswerError{Reason: "did not come to the end of its answer", Err: errors.New("raise model.max_output_tokens")}
	}
	return c.Choices[0].Message.Content, nil
}

// noAnswer says why there is none. Bodies of answers stay out of it: a server may repeat the message there.
func (c *Client) noAnswer(ctx context.Context, err error) *triage.NoAnswerError {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &triage.NoAnswerError{Reason: "did not answer within " + c.options.Timeout.String()}
	}
	if refused, ok := errors.AsType[*openai.Error](err); ok {
		none := &triage.NoAnswerError{Reason: fmt.Sprintf("answered with HTTP status %d", refused.StatusCode)}
		if refused.Param != "" && refused.StatusCode < http.StatusInternalServerError {
			none.Err = fmt.Errorf("it does not take the parameter %.40q", refused.Param)
		}
		return none
	}
	if lost, ok := errors.AsType[*unreachableError](err); ok {
		return &triage.NoAnswerError{Reason: "could not be reached", Err: lost}
	}
	return &triage.NoAnswerError{Reason: "gave an answer that cannot be read"}
}

// anthropicHost has the chat of OpenAI, and a list of models of its own (docs.anthropic.com/en/api/models-list).
const anthropicHost = "api.anthropic.com"

// nativeKey are the headers in which a server wants the key where it does not follow OpenAI.
func (c *Client) nativeKey() []option.RequestOption {
	if base, err := url.Parse(c.options.BaseURL); err != nil || base.Hostname() != anthropicHost {
		return nil
	}
	return []option.RequestOption{option.WithHeader("X-Api-Key", c.options.Key.Reveal()), option.WithHeader("Anthropic-Version", "2023-06-01")}
}

// Check asks the server for its models, which costs nothing and shows whether it is there and takes the key. Errors:
// [*triage.NoAnswerError].
func (c *Client) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	if _, err := c.models.List(ctx, c.nativeKey()...); err != nil {
		return c.noAnswer(ctx, err)
	}
	return nil
}
