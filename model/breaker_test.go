package model

import (
	"context"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sony/gobreaker/v2"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// hanging serves questions that it never answers, until it is told to.
func hanging(t *testing.T) (s *server, answers *atomic.Bool) {
	t.Helper()
	answers = &atomic.Bool{}
	return serve(t, func(n int64, w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // then the server notices that the client goes
		if answers.Load() {
			say(http.StatusOK, completion(good, "stop", nil))(n, w, r)
			return
		}
		<-r.Context().Done()
	}), answers
}

func TestAServerThatHangsIsLeftAlone(t *testing.T) {
	s, _ := hanging(t)
	c, a := client(s.URL), &account{}
	c.meter, c.options.Timeout, c.breaker = a, 50*time.Millisecond, newBreaker(time.Hour)
	for range maxSilence {
		_, err := c.Understand(t.Context(), message, nil)
		require.EqualError(t, err, "the model did not answer within 50ms")
	}
	asked, spent := s.requests.Load(), a.spent
	c.options.Timeout = time.Hour // who waits now waits for long

	_, err := c.Understand(t.Context(), message, nil)

	require.EqualError(t, err, "the model was not asked for a while, as it did not answer within 50ms")
	assert.Equal(t, asked, s.requests.Load())
	assert.Equal(t, spent, a.spent, "what is not asked costs nothing")
	assert.Len(t, a.failure, maxSilence+1, "and is one more message that the rules read in its place")
}

func TestOneQuestionTriesAServerThatWasLeftAlone(t *testing.T) {
	s, answers := hanging(t)
	c := client(s.URL)
	c.options.Timeout, c.breaker = 50*time.Millisecond, newBreaker(10*time.Millisecond)
	for range maxSilence {
		_, err := c.Understand(t.Context(), message, nil)
		require.Error(t, err)
	}
	rested := func() bool { return c.breaker.State() == gobreaker.StateHalfOpen }
	require.Eventually(t, rested, 10*time.Second, time.Millisecond)
	asked := s.requests.Load()
	c.options.Timeout = time.Hour
	ctx, giveUp := context.WithCancel(t.Context())
	tried := make(chan error)
	go func() {
		_, err := c.Understand(ctx, message, nil)
		tried <- err
	}()
	require.Eventually(t, func() bool { return s.requests.Load() > asked }, 10*time.Second, time.Millisecond)

	_, err := c.Understand(t.Context(), message, nil)
	require.ErrorContains(t, err, "was not asked for a while", "no other waits with it")

	giveUp()
	require.Error(t, <-tried)
	assert.True(t, rested(), "who gives up has found out nothing")
	answers.Store(true)
	for range 2 {
		_, err := c.Understand(t.Context(), message, nil)
		require.NoError(t, err)
	}
	assert.Equal(t, gobreaker.StateClosed, c.breaker.State())
}

// What answers is alive, whatever it says.
func TestAServerThatAnswersIsAskedOn(t *testing.T) {
	for name, answer := range map[string]func(int64, http.ResponseWriter, *http.Request){
		"no":       say(http.StatusUnauthorized, "{}"),
		"nonsense": say(http.StatusOK, completion("a bug", "stop", nil)),
		"garbage":  say(http.StatusOK, "<html>"),
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, answer)
			c := client(s.URL)
			for range 2 * maxSilence {
				_, err := c.Understand(t.Context(), message, nil)
				require.NotContains(t, err.Error(), "was not asked")
			}
			assert.EqualValues(t, 2*maxSilence, s.requests.Load())
		})
	}
}

func TestAServerThatIsAwayIsLeftAlone(t *testing.T) {
	s := serve(t, nil)
	s.Close()
	c := client(s.URL)
	for range maxSilence {
		_, err := c.Understand(t.Context(), message, nil)
		require.ErrorContains(t, err, "the model could not be reached")
	}
	_, err := c.Understand(t.Context(), message, nil)
	assert.EqualError(t, err, "the model was not asked for a while, as it could not be reached")
}
