package model

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/triage"
)

// account is a meter that notes what was settled.
type account struct {
	Budget

	err     error
	unused  []int
	failure []string
}

func (a *account) Spend(ctx context.Context, tokens, limit int) (string, bool, error) {
	if a.err != nil {
		return "", false, a.err
	}
	return a.Budget.Spend(ctx, tokens, limit)
}

func (a *account) Settle(ctx context.Context, day string, unused int, failure string) error {
	a.unused, a.failure = append(a.unused, unused), append(a.failure, failure)
	return a.Budget.Settle(ctx, day, unused, failure)
}

func TestTheTokensOfADay(t *testing.T) {
	s := serve(t, say(http.StatusOK, completion(good, "stop", nil)))
	now := time.Date(2026, 3, 1, 23, 0, 0, 0, time.UTC)
	c := client(s.URL)
	c.meter = &Budget{Now: func() time.Time { return now }}
	reserved := triage.NewBrief(message, nil).Size() + c.options.MaxOutputTokens
	c.options.DailyTokens = 1000 + reserved // each answer says that it cost 1000

	for range 2 {
		_, err := c.Understand(t.Context(), message, nil)
		require.NoError(t, err)
	}
	_, err := c.Understand(t.Context(), message, nil)
	assert.EqualError(t, err, "the model has used up its tokens of today")
	assert.Equal(t, int64(2), s.requests.Load())

	now = now.Add(time.Hour)
	_, err = c.Understand(t.Context(), message, nil)
	assert.NoError(t, err)
}

func TestWhatAQuestionCosts(t *testing.T) {
	const usage = 1000 // by the server
	reserved := triage.NewBrief(message, nil).Size() + 700
	for name, tt := range map[string]struct {
		answer  func(int64, http.ResponseWriter, *http.Request)
		cost    int
		failure string
	}{
		"an answer":  {say(http.StatusOK, completion(good, "stop", nil)), usage, ""},
		"nonsense":   {say(http.StatusOK, completion("a bug", "stop", nil)), usage, "did not answer by the rules"},
		"no usage":   {say(http.StatusOK, `{"choices":[]}`), reserved, "gave no answer"},
		"a refusal":  {say(http.StatusTooManyRequests, "{}"), 0, "answered with HTTP status 429"},
		"unreadable": {say(http.StatusOK, "<html>"), reserved, "gave an answer that cannot be read"},
		"hung up": {func(_ int64, _ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // the question was read, and may be paid for
			panic(http.ErrAbortHandler)
		}, reserved, "could not be reached"},
	} {
		t.Run(name, func(t *testing.T) {
			c, a := client(serve(t, tt.answer).URL), &account{}
			c.meter = a

			_, err := c.Understand(t.Context(), message, nil)

			assert.Equal(t, tt.failure == "", err == nil)
			assert.Equal(t, []int{reserved - tt.cost}, a.unused)
			assert.Equal(t, []string{tt.failure}, a.failure)
			assert.Equal(t, tt.cost, a.spent)
		})
	}
}

// A model that is away for a morning has used up nothing of the day.
func TestAModelThatIsAwayCostsNothing(t *testing.T) {
	s := serve(t, nil)
	s.Close()
	c, a := client(s.URL), &account{}
	c.meter = a

	_, err := c.Understand(t.Context(), message, nil)

	require.Error(t, err)
	assert.Zero(t, a.spent)
	assert.Equal(t, []string{"could not be reached"}, a.failure)
}

func TestAMeterThatIsAwayLeavesItToTheRules(t *testing.T) {
	s := serve(t, say(http.StatusOK, completion(good, "stop", nil)))
	c := client(s.URL)
	c.meter = &account{err: errors.New("the vault is locked")}

	_, err := c.Understand(t.Context(), message, nil)

	none, ok := errors.AsType[*triage.NoAnswerError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, "was not asked, because its budget cannot be looked at", none.Reason)
	assert.Zero(t, s.requests.Load())
}

func TestAQuestionThatIsGivenUpSaysNothingOfTheModel(t *testing.T) {
	ctx, giveUp := context.WithCancel(t.Context())
	s := serve(t, func(_ int64, _ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // then the server notices that the client goes
		giveUp()
		<-r.Context().Done()
	})
	c, a := client(s.URL), &account{}
	c.meter = a

	_, err := c.Understand(ctx, message, nil)

	require.Error(t, err)
	assert.Empty(t, a.failure)
	assert.Positive(t, a.spent, "it may be paid for")
}
