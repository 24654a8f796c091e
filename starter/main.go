// Command tokenkeeper is what an operator types: it connects accounts, starts and watches triages, makes authenticated
// calls, and says what is wrong.
//
// It decides nothing. Everything it does is a message to a Workflow, a question to one, or a look at the configuration,
// and the temporal CLI can do the same. What it adds is words: every failure says what happened, to which account, and
// what to do next, and ends with an exit code that a script can act on (exit.go).
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends things in order; a second one, for whoever has no patience for that, ends this process.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.LookupEnv))
}
