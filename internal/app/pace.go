package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/enums/v1"

	"tokenkeeper/activities"
	"tokenkeeper/config"
	"tokenkeeper/credential"
)

// workerSeen is how long ago a worker may have asked for work and still be one: a question is open for about a minute.
const workerSeen = 2 * time.Minute

// pace returns what keeps the accounts of this process, together with all other workers, below the limits of what they may
// create.
func (a *App) pace() *activities.Pace {
	return &activities.Pace{Workers: a.countWorkers, Hourly: a.createsPerHour}
}

// createsPerHour returns what the configuration allows an account to create.
func (a *App) createsPerHour(account credential.AccountID) int {
	connector, ok := a.Config().Connector(account.Connector)
	if !ok {
		return config.DefaultCreatesPerHour
	}
	return connector.CreatesPerHour
}

// countWorkers returns how many workers run Activities, this one included. Temporal knows who asked for work.
func (a *App) countWorkers(ctx context.Context) (int, error) {
	queue, err := a.Temporal.DescribeTaskQueue(ctx, a.Config().Temporal.TaskQueue, enums.TASK_QUEUE_TYPE_ACTIVITY)
	if err != nil {
		return 0, fmt.Errorf("counting the workers: %w", err)
	}
	workers := map[string]bool{}
	for _, poller := range queue.GetPollers() {
		if time.Since(poller.GetLastAccessTime().AsTime()) < workerSeen {
			workers[poller.GetIdentity()] = true
		}
	}
	return len(workers), nil
}

// polledChannels returns the channels that the triages of the configuration read through an account, in order.
func (a *App) polledChannels(account credential.AccountID) []string {
	var channels []string
	for _, t := range a.Config().Triages {
		if t.Slack != account {
			continue
		}
		for _, r := range t.Routes {
			channels = append(channels, r.Channel)
		}
	}
	slices.Sort(channels)
	return slices.Compact(channels)
}
