// Package bubbletest runs tests in synctest bubbles.
package bubbletest

import (
	"runtime"
	"testing"
	"testing/synctest"
)

// Run is [synctest.Test] on one processor. On several, two timers of one bubble that are due in the same instant may fire
// at once, one of them in a select; they share one context of the race detector, which then crashes the whole process
// (https://go.dev/issue/78156). t must not be parallel.
func Run(t *testing.T, f func(*testing.T)) {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	synctest.Test(t, f)
}
