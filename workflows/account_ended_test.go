package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

func TestAnEndThatTheProviderTellsOfIsLookedFor(t *testing.T) {
	i := newIdentity(t, newGrant(t, 12*time.Hour))
	i.policy.ValidateEvery = 0
	i.issue()
	var looks []int
	i.after(time.Hour, func() { i.env.SignalWorkflow(SignalValidate, nil) })
	i.after(time.Hour+10*time.Second, func() { i.env.SignalWorkflow(SignalValidate, nil) })
	i.after(time.Hour+20*time.Second, func() {
		looks = append(looks, i.looks)
		i.env.SignalWorkflow(SignalValidate, ValidateRequest{Ended: true})
	})
	var alive AccountStatus
	i.after(time.Hour+30*time.Second, func() {
		looks = append(looks, i.looks)
		alive = i.status(t)
		i.dead[1] = true
		i.failures = []activities.Failure{{Kind: credential.DeadGrant, Code: "invalid_grant", Message: "revoked"}}
		for range 20 {
			i.env.SignalWorkflow(SignalValidate, ValidateRequest{Ended: true})
		}
	})
	var dead AccountStatus
	i.after(time.Hour+40*time.Second, func() { dead = i.status(t) })
	i.end(2 * time.Hour)
	i.run()

	assert.Equal(t, []int{1, 2}, looks, "a look of a moment ago does not answer it")
	assert.Equal(t, credential.Active, alive.Status, "the account believes its own look")
	assert.EqualValues(t, 1, alive.Generation)
	assert.Equal(t, credential.ReauthorizationRequired, dead.Status)
	assert.Equal(t, 1, i.posts)
	assert.LessOrEqual(t, i.looks, 4, "many at once are one look, and one more for those that came during it")
}

func TestAnEndIsLookedForAgainWhenALookWasUnderWay(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	a := &account{looking: true}
	a.Looks.Asked = true
	a.askToLook(now, ValidateRequest{Ended: true})
	assert.True(t, a.Looks.Again)

	a = &account{looking: true}
	a.askToLook(now, ValidateRequest{})
	assert.False(t, a.Looks.Again, "a wish alone is content with that look")
}
