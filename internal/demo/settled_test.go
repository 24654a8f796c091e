package demo

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"tokenkeeper/sandbox"
)

// A request that was refused a moment ago is about to be made again, and no reason to call the story a failure.
func TestTheStoryIsCountedBetweenNoRefusalAndItsReplay(t *testing.T) {
	open := 3
	books := func() sandbox.Books {
		open--
		return sandbox.Books{UnreplayedAuthFailures: open, AuthFailures: 3}
	}
	assert.Zero(t, settled(t.Context(), books, time.Minute).UnreplayedAuthFailures)
	assert.Zero(t, open, "it looks no further")
	given := func() sandbox.Books { return sandbox.Books{UnreplayedAuthFailures: 1} }
	assert.Equal(t, 1, settled(t.Context(), given, 0).UnreplayedAuthFailures, "one that nobody makes again is counted")
}
