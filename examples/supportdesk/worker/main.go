// Command worker runs the support desk on a task queue of its own, beside tokenkeeper-worker, which keeps its accounts.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"

	"go.temporal.io/sdk/worker"

	"tokenkeeper/examples/supportdesk"
	"tokenkeeper/internal/app"
)

func main() {
	path := flag.String("config", "tokenkeeper.yaml", "configuration `file`")
	queue := flag.String("task-queue", supportdesk.TaskQueue, "Temporal task `queue`")
	flag.Parse()
	if err := run(*path, *queue); err != nil {
		fmt.Fprintln(os.Stderr, "supportdesk:", err)
		os.Exit(1)
	}
}

func run(path, queue string) (err error) {
	a, err := app.Open(app.Options{ConfigPath: path})
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }() // nothing of it is left to be written
	if err := a.OpenVault(context.Background()); err != nil {
		return err
	}
	w := worker.New(a.Temporal, queue, app.WorkerOptions())
	supportdesk.Register(w, a.Slack(), a)
	return w.Run(worker.InterruptCh())
}
