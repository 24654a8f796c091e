package app

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/taskqueue/v1"

	"tokenkeeper/activities"
	"tokenkeeper/config"
	"tokenkeeper/credential"
)

// workerSeen is how much older than the latest poll of any worker a worker's last poll may be for it to count as running.
// The server notes when a poll begins and when it ends: with a task, after a minute without one, or with the connection
// of a process that dies. The SDK gives up on a poll after 70 s; a worker whose slots are all taken has one free within
// the minute that [activities.Pace] has anybody wait.
const workerSeen = 70 * time.Second

// pace returns what keeps the accounts of this process, together with all other workers, below the limits on what they
// may create.
func (a *App) pace() *activities.Pace {
	return &activities.Pace{Workers: a.countWorkers, Hourly: a.createsPerHour, Since: time.Now()}
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
	return workersAmong(queue.GetPollers()), nil
}

// workersAmong counts the workers that still poll. The server lists those that did within five minutes, by its own clock,
// so its times are compared with each other: whoever counts was given work a moment ago, which makes the latest of them
// now.
func workersAmong(pollers []*taskqueue.PollerInfo) int {
	var latest time.Time
	for _, p := range pollers {
		latest = later(latest, p.GetLastAccessTime().AsTime())
	}
	workers := map[string]bool{}
	for _, p := range pollers {
		if latest.Sub(p.GetLastAccessTime().AsTime()) < workerSeen {
			workers[p.GetIdentity()] = true
		}
	}
	return len(workers)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// historyRate returns what the configuration says of how often an account may read, 0 where it says nothing.
func (a *App) historyRate(account credential.AccountID) int {
	connector, _ := a.Config().Connector(account.Connector)
	return connector.HistoryRate
}

// polledChannels returns the channels that the triages of the configuration read through an account, in order.
func (a *App) polledChannels(account credential.AccountID) []string {
	var channels []string
	for _, t := range a.Config().Triages {
		if t.Slack != account {
			continue
		}
		channels = append(channels, t.Channels()...)
	}
	slices.Sort(channels)
	return slices.Compact(channels)
}
