package workflows

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
)

// The pauses before a message is sent again: they double, so that a server in trouble is left in peace.
const (
	firstPause = 200 * time.Millisecond
	lastPause  = 5 * time.Second
)

// insist sends an Update, again and again while the server says that the Workflow cannot take one just now. It says so for a
// moment after it lost the Workflow from its cache; nothing was accepted then. Errors: those of send.
func insist(ctx context.Context, send func() (client.WorkflowUpdateHandle, error)) (client.WorkflowUpdateHandle, error) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		handle, err := send()
		if _, notReady := errors.AsType[*serviceerror.WorkflowNotReady](err); !notReady {
			return handle, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(pause):
		}
	}
}
