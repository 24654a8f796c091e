package demo

import (
	"context"
	"fmt"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// act is one thing that goes wrong.
type act struct {
	after time.Duration // the end of the act before
	do    func(context.Context) error
}

// perform lets one act follow another.
func (w *world) perform(ctx context.Context) error {
	for _, act := range w.acts() {
		if !sleep(ctx, act.after) {
			return ctx.Err()
		}
		if err := act.do(ctx); err != nil {
			return fmt.Errorf("%.0f s into the story: %w", w.narrator.elapsed().Seconds(), err)
		}
	}
	return nil
}

func (w *world) acts() []act {
	const retryAfter = 2 * time.Second
	return []act{
		{2 * time.Second, w.secondWorker},
		{3 * time.Second, w.misfortunes("Slack limits reading, GitHub limits writing: 429, Retry-After 2 s",
			sandbox.Fault{App: sandbox.Slack, Endpoint: "conversations.history", Kind: sandbox.FaultStatus, Status: 429, Code: "ratelimited", RetryAfter: retryAfter},
			sandbox.Fault{App: sandbox.GitHub, Endpoint: "issues.create", Kind: sandbox.FaultStatus, Status: 429, RetryAfter: retryAfter})},
		{5 * time.Second, w.misfortunes("GitHub answers 500 to an issue, Slack 500 to a reply",
			sandbox.Fault{App: sandbox.GitHub, Endpoint: "issues.create", Kind: sandbox.FaultStatus, Status: 500},
			sandbox.Fault{App: sandbox.Slack, Endpoint: "chat.postMessage", Kind: sandbox.FaultStatus, Status: 500})},
		{4 * time.Second, w.misfortunes("GitHub creates an issue, and the answer is lost",
			sandbox.Fault{App: sandbox.GitHub, Endpoint: "issues.create", Kind: sandbox.FaultDrop, Processed: true})},
		{4 * time.Second, w.misfortunes("Slack reads a request and never answers",
			sandbox.Fault{App: sandbox.Slack, Endpoint: "conversations.history", Kind: sandbox.FaultHang})},
		{4 * time.Second, w.misfortunes("a refresh meets a 503, at Slack and at GitHub",
			sandbox.Fault{App: sandbox.Slack, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Status: 503},
			sandbox.Fault{App: sandbox.GitHub, Endpoint: "token.refresh", Kind: sandbox.FaultStatus, Status: 503})},
		{8 * time.Second, w.killWorker},
		{8 * time.Second, w.restartTemporal},
		{8 * time.Second, w.revokeSlack},
		{8 * time.Second, func(context.Context) error { return nil }},
	}
}

// misfortunes scripts faults; that they came to pass is looked at in the end.
func (w *world) misfortunes(what string, faults ...sandbox.Fault) func(context.Context) error {
	return func(context.Context) error {
		w.narrator.sayf("%s", what)
		for _, f := range faults {
			f.Name = what
			if err := w.sandbox.Fault(f); err != nil {
				return err
			}
		}
		return nil
	}
}

func (w *world) secondWorker(ctx context.Context) error {
	w.narrator.sayf("worker 2 joins: nobody coordinates the two but Temporal and the vault")
	return w.startWorker(ctx, 1)
}

func (w *world) restartTemporal(ctx context.Context) error {
	w.narrator.sayf("the Temporal server is restarted; its database is a file")
	if err := w.server.Restart(ctx); err != nil {
		return err
	}
	w.book(&w.restarts)
	w.narrator.sayf("it is back")
	return nil
}

// revokeSlack has an administrator remove the app, and a person consent again while others go on posting.
func (w *world) revokeSlack(ctx context.Context) error {
	w.narrator.sayf("an administrator removes the Slack app: the grant is dead")
	w.sandbox.Revoke(sandbox.Slack)
	status, err := w.awaitStatus(ctx, slackAccount, credential.ReauthorizationRequired)
	if err != nil {
		return err
	}
	w.narrator.sayf("account %s is %s: %s", slackAccount, status.Status, status.Reason)
	if err := w.awaitTriage(ctx, workflows.TriageWaiting); err != nil {
		return err
	}
	w.narrator.sayf("triage %s waits; people go on posting", triageName)
	before := w.sandbox.Books().MessagesPosted
	if !sleep(ctx, 8*time.Second) {
		return ctx.Err()
	}
	if err := w.reauthorize(ctx); err != nil {
		return err
	}
	if _, err := w.awaitStatus(ctx, slackAccount, credential.Active); err != nil {
		return err
	}
	if err := w.awaitTriage(ctx, workflows.TriagePolling); err != nil {
		return err
	}
	w.narrator.sayf("the Signal came: triage %s goes on, and reads the %d messages of the meantime", triageName, w.sandbox.Books().MessagesPosted-before)
	return nil
}

func (w *world) reauthorize(ctx context.Context) error {
	if !w.options.Interactive {
		return w.consent(ctx, slackAccount)
	}
	w.narrator.notef("\n      It is your turn: open %s and consent. The demo waits.\n", w.app.ConnectURL(slackAccount))
	for {
		status, err := w.app.Workflows.Account(ctx, slackAccount)
		if err == nil && status.Status == credential.Active {
			return nil
		}
		if !sleep(ctx, lookAgain) {
			return ctx.Err()
		}
	}
}

func (w *world) awaitStatus(ctx context.Context, account credential.AccountID, want credential.Status) (workflows.AccountStatus, error) {
	var status workflows.AccountStatus
	err := w.await(ctx, fmt.Sprintf("account %s to be %s", account, want), func(ctx context.Context) (bool, error) {
		var err error
		status, err = w.app.Workflows.Account(ctx, account)
		return status.Status == want, err
	})
	return status, err
}

func (w *world) awaitTriage(ctx context.Context, want string) error {
	return w.await(ctx, fmt.Sprintf("triage %s to be %s", triageName, want), func(ctx context.Context) (bool, error) {
		status, err := w.app.Workflows.TriageStatus(ctx, triageName)
		return status.State == want, err
	})
}
