package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/testsuite"

	"tokenkeeper/credential"
)

// do has a step happen.
func (m *model) do(s step) {
	m.notef("step %d: %s %d", m.steps, s.deed, s.n)
	switch s.deed {
	case "fault":
		m.set(func() { m.fault = faults()[s.n%len(faults())] })
	case "slow":
		m.set(func() { m.slow = time.Duration(1+s.n%20) * time.Second })
	case "secret":
		m.server.toggle(&m.server.badSecret, s.n%4 == 0)
	case "network":
		m.server.toggle(&m.server.down, s.n%4 == 0)
	case "vault":
		m.set(func() { m.vaultDown = s.n%4 == 0 })
	case "revoke":
		m.onServer(func(t *issuedToken) { t.grant.revoked = true })
	case "end access token":
		m.onServer(func(t *issuedToken) { t.ended = true })
	case "report":
		m.report(s.n)
	case "refresh":
		m.update(UpdateRefresh, RefreshRequest{})
	case "reauthorize":
		m.reauthorize(s.n)
	case "judge":
		m.judge(s.n)
	case "await":
		m.await(fmt.Sprintf("report/%d", s.n%50))
	case "validate":
		m.send(s.n%2 == 0, UpdateValidate, SignalValidate)
	case "disconnect":
		if s.n%4 == 0 {
			m.send(s.n%8 == 0, UpdateDisconnect, SignalDisconnect, DisconnectRequest{Force: s.n%16 < 8})
		}
	case "continue as new":
		m.env.SetContinueAsNewSuggested(true)
		m.set(func() { m.belief.draining = true })
	}
}

func (m *model) set(change func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change()
}

// becalm ends all faults for good.
func (m *model) becalm() {
	m.notef("all faults end")
	m.calm = true
	m.mend()
}

func (m *model) mend() {
	m.server.toggle(&m.server.badSecret, false)
	m.server.toggle(&m.server.down, false)
	m.set(func() { m.fault, m.slow, m.vaultDown = noFault, 0, false })
}

// onServer changes what the server knows of the access token that the vault holds.
func (m *model) onServer(change func(*issuedToken)) {
	if record, err := m.vault.Get(m.t.Context(), acmeSlack); err == nil {
		m.server.change(m.server.find(record.Tokens.Access), change)
	}
}

// report tells of the death of the vault's generation, of the one before it, or of one that never was.
func (m *model) report(n int) {
	record, err := m.vault.Get(m.t.Context(), acmeSlack)
	if err != nil {
		return
	}
	seen := record.Generation
	switch n % 6 {
	case 0:
		seen = max(seen-1, 1)
	case 1:
		seen += 1000
	}
	if seen >= record.Generation {
		dead := !m.server.accepts(record.Tokens.Access)
		m.believe(func(b *belief) {
			// One that the account has not heard of is news of the one that it has; the caller asks anew when it is answered.
			b.report(record.Generation, dead && b.known == record.Generation)
		})
	}
	m.update(UpdateRefresh, RefreshRequest{Generation: seen})
}

func (b *belief) report(g credential.Generation, dead bool) { b.reported[g] = b.reported[g] || dead }

// reauthorize hands over a good consent, somebody else's, one that nobody knows, or one that was adopted before.
func (m *model) reauthorize(n int) {
	var id string
	switch form := n % 8; {
	case form == 1, m.dialect.minted: // where nobody has to consent
		id = "no-such-authorization"
	case form == 0:
		id = m.consent("U2")
	case form == 2:
		id = fmt.Sprintf("authorization-%04d", max(m.consents, 1))
	default:
		id = m.consent("U1")
	}
	request := ReauthorizedRequest{Authorization: id}
	if n/8%2 == 0 {
		m.env.SignalWorkflow(SignalReauthorized, request)
		return
	}
	m.update(UpdateReauthorized, request)
}

func (m *model) await(id string) {
	m.set(func() { m.belief.waiting[id] = true })
	m.env.SignalWorkflow(SignalAwait, Waiter{WorkflowID: id})
}

// reported is the connector of the account: while its app is refused it has the account try once in a minute, and when it
// is taken, go on.
func (m *model) reported(report any) {
	r, ok := report.(ConnectorReport)
	if !ok {
		m.wrongf("the connector was told %T", report)
		return
	}
	m.notef("the connector heard: %q", r.Kind)
	switch r.Kind {
	case credential.DeadClient:
		m.later(tryEvery, func() { m.news(ConnectorNews{Try: true}) })
	case "":
		m.news(ConnectorNews{Episode: 1})
	default: // one account alone has nobody to spare
	}
}

// news reaches the account in the run that there is now, or is about to begin.
func (m *model) news(n ConnectorNews) {
	m.env.RegisterDelayedCallback(func() { m.env.SignalWorkflow(SignalConnector, n) }, time.Millisecond)
}

// send sends an Update, or the Signal that asks for the same.
func (m *model) send(asUpdate bool, update, signal string, args ...any) {
	if asUpdate {
		m.update(update, args...)
		return
	}
	m.env.SignalWorkflow(signal, first(args))
}

func first(args []any) any {
	if len(args) == 0 {
		return nil
	}
	return args[0]
}

// update sends an Update that is pending until it is answered.
func (m *model) update(name string, args ...any) {
	id := fmt.Sprintf("%s-%d", name, m.steps)
	done := func() { m.set(func() { delete(m.pending, id) }) }
	m.set(func() { m.pending[id] = name })
	m.env.UpdateWorkflow(name, id, &testsuite.TestUpdateCallback{
		OnAccept: func() {},
		OnReject: func(err error) { done(); m.notef("%s refused: %v", name, err) },
		OnComplete: func(v any, err error) {
			done()
			status, _ := v.(AccountStatus)
			m.notef("%s answered: %s g%d, error %v", name, status.Status, status.Generation, err)
			if r, ok := first(args).(RefreshRequest); ok && r.Generation >= status.Generation {
				// The account took it for news of the generation that it has by now.
				m.believe(func(b *belief) { b.report(status.Generation, false) })
			}
		},
	}, args...)
}
