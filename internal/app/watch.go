package app

import (
	"context"
	"os"
	"time"

	"tokenkeeper/config"
)

// watchInterval is how often the files of the configuration are read; they have a few kilobytes.
const watchInterval = 3 * time.Second

// Watch reads the configuration anew when it, or a file with a secret or key that it names, has changed, until ctx ends.
// A value from hurry has it read at once.
//
// It compares the contents of the files. File system notifications do not work on every kind of volume (NFS, the mounts
// of Docker Desktop), and miss a file whose folder is replaced, as Kubernetes does with secrets; size and modification
// time miss a second change within one tick of the clock.
func (a *App) Watch(ctx context.Context, hurry <-chan os.Signal) { a.watch(ctx, watchInterval, hurry) }

func (a *App) watch(ctx context.Context, interval time.Duration, hurry <-chan os.Signal) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	w := watch{app: a, seen: a.Config().Sources()}
	for {
		select {
		case <-ctx.Done():
			return
		case <-hurry:
			w.complaint = "" // whoever asks hears of a fault again
			w.reload(ctx)
		case <-ticker.C:
			w.look(ctx)
		}
	}
}

// watch is what is known of the configuration since it was last read.
type watch struct {
	app       *App
	seen      config.Sources // at the last look
	complaint string         // about the files; empty where they are good
}

// look reads what changed once it has been the same for an interval: half a file may be a valid one that has fewer
// connectors. After a fault, nobody knows which files would make a valid configuration, so each look reads it.
func (w *watch) look(ctx context.Context) {
	read := w.app.Config().Sources()
	now := read.Now()
	settled := now.Equal(w.seen)
	w.seen = now
	if settled && (!now.Equal(read) || w.complaint != "") {
		w.reload(ctx)
	}
}

func (w *watch) reload(ctx context.Context) {
	err := w.app.Reload(ctx)
	if err == nil {
		w.complaint = ""
		return
	}
	if complaint := err.Error(); complaint != w.complaint {
		w.complaint = complaint
		w.app.Log.ErrorContext(ctx, "the configuration changed and is faulty; the one before stays in force until it is corrected, "+
			"and environment variables stay what they were at the start", "error", complaint)
	}
}
