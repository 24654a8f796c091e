package workflows

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"tokenkeeper/provider"
)

const (
	// modelSteps is how many steps an ordinary run takes at least.
	modelSteps = 10_000
	// scriptLength is fixed, and a step can be none: a history that fails shrinks to the steps that matter.
	scriptLength = 105
)

// TestAnAccountKeepsItsPromisesWhateverHappens plays random histories to the Workflow of an account with its real
// Activities: an authorization server that keeps books, faults, workers that die at any point, answers that come late,
// every message there is, Continue-As-New. After each step a simple model of what is true says whether the account tells
// the truth, see [model.check]. A failure prints the shortest script that shows it, and how to play it again.
func TestAnAccountKeepsItsPromisesWhateverHappens(t *testing.T) {
	steps, histories := 0, 0
	for steps < modelSteps {
		rapid.Check(t, func(rt *rapid.T) {
			m := newModel(t, dialects()[rapid.IntRange(0, len(dialects())-1).Draw(rt, "dialect")], choices{
				realVault:     rapid.IntRange(0, 19).Draw(rt, "real vault") == 19,
				validateEvery: rapid.SampledFrom([]time.Duration{0, 0, 10 * time.Minute}).Draw(rt, "validate every"),
				endsAccess:    rapid.Bool().Draw(rt, "a refresh ends the access token"),
			})
			m.play(rapid.SliceOfN(rapid.Custom(drawStep), scriptLength, scriptLength).Draw(rt, "script"))
			steps, histories = steps+m.steps, histories+1
			if len(m.wrong) > 0 {
				rt.Fatalf("%s\n%s", m.dialect.name, m.story())
			}
		})
	}
	t.Logf("%d steps in %d histories", steps, histories)
	assert.GreaterOrEqual(t, steps, modelSteps)
}

// dialect is what a provider does with tokens.
type dialect struct {
	name     string
	token    provider.Token
	lifetime time.Duration // of access tokens; 0 means for ever
	minted   bool
}

func dialects() []dialect {
	const short = 20 * time.Minute
	rotation := func(r provider.Rotation, grace time.Duration, revokes bool) provider.Token {
		return provider.Token{Rotation: r, Grace: grace, ReuseRevokesGrant: revokes}
	}
	return []dialect{
		{"static", rotation(provider.RotationStatic, 0, false), short, false},
		{"grace", rotation(provider.RotationGrace, time.Minute, false), short, false},
		{"grace, reuse revokes", rotation(provider.RotationGrace, time.Minute, true), short, false},
		{"single use", rotation(provider.RotationSingleUse, 0, false), short, false},
		{"single use, reuse revokes", rotation(provider.RotationSingleUse, 0, true), short, false},
		{"no refresh token", rotation(provider.RotationNone, 0, false), 2 * short, false},
		{"no end and no refresh token", rotation(provider.RotationNone, 0, false), 0, false},
		{"minted", rotation(provider.RotationNone, 0, false), short, true},
	}
}

// choices are what else differs between histories.
type choices struct {
	realVault     bool
	validateEvery time.Duration
	endsAccess    bool
}

// deed is what can happen to an account.
type deed string

// step is one thing that happens, and the time until the next.
type step struct {
	deed deed
	n    int // which of the deed's forms
	rest time.Duration
}

// GoString is how a failure shows a step.
func (s step) GoString() string { return fmt.Sprintf("{%s %d, %s}", s.deed, s.n, s.rest) }

// deeds are drawn with equal chances; those that stand twice have twice the chance.
func deeds() []deed {
	return []deed{
		"nothing", "nothing", "fault", "fault", "fault", "report", "report", "report", "refresh", "refresh", "reauthorize", "reauthorize",
		"await", "await", "validate", "slow", "revoke", "end access token", "secret", "network", "vault", "disconnect", "continue as new", "judge",
	}
}

func drawStep(t *rapid.T) step {
	return step{
		deed: rapid.SampledFrom(deeds()).Draw(t, "deed"),
		n:    rapid.IntRange(0, 1<<12).Draw(t, "n"),
		// The odd second keeps steps from falling on the instant of a timer.
		rest: rapid.SampledFrom([]time.Duration{
			time.Second, time.Second, 5 * time.Second, 5 * time.Second, 17 * time.Second, 17 * time.Second,
			time.Minute, time.Minute, 5 * time.Minute, 15 * time.Minute,
		}).Draw(t, "rest") + 7*time.Millisecond,
	}
}
