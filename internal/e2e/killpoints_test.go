package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// fate is what becomes of a grant.
type fate string

const (
	// lives: the account is active with new tokens.
	lives fate = "lives"
	// unknowable: whether the provider spent the refresh token cannot be known, or it was spent and the answer is gone. The
	// account says so, at the latest to the caller that saw the access token die.
	unknowable fate = "unknowable"
)

// killKind is a kind of rotation.
type killKind struct {
	name     string
	rotation sandbox.Rotation
	facts    string // of the provider, in the configuration
	end      string // in the words of an account whose grant ends; "" where no death ends one
}

const (
	presentedOnce  = "the answer is lost; presenting it again could revoke the grant"
	presentedAgain = "bad_refresh_token"
)

// kinds has times of grace so long that half of one outlasts every wait here.
var kinds = []killKind{
	{"static", sandbox.RotationStatic, "{rotation: static}", ""},
	{"grace", sandbox.RotationGrace, "{rotation: grace, grace: 3m}", ""},
	{"grace-family", sandbox.RotationGraceRevokeFamily, "{rotation: grace, grace: 3m, reuse_revokes_grant: true}", ""},
	{"single", sandbox.RotationSingleUse, "{rotation: single_use}", presentedAgain},
	{"family", sandbox.RotationRevokeFamily, "{rotation: single_use, reuse_revokes_grant: true}", presentedOnce},
}

// killPoint is a moment between "due" and "stored" at which something dies.
type killPoint struct {
	name string
	die  func(k *killWorld)
	want map[string]fate // :: kind → what becomes of it; lives where it is not named
	// reach is how many requests reach the provider :: fate → requests; nil where its facts, and not the fate, decide that.
	reach map[fate]int
}

func (p killPoint) fate(kind string) fate {
	if f, ok := p.want[kind]; ok {
		return f
	}
	return lives
}

// once is what reaches the provider where no answer is lost.
var once = map[fate]int{lives: 1}

var killPoints = []killPoint{
	{"due and not begun", (*killWorld).dieBeforeItBegins, nil, once},
	{"due and not written down", (*killWorld).dieBeforeTheMark, nil, once},
	{"vault away when it is due", (*killWorld).takeTheVaultAwayBeforeTheMark, nil, once},
	{"written down and not sent", (*killWorld).dieUnsent, map[string]fate{"family": unknowable}, map[fate]int{lives: 1, unknowable: 0}},
	{"request sent and not read", (*killWorld).dieUnread, map[string]fate{"family": unknowable}, nil},
	{"request carried out and not answered", (*killWorld).dieUnanswered, map[string]fate{"single": unknowable, "family": unknowable}, nil},
	{"answer lost while the worker lives", (*killWorld).loseTheAnswer, map[string]fate{"single": unknowable, "family": unknowable}, nil},
	{"refusal arrived and not noted", (*killWorld).dieBeforeTheMarkIsWithdrawn, map[string]fate{"family": unknowable},
		map[fate]int{lives: 2, unknowable: 1}},
	{"answer arrived and not stored", (*killWorld).dieBeforeItIsStored, map[string]fate{"single": unknowable, "family": unknowable}, nil},
	{"stored and not reported", (*killWorld).dieUnreported, nil, once},
	{"vault away when the answer comes", (*killWorld).takeTheVaultAway, nil, once},
	{"sealed in history and not stored", (*killWorld).dieWithSealedTokens, nil, once},
}

// A refresh token that may be presented once is the hardest thing this product handles. At every point at which a process
// can die, the grant lives, or the account says truthfully that nobody can know; and where a second presentation would end
// the grant, there is none.
func TestDeathAtEveryPointOfARefresh(t *testing.T) { //nolint:tparallel // its points have one world, one after the other
	besideFor(t, 3*time.Minute)
	k := newKillWorld(t)
	for _, point := range killPoints {
		t.Run(point.name, func(t *testing.T) {
			k.t = t
			before := k.connectAll()
			heard := k.requests()
			asked, stop := context.WithCancel(t.Context())
			k.ask = func(kind string) {
				account := k.account(kind)
				go func() { _, _ = k.Workflows.RefreshNow(asked, account) }() // who asks may die as well; the owner does not care
			}
			point.die(k)
			for _, kind := range kinds {
				fate := point.fate(kind.name)
				k.judge(kind, before[kind.name], fate)
				if point.reach != nil {
					assert.Equal(t, point.reach[fate], k.requests()[kind.name]-heard[kind.name], "requests that reach %s", kind.name)
				}
			}
			stop()
		})
	}
	for _, kind := range kinds {
		books := k.sandboxes[kind.name].Books()
		if kind.name == "family" || kind.name == "grace-family" {
			assert.Zero(t, books.RefreshTokensPresentedTwice, "%s: a second presentation would have ended the grant", kind.name)
		}
		assert.LessOrEqual(t, books.RefreshTokensPresentedTwice, 3, "%s: at most once more for each lost answer", kind.name)
	}
}

// judge waits until the account has made up its mind, and then reports the generation before dead, as a caller does to whom its
// token is refused: an account that may warn and serve until then has to say now how things stand.
func (k *killWorld) judge(kind killKind, before credential.Generation, want fate) {
	k.t.Helper()
	account := k.account(kind.name)
	var status workflows.AccountStatus
	settled := func() bool {
		var err error
		status, err = k.Workflows.Account(k.t.Context(), account)
		if err != nil {
			return false
		}
		if want == unknowable {
			return status.NextRefresh.IsZero() && status.Reason != ""
		}
		return status.Status == credential.Active && status.Generation > before
	}
	require.Eventually(k.t, settled, patience, 250*time.Millisecond, "%s: %s", kind.name, describe{&status})

	answer, err := k.refresh(k.t.Context(), account, before)
	require.NoError(k.t, err, kind.name)
	if want == lives {
		assert.Equal(k.t, credential.Active, answer.Status, kind.name)
		assert.Equal(k.t, before+1, answer.Generation, kind.name)
		k.works(kind.name)
		return
	}
	assert.Equal(k.t, credential.ReauthorizationRequired, answer.Status, kind.name)
	assert.Contains(k.t, answer.Reason, kind.end, kind.name)
}

// describe prints a status as it is when the test has failed.
type describe struct{ status *workflows.AccountStatus }

func (d describe) String() string {
	return fmt.Sprintf("%s, generation %d, %q", d.status.Status, d.status.Generation, d.status.Reason)
}
