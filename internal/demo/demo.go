package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"tokenkeeper/sandbox"
)

// Run tells the story and returns what was counted. A [Result] that is not OK is no error: the story ended, badly. The
// error is a devserver.PortTakenError for a port in use.
func Run(ctx context.Context, o Options) (Result, error) {
	w, err := open(ctx, o)
	if err != nil {
		return Result{}, err
	}
	result, err := w.tell(ctx)
	err = errors.Join(err, w.close())
	if err == nil && result.OK && o.Dir == "" {
		err = os.RemoveAll(w.dir)
	} else {
		w.narrator.notef("\ndatabases and logs are in %s", w.dir)
	}
	return result, err
}

func (w *world) tell(ctx context.Context) (Result, error) {
	if err := w.begin(ctx); err != nil {
		return Result{}, err
	}
	if err := w.play(ctx); err != nil {
		return Result{}, err
	}
	w.narrator.sayf("the last report has its issue, its reply and its mark")
	if w.options.Stay {
		return w.stay(ctx)
	}
	return w.count(ctx)
}

// begin brings everything to work: workers, both accounts, the triage.
func (w *world) begin(ctx context.Context) error {
	w.narrator.sayf("Temporal runs at %s, Slack and GitHub are played by %s", w.server.HostPort(), w.sandboxURL())
	if err := w.startWorker(ctx, 0); err != nil {
		return err
	}
	w.narrator.sayf("worker 1 runs, and serves the pages for people at %s", w.app.Config().Gateway.PublicURL)
	if err := w.connect(ctx, slackAccount); err != nil {
		return err
	}
	if err := w.connect(ctx, githubAccount); err != nil {
		return err
	}
	w.narrator.sayf("access tokens live %s (Slack) and %s (GitHub); every refresh token is good once", slackLifetime, githubLifetime)
	if err := w.app.Workflows.StartTriage(ctx, triageName); err != nil {
		return err
	}
	w.narrator.sayf("triage %s polls two channels every second", triageName)
	w.tellWhereToLook()
	return nil
}

// play has people post while the acts go by, and waits until everything that was posted is done.
func (w *world) play(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	watching, unwatch := context.WithCancel(ctx)
	curtain := make(chan struct{})
	group.Go(func() error { return w.watch(watching) })
	group.Go(func() error {
		defer close(curtain)
		return w.perform(ctx)
	})
	group.Go(func() error {
		defer unwatch()
		if err := w.post(ctx, curtain); err != nil {
			return err
		}
		return w.settle(ctx)
	})
	return group.Wait()
}

// watch fails when something ends that nobody told to.
func (w *world) watch(ctx context.Context) error {
	for {
		if err := w.dead(); err != nil {
			return err
		}
		if !sleep(ctx, lookAgain) {
			return nil
		}
	}
}

// dead returns why a process ended by itself, nil while none did.
func (w *world) dead() error {
	errs := []error{w.server.Process().Err()}
	for _, worker := range w.running() {
		errs = append(errs, worker.Err())
	}
	return errors.Join(errs...)
}

// settle waits until every report has one issue, one reply and its mark.
func (w *world) settle(ctx context.Context) error {
	books := w.sandbox.Books()
	w.narrator.sayf("people stop: %d messages, %d of them bug reports; %d issues so far", books.MessagesPosted, books.ReportsPosted, books.IssuesCreated)
	return w.await(ctx, "every report to be filed, answered and marked", func(context.Context) (bool, error) {
		books = w.sandbox.Books()
		if books.Missing == 0 && len(books.Replies) >= books.ReportsPosted && marked(books) >= books.ReportsPosted {
			return true, nil
		}
		return false, fmt.Errorf("of %d reports %d have an issue, %d a reply, %d the mark; without an issue: %v",
			books.ReportsPosted, books.ReportsPosted-books.Missing, len(books.Replies), marked(books), books.MissingReports)
	})
}

// marked counts the messages with the mark of a filed report; a claim is none.
func marked(books sandbox.Books) int {
	n := 0
	for _, reactions := range books.Reactions {
		if slices.Contains(reactions, "white_check_mark") {
			n++
		}
	}
	return n
}

// count ends every process, so that all is written, and holds the story against the books.
func (w *world) count(ctx context.Context) (Result, error) {
	books, faults := settled(ctx, w.sandbox.Books, replayPatience), w.sandbox.Faults()
	if err := w.stop(); err != nil {
		return Result{}, err
	}
	found, err := w.audit()
	if err != nil {
		return Result{}, err
	}
	w.narrator.sayf("searched %d files (%d MB) for %d tokens: %d found in clear", found.files, found.bytes>>20, found.tokens, len(found.leaks))
	for _, leak := range found.leaks {
		w.narrator.notef("      in %s", leak)
	}
	for _, open := range books.OpenAuthFailures {
		w.narrator.notef("      refused for a dead token and not made again: %s", open)
	}
	result := w.judge(books, faults, found)
	w.narrator.notef("\n%s", result.table())
	return result, nil
}

// replayPatience is what a request that was refused for its token has to be made again: a refresh takes a part of it.
const replayPatience = 15 * time.Second

// settled returns the books as soon as every request that was refused for its token was made again, and those at the end of
// patience where one was not: a moment like any other may lie between a refusal and its replay.
func settled(ctx context.Context, books func() sandbox.Books, patience time.Duration) sandbox.Books {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience) // Ctrl-C ends the story, not the count
	defer cancel()
	for {
		if b := books(); b.UnreplayedAuthFailures == 0 || !sleep(ctx, lookAgain) {
			return b
		}
	}
}

// stay counts what can be counted while all runs, and leaves it to the user to end it.
func (w *world) stay(ctx context.Context) (Result, error) {
	w.narrator.notef("\neverything goes on until Ctrl-C; then the table follows")
	w.tellWhereToLook()
	<-ctx.Done()
	return w.count(ctx)
}

func (w *world) tellWhereToLook() {
	w.narrator.notef(`
      Web UI     %s
      Slack      %s/ (channels, issues, books)
      accounts   %s/
      commands   export TEMPORAL_ADDRESS=%s
                 %s workflow list
                 %s workflow query --workflow-id %s --name status
                 %s workflow query --workflow-id %s --name status
`, w.server.UI(), w.sandboxURL(), w.app.Config().Gateway.PublicURL, w.server.HostPort(),
		w.server.CLI(), w.server.CLI(), "account/"+slackAccount.String(), w.server.CLI(), "triage/"+triageName)
}

// errTooLate is why a wait was given up.
var errTooLate = fmt.Errorf("it did not come within %s", patience)
