package activities

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	poisonedReport = "report/T1/C1/1.000001 CreateIssue"
	filing         = "CreateIssue acme/triage/github acme/app"
)

func unavailableProvider() error { return outage("creating the issue", errNoCursor) }

func TestAMessageThatFailsWhileOthersPassIsPoisoned(t *testing.T) {
	var s Sieve
	for range maxStrikes {
		assert.Equal(t, ErrTypeProviderUnavailable, errorType(s.judge(poisonedReport, filing, unavailableProvider())))
		require.NoError(t, s.judge("report/T1/C1/2.000001 CreateIssue", filing, nil))
	}

	err := s.judge(poisonedReport, filing, unavailableProvider())

	assert.Equal(t, ErrTypePoisoned, errorType(err))
	assert.ErrorContains(t, err, "creating the issue")
	assert.ErrorContains(t, err, "while others passed")
	assert.Equal(t, ErrTypeProviderUnavailable, errorType(s.judge(poisonedReport, filing, unavailableProvider())), "whoever tries again gets five more")
}

func TestAnOutageOfAWeekPoisonsNothing(t *testing.T) {
	var s Sieve
	require.NoError(t, s.judge("report/T1/C1/0.000001 CreateIssue", filing, nil))
	for range 7 * 24 * 60 {
		assert.Equal(t, ErrTypeProviderUnavailable, errorType(s.judge(poisonedReport, filing, unavailableProvider())))
	}
}

// After an outage everybody is let in, but not in the same second.
func TestTheEndOfAnOutagePoisonsNothing(t *testing.T) {
	var s Sieve
	for range 100 {
		assert.Equal(t, ErrTypeProviderUnavailable, errorType(s.judge(poisonedReport, filing, unavailableProvider())))
	}
	for range 50 {
		require.NoError(t, s.judge("report/T1/C1/2.000001 CreateIssue", filing, nil))
	}
	assert.Equal(t, ErrTypeProviderUnavailable, errorType(s.judge(poisonedReport, filing, unavailableProvider())))
	require.NoError(t, s.judge(poisonedReport, filing, nil))
}

func TestWhatPassesElsewhereIsNoStrike(t *testing.T) {
	var s Sieve
	for range 3 * maxStrikes {
		assert.Equal(t, ErrTypeProviderUnavailable, errorType(s.judge(poisonedReport, filing, unavailableProvider())))
		require.NoError(t, s.judge("report/T1/C1/2.000001 CreateIssue", "CreateIssue acme/triage/github acme/web", nil))
	}
}

func TestARateLimitIsNoStrike(t *testing.T) {
	var s Sieve
	for range 3 * maxStrikes {
		assert.Equal(t, ErrTypeRateLimited, errorType(s.judge(poisonedReport, filing, rateLimited("creating the issue", 0))))
		require.NoError(t, s.judge("report/T1/C1/2.000001 CreateIssue", filing, nil))
	}
}

func TestTheSievesMemoryIsBounded(t *testing.T) {
	var s Sieve
	require.NoError(t, s.judge(poisonedReport, filing, nil))
	for range maxFailing + 2 {
		s.failing[strconv.Itoa(len(s.failing))] = &failing{}
	}
	_ = s.judge(poisonedReport, filing, unavailableProvider())
	assert.LessOrEqual(t, len(s.failing), 1)
}
