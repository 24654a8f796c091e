package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/workflows"
)

// mintPatience is how long connect waits for the first token of an account that needs nobody's consent.
const mintPatience = 30 * time.Second

// mints reports whether the account gets its tokens without anybody's consent.
func mints(a *app.App, account credential.AccountID) bool {
	connector, ok := a.Config().Connector(account.Connector)
	return ok && connector.Grant.Mints()
}

// awaitMint waits for the first token of an account whose Workflow was started, and prints what became of it.
func (c *cli) awaitMint(ctx context.Context, a *app.App, account credential.AccountID, wait time.Duration) error {
	after, err := c.await(ctx, a, account, max(wait, mintPatience), func(_ context.Context, now workflows.AccountStatus) bool {
		return now.Generation > 0 || now.Status == credential.ClientMisconfigured
	})
	switch {
	case ctx.Err() != nil:
		return err
	case err != nil:
		return failf("see that a worker runs, then: tokenkeeper account show "+account.String(),
			"account %s has no token yet, and goes on trying: %s", account, orDash(after.Reason))
	}
	if err := c.print(invitation{Account: account, Status: after}, func(w io.Writer) { tellMint(w, after) }); err != nil {
		return err
	}
	return verdict(after)
}

func tellMint(w io.Writer, after workflows.AccountStatus) {
	if !after.Status.NeedsPerson() {
		fmt.Fprintf(w, "account %s is %s as %s; nobody has to consent\n", after.Account, after.Status, printable(connectedAs(after)))
	}
}

// nothingToReauthorize says what to do instead.
func nothingToReauthorize(account credential.AccountID) error {
	return failf("tokenkeeper account refresh "+account.String(),
		"nobody consents for account %s: its connector gets tokens with a key or secret of the app", account)
}
