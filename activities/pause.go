package activities

import (
	"context"
	"fmt"
	"sync"
	"time"

	"tokenkeeper/credential"
)

// Pause is what a connector's Workflow says of its authorization server.
type Pause struct {
	// Episode counts the times that the provider refused the app. Accounts that wait are told the number of the episode that
	// is over.
	Episode int `json:"episode,omitempty"`
	// Refused: the provider refuses the app, and only an account that is told to try sends a request.
	Refused bool   `json:"refused,omitempty"`
	Reason  string `json:"reason,omitempty"`
	// Until is the end of the pause that the provider asked for; zero for none.
	Until time.Time `json:"until,omitzero"`
}

// Pauses is what one process knows of the pauses of its connectors. It asks the connectors' Workflows, which know what
// happened in every process, and remembers what happened in its own until they must have heard of it. What it cannot find
// out holds nothing back: a pause spares a provider, and protects no grant. A nil Pauses knows of none.
type Pauses struct {
	// Ask returns what the Workflow of a connector says.
	Ask func(ctx context.Context, connector string) (Pause, error)
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	mu    sync.Mutex // guards known
	known map[string]*pauseKnown
}

// pauseKnown is what is known of one connector. Its lock is held while the Workflow is asked, so that others wait for the
// same answer.
type pauseKnown struct {
	mu    sync.Mutex
	pause Pause
	until time.Time // pause is taken for true until then
}

const (
	// pauseMemory is how long an answer of the Workflow holds: all requests of two seconds share one.
	pauseMemory = 2 * time.Second
	// pauseNews is how long what this process has just met holds without asking: until the Workflow must have heard of it
	// too.
	pauseNews = 5 * time.Second
	// pausePatience bounds the question: a worker that cannot be asked must not keep tokens from being refreshed.
	pausePatience = 2 * time.Second
	// ThrottledPause is the pause of a provider that is asked too much and does not say for how long.
	ThrottledPause = 5 * time.Second
)

// hold returns the failure of a request that must not be sent now; nil where it may. A refusal of an episode that the
// account was told is over (in.Opened) is out of date, and has the Workflow asked again.
func (p *Pauses) hold(ctx context.Context, in RefreshInput) *Failure {
	if p == nil {
		return nil
	}
	known := p.of(in.Account.Connector)
	known.mu.Lock()
	defer known.mu.Unlock()
	if !p.now().Before(known.until) || known.pause.Refused && known.pause.Episode <= in.Opened {
		p.ask(ctx, in.Account.Connector, known)
	}
	return known.pause.hold(in, p.now())
}

// recall is hold without asking the Workflow: it answers from what this process knows by now.
func (p *Pauses) recall(in RefreshInput) *Failure {
	if p == nil {
		return nil
	}
	known := p.of(in.Account.Connector)
	known.mu.Lock()
	defer known.mu.Unlock()
	return known.pause.hold(in, p.now())
}

// hold returns the failure of a request that the pause holds back; nil where it does not, or is over.
func (pause Pause) hold(in RefreshInput, now time.Time) *Failure {
	switch {
	case pause.Refused && !in.Try:
		return &Failure{Kind: credential.DeadClient, Code: CodePaused, Message: pause.Reason}
	case now.Before(pause.Until):
		return &Failure{
			Kind: credential.Throttled, Code: CodePaused, RetryAfter: pause.Until.Sub(now),
			Message: fmt.Sprintf("the provider asks all accounts of connector %s to wait until %s",
				in.Account.Connector, pause.Until.UTC().Format(time.RFC3339)),
		}
	}
	return nil
}

// ask takes over the Workflow's answer. A wait that this process was asked for stays, since the Workflow may not have heard
// of it.
func (p *Pauses) ask(ctx context.Context, connector string, known *pauseKnown) {
	ctx, cancel := context.WithTimeout(ctx, pausePatience)
	defer cancel()
	pause, err := p.Ask(ctx, connector)
	known.until = p.now().Add(pauseMemory)
	if err != nil {
		known.pause.Refused = false
		return
	}
	if known.pause.Until.After(pause.Until) {
		pause.Until = known.pause.Until
	}
	known.pause = pause
}

// heard notes how a request of an account failed, and marks what its connector's other accounts would meet too.
func (p *Pauses) heard(account credential.AccountID, f *Failure) {
	wait := f.RetryAfter
	switch {
	case f.Kind == credential.DeadGrant: // a provider that judges the grant has accepted the app before
		p.accepted(account)
		return
	case f.Kind == credential.DeadClient:
	case f.Kind == credential.Throttled && wait == 0:
		wait = ThrottledPause
	case wait > 0 && (f.Kind == credential.Throttled || f.Kind == credential.Transient):
	default:
		return
	}
	f.Shared = true
	if p == nil {
		return
	}
	known := p.of(account.Connector)
	known.mu.Lock()
	defer known.mu.Unlock()
	now := p.now()
	known.until = now.Add(pauseNews)
	if f.Kind != credential.DeadClient {
		if until := now.Add(min(wait, maxLimitWait)); until.After(known.pause.Until) {
			known.pause.Until = until
		}
		return
	}
	if !known.pause.Refused {
		known.pause.Episode++
	}
	known.pause.Refused, known.pause.Reason = true, f.Message
}

// accepted notes that the provider takes the app.
func (p *Pauses) accepted(account credential.AccountID) {
	if p == nil {
		return
	}
	known := p.of(account.Connector)
	known.mu.Lock()
	defer known.mu.Unlock()
	known.pause.Refused = false
}

func (p *Pauses) of(connector string) *pauseKnown {
	p.mu.Lock()
	defer p.mu.Unlock()
	known, ok := p.known[connector]
	if !ok {
		known = &pauseKnown{}
		if p.known == nil {
			p.known = map[string]*pauseKnown{}
		}
		p.known[connector] = known
	}
	return known
}

func (p *Pauses) now() time.Time {
	if p.Now == nil {
		return time.Now()
	}
	return p.Now()
}
