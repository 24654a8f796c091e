package app

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.temporal.io/api/taskqueue/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// A worker that was killed is counted no longer than it could have been busy with one question, whatever our clock says.
func TestWhoIsAWorker(t *testing.T) {
	for name, skew := range map[string]time.Duration{"same clock": 0, "the server is ahead": time.Hour, "the server is behind": -time.Hour} {
		t.Run(name, func(t *testing.T) {
			asked := func(who string, ago time.Duration) *taskqueue.PollerInfo {
				return &taskqueue.PollerInfo{Identity: who, LastAccessTime: timestamppb.New(time.Now().Add(skew - ago))}
			}
			assert.Zero(t, workersAmong(nil))
			assert.Equal(t, 1, workersAmong([]*taskqueue.PollerInfo{asked("1@here", 0)}))
			assert.Equal(t, 3, workersAmong([]*taskqueue.PollerInfo{
				asked("1@here", 0), asked("2@here", 65*time.Second), asked("1@there", time.Second), asked("1@here", 50*time.Second),
				asked("killed@here", 75*time.Second), asked("stopped@there", 4*time.Minute),
			}))
		})
	}
}
