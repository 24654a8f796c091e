package model

import (
	"errors"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/sony/gobreaker/v2"
)

const (
	// maxSilence is how many questions in a row may stay without any answer before the server is left alone.
	maxSilence = 3
	// silenceRest is for how long. Then one question tries whether it answers again, and all others go on without it.
	silenceRest = time.Minute
)

// breaker spares messages the wait for a server that hangs or is not there: the rules read them at once. Any answer is a sign of
// life, an error too: those come fast, and what is wrong with one message need not be wrong with the next.
type breaker = gobreaker.CircuitBreaker[*openai.ChatCompletion]

func newBreaker(rest time.Duration) *breaker {
	return gobreaker.NewCircuitBreaker[*openai.ChatCompletion](gobreaker.Settings{
		Timeout:      rest,
		ReadyToTrip:  func(counts gobreaker.Counts) bool { return counts.ConsecutiveFailures >= maxSilence },
		IsSuccessful: func(err error) bool { return !isSilence(err) },
		IsExcluded:   func(err error) bool { return errors.Is(err, errGivenUp) },
	})
}

var (
	// errGivenUp is the end of a question that its asker did not wait for, which says nothing of the server.
	errGivenUp = errors.New("given up")
	// errTooLate is the end of a question that took all of its time.
	errTooLate = errors.New("too late")
)

// isSilence reports whether an error means that there was no answer at all.
func isSilence(err error) bool {
	_, lost := errors.AsType[*unreachableError](err)
	return lost || errors.Is(err, errTooLate)
}

// isSpared reports whether a question was not asked because the server is left alone.
func isSpared(err error) bool {
	return errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests)
}
