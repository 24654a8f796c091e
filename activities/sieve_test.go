package activities

import (
	"fmt"
	"math/rand/v2"
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

// season is a time at one place: so many reports come in each round, and each that failed is tried again in the next.
type season struct {
	sieve    Sieve
	rand     *rand.Rand
	pending  []string
	poisoned map[string]bool // those that nobody can digest
	parked   []string
	filed    int
}

func newSeason(seed uint64) *season {
	return &season{rand: rand.New(rand.NewPCG(seed, 1)), poisoned: map[string]bool{}}
}

// round tries all that is pending, in any order; failing is the share of requests that the provider answers with 500.
func (s *season) round(reports int, failing float64) {
	for range reports {
		s.pending = append(s.pending, fmt.Sprintf("report/T1/C1/%d.%06d CreateIssue", len(s.pending), s.rand.Uint32()))
	}
	s.rand.Shuffle(len(s.pending), func(i, j int) { s.pending[i], s.pending[j] = s.pending[j], s.pending[i] })
	var again []string
	for _, who := range s.pending {
		var err error
		if s.poisoned[who] || s.rand.Float64() < failing {
			err = unavailableProvider()
		}
		switch errorType(s.sieve.judge(who, filing, err)) {
		case "":
			s.filed++
		case ErrTypePoisoned:
			s.parked = append(s.parked, who)
		default:
			again = append(again, who)
		}
	}
	s.pending = again
}

// add has a report that nobody can digest come.
func (s *season) add(poisoned string) {
	s.pending, s.poisoned[poisoned] = append(s.pending, poisoned), true
}

func TestABrownOutPoisonsNothing(t *testing.T) {
	for _, failing := range []float64{0.3, 0.5, 0.8, 0.95} {
		for _, reports := range []int{1, 5, 40} {
			t.Run(fmt.Sprintf("%.0f%% of requests, %d reports a round", 100*failing, reports), func(t *testing.T) {
				for seed := range uint64(6) {
					s := newSeason(seed)
					for range 60 { // all was well before
						s.round(reports, 0)
					}
					for range 200 {
						s.round(reports, failing)
					}
					for range 60 {
						s.round(reports, 0)
					}
					require.Empty(t, s.parked, "seed %d", seed)
					require.Empty(t, s.pending)
				}
			})
		}
	}
}

func TestABrownOutFromTheStartPoisonsNothing(t *testing.T) {
	for _, failing := range []float64{0.5, 0.8} {
		for seed := range uint64(60) {
			s := newSeason(seed)
			for range 100 {
				s.round(3, failing)
			}
			require.Empty(t, s.parked, "%v, seed %d", failing, seed)
		}
	}
}

// Poisoned messages come in company, and a provider is never quite well.
func TestPoisonedMessagesAmongGoodOnesAreFound(t *testing.T) {
	for _, reports := range []int{1, 5, 40} {
		t.Run(fmt.Sprintf("%d reports a round", reports), func(t *testing.T) {
			for seed := range uint64(10) {
				s := newSeason(seed)
				poisoned := []string{poisonedReport, "report/T1/C1/3.000001 CreateIssue", "report/T1/C1/4.000001 CreateIssue"}
				for _, who := range poisoned {
					s.add(who)
				}
				for range 100 {
					s.round(reports, 0.01)
				}
				require.ElementsMatch(t, poisoned, s.parked, "seed %d", seed)
			}
		})
	}
}

func TestAPoisonedMessageOfABrownOutIsFoundAfterIt(t *testing.T) {
	for seed := range uint64(20) {
		s := newSeason(seed)
		s.add(poisonedReport)
		for range 100 {
			s.round(3, 0.5)
		}
		require.Empty(t, s.parked, "seed %d", seed)
		for range 60 {
			s.round(3, 0)
		}
		require.Equal(t, []string{poisonedReport}, s.parked, "seed %d", seed)
	}
}
