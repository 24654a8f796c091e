package workflows

import (
	"context"
	"maps"
	"path"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"time"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
	"tokenkeeper/provider"
	"tokenkeeper/vault"
)

// belief is what the account must believe, told by what it heard.
type belief struct {
	// failed is the kind of the last attempt's failure, "" after a good one.
	failed credential.FailureKind
	// known is the highest generation that the account heard of.
	known credential.Generation
	// dead are grants that the account was told are dead.
	dead map[*issuedGrant]bool
	// reported are generations that a caller reported; the value says that the token was dead then.
	reported map[credential.Generation]bool
	// waiting are those that were not told yet to go on.
	waiting map[string]bool
	// noticed says that people know of trouble, and noticedOf what they were told to look for.
	noticed   bool
	noticedOf string
	draining  bool
	// newest is the highest generation that the account or the vault ever had.
	newest, stored credential.Generation
	// leftBehind: tokens were destroyed by force whose grant the provider did not revoke.
	leftBehind bool
	// subject is whose tokens the account had, accepted whose somebody wanted it to have.
	subject, accepted credential.Subject
}

func newBelief() belief {
	return belief{dead: map[*issuedGrant]bool{}, reported: map[credential.Generation]bool{}, waiting: map[string]bool{}}
}

func (m *model) believe(change func(*belief)) { m.set(func() { change(&m.belief) }) }

// grantOf returns the grant of the tokens that the vault holds, or nil.
func (m *model) grantOf(r vault.Record) (grant *issuedGrant) {
	m.server.change(m.server.find(r.Tokens.Access), func(t *issuedToken) { grant = t.grant })
	return grant
}

func (m *model) heardDescribe(_ activities.DescribeInput, out activities.Description, _ error) {
	if out.Credential != nil {
		m.believe(func(b *belief) { b.known = out.Credential.Generation })
	}
}

func (m *model) heardRefresh(_ activities.RefreshInput, out activities.RefreshResult, err error) {
	record, _ := m.vault.Get(m.t.Context(), acmeSlack)
	grant := m.grantOf(record)
	m.believe(func(b *belief) {
		switch {
		case err != nil:
			b.failed = credential.Misconfigured
		case out.Failure != nil:
			b.failed = out.Failure.Kind
			b.dead[grant] = b.dead[grant] || out.Failure.Kind == credential.DeadGrant
		case out.Credential != nil:
			b.failed, b.known = "", out.Credential.Generation
		}
	})
	switch {
	case out.Failure != nil:
		m.notef("refresh failed: %s %s %s", out.Failure.Kind, out.Failure.Code, out.Failure.RetryAfter)
	case out.Credential != nil:
		m.notef("refresh brought generation %d", out.Credential.Generation)
	case out.Sealed != nil:
		m.notef("refresh brought sealed tokens")
	}
}

func (m *model) heardStore(_ activities.StoreInput, out activities.Facts, err error) {
	m.notef("sealed tokens stored: generation %d, error %v", out.Generation, err)
	m.believe(func(b *belief) {
		if b.failed = ""; err != nil {
			b.failed = credential.Misconfigured
		}
		b.known = max(b.known, out.Generation)
	})
}

func (m *model) heardAdopt(_ activities.AdoptInput, out activities.Adopted, err error) {
	m.notef("adoption: generation %d, error %v", out.Generation, err)
	m.believe(func(b *belief) {
		if err == nil && out.Generation > b.known {
			b.failed, b.known = "", out.Generation
		}
	})
}

func (m *model) heardNotice(n activities.Notice) {
	m.notef("notice: %s %s", n.Kind, n.Status)
	m.mu.Lock()
	known, of := m.belief.noticed, m.belief.noticedOf
	m.belief.noticedOf = n.Code
	m.belief.noticed = n.Kind == activities.NoticeTrouble || n.Kind == activities.NoticeDeadline && known
	m.mu.Unlock()
	switch n.Kind {
	case activities.NoticeTrouble:
		if known && n.Code == of { // what they were told to look for may turn out to be something else
			m.wrongf("people were told twice of one trouble")
		}
	case activities.NoticeRecovery:
		if !known || n.Status != credential.Active && n.Status != credential.Disconnected {
			m.wrongf("people were told of a recovery from nothing, or to %s", n.Status)
		}
	case activities.NoticeDeadline:
	}
}

func (m *model) woken(id string) {
	m.mu.Lock()
	asked := m.belief.waiting[id]
	delete(m.belief.waiting, id)
	m.mu.Unlock()
	if !asked {
		m.wrongf("%s was told twice to go on", id)
	}
}

// checkPost is what must hold of a refresh token that is about to be presented.
func (m *model) checkPost(token *issuedToken) {
	if token == nil {
		return
	}
	if token.unknown > 0 {
		m.notef("presented, as %d times before without an answer", token.unknown)
	}
	m.mu.Lock()
	dead := m.belief.dead[token.grant]
	m.mu.Unlock()
	facts, late := m.dialect.token, m.now().Sub(token.since)
	switch {
	case dead:
		m.wrongf("a grant was presented again that the account knows is dead")
	case token.travelling:
		m.wrongf("a refresh token was presented while a request with it was on its way")
	case token.unknown == 0 || facts.Rotation == provider.RotationStatic:
	case facts.ReuseRevokesGrant && facts.Rotation == provider.RotationSingleUse:
		m.wrongf("a refresh token was presented that may be spent, where that revokes the grant")
	case facts.ReuseRevokesGrant && late >= facts.Grace/2:
		m.wrongf("a refresh token was presented that may be spent, %s after it was", late)
	}
}

// checkPace is what must hold whenever an Activity begins: the Workflow does not turn in a circle.
func (m *model) checkPace() {
	const many = 100
	now := m.now()
	m.mu.Lock()
	if !now.Equal(m.instant) {
		m.instant, m.begun = now, 0
	}
	m.begun++
	circling := m.begun == many
	m.mu.Unlock()
	if circling {
		m.wrongf("the Workflow began %d Activities in one instant", many)
	}
}

// checkShred is what must hold when a credential is destroyed: its grant and those before are revoked, as far as anybody can know
// it, or will be said not to be.
func (m *model) checkShred(ctx context.Context) {
	for _, r := range m.strays() {
		m.checkDrop(ctx, r.Authorization)
	}
	record, err := m.vault.Get(m.t.Context(), acmeSlack)
	if err != nil || record.Presented != nil {
		return
	}
	m.checkDestroyed(ctx, record.Tokens)
}

// checkDrop is what must hold when a grant is destroyed that another took the place of, or that was in quarantine.
func (m *model) checkDrop(ctx context.Context, id string) {
	if stray, err := m.vault.GetStray(m.t.Context(), id); err == nil && (!stray.Shared || stray.Kin) {
		m.checkDestroyed(ctx, stray.Tokens)
	}
}

func (m *model) checkDestroyed(ctx context.Context, tokens credential.Tokens) {
	switch {
	case !m.server.accepts(tokens.Access) && !m.server.accepts(tokens.Refresh):
	case ctx.Value(forcedKey{}) != nil:
		m.believe(func(b *belief) { b.leftBehind = true })
	default:
		m.wrongf("a credential was destroyed before it was revoked")
	}
}

// strays returns the grants in the vault that are to be revoked.
func (m *model) strays() []credential.Replaced {
	all, err := m.vault.Strays(m.t.Context(), acmeSlack)
	if err != nil {
		m.wrongf("the vault does not say what it has beside the credential: %v", err)
	}
	return all
}

// forcedKey marks what a disconnect by force does.
type forcedKey struct{}

func (m *model) forceDisconnect(ctx context.Context, in activities.AccountInput) (activities.Disconnected, error) {
	return m.account.ForceDisconnect(context.WithValue(ctx, forcedKey{}, true), in)
}

func (m *model) heardForce(_ activities.AccountInput, out activities.Disconnected, err error) {
	m.notef("disconnected by force: %q, error %v", out.Unrevoked, err)
	m.mu.Lock()
	left := m.belief.leftBehind
	m.mu.Unlock()
	if left && err == nil && out.Unrevoked == "" {
		m.wrongf("a grant lives on at the provider, and nobody was told")
	}
}

// checkEnd is what must hold when the Workflow completed.
func (m *model) checkEnd() {
	var s AccountStatus
	if err := m.env.GetWorkflowResult(&s); err != nil || s.Status != credential.Disconnected {
		m.wrongf("the Workflow ended as %s without being disconnected: %v", s.Status, err)
	}
	if _, err := m.vault.Get(m.t.Context(), acmeSlack); err == nil {
		m.wrongf("the account is disconnected, and its credential is still there")
	}
	m.requireAnswers("the account is disconnected")
	m.notef("disconnected; another Workflow begins")
	stored := m.belief.stored
	m.set(func() { m.belief = newBelief(); m.belief.stored = stored })
}

// requireAnswers is what must hold while nothing happens and nothing will: nobody waits for an answer.
func (m *model) requireAnswers(when string) {
	m.mu.Lock()
	pending := slices.Sorted(maps.Values(m.pending))
	m.mu.Unlock()
	if len(pending) > 0 {
		m.wrongf("%s, and Updates wait for an answer: %s", when, strings.Join(pending, ", "))
	}
}

// settling is how long the Workflow has to take in what an Activity reported. It takes no simulated time at all, but while
// an Activity runs the test environment's clock goes on with the real one.
const settling = 900 * time.Millisecond

// check is what must hold at any time.
func (m *model) check() {
	s := m.status()
	record, err := m.vault.Get(m.t.Context(), acmeSlack)
	held := err == nil
	now := m.now()
	m.mu.Lock()
	b, busy := m.belief, len(m.attempts) > 0 || now.Sub(m.settled) < settling
	m.belief.newest, m.belief.stored = max(b.newest, s.Generation), max(b.stored, record.Generation)
	m.mu.Unlock()
	ending := s.Status == credential.Disconnected // it has given up its credential, and is about to complete
	if s.Generation < b.newest && !ending || held && record.Generation < b.stored {
		m.wrongf("the generation went back: the account from %d to %d, the vault from %d to %d", b.newest, s.Generation, b.stored, record.Generation)
	}
	if busy {
		return // it is about to learn something
	}
	m.notef("%s g%d, vault g%d", s.Status, s.Generation, record.Generation)
	m.requireAnswers("nothing is under way")
	m.checkStatus(s, b, record, held)
	m.checkSubject(b, record)
	m.checkQuarantine(s)
	if s.Status == credential.Active && !b.draining && len(b.waiting) > 0 {
		m.wrongf("the account is active, and %d Workflows were not told", len(b.waiting))
	}
	// While an attempt fails for a passing reason, the trouble that people know of may be over or not.
	// Of a refused app they hear from the connector.
	if passing := s.Status == credential.Degraded || s.Status == credential.Pending && b.failed != ""; !passing && s.HeldBy == "" && needsPeople(s.Status) != b.noticed {
		m.wrongf("the account is %s, and that people know of trouble is %t", s.Status, b.noticed)
	}
}

// needsPeople reports whether people have to hear of it.
func needsPeople(s credential.Status) bool {
	return s == credential.ReauthorizationRequired || s == credential.ClientMisconfigured
}

// checkStatus is what must hold of the status while nothing is under way.
func (m *model) checkStatus(s AccountStatus, b belief, record vault.Record, held bool) {
	current := held && record.Generation == s.Generation
	accepted := held && m.server.accepts(record.Tokens.Access)
	_, reported := b.reported[record.Generation]
	switch s.Status {
	case credential.Active:
		switch {
		case !held:
			m.wrongf("active without a credential")
		case b.failed != "":
			m.wrongf("active although the last attempt failed: %s", b.failed)
		case current && !record.Tokens.ExpiresAt.IsZero() && m.now().Sub(record.Tokens.ExpiresAt) > time.Second:
			m.wrongf("active although the access token is over by the clock")
		case current && b.reported[record.Generation] && !accepted:
			m.wrongf("active although the token is dead and a caller said so")
		}
	case credential.Degraded:
		if b.failed == "" && s.Reason != oversleptReason {
			m.wrongf("degraded without a failure")
		}
		if over := m.now().Sub(record.Tokens.ExpiresAt); s.HeldBy != "" && current && !record.Tokens.ExpiresAt.IsZero() && over > time.Second {
			m.wrongf("degraded although the access token is over, and no other comes before a person acts")
		}
	case credential.ReauthorizationRequired:
		if held && m.renewable(record) && !m.fateUnknown(record) {
			m.wrongf("reauthorization_required although the grant is good")
		}
	case credential.ClientMisconfigured:
		if b.failed != credential.DeadClient && b.failed != credential.Misconfigured {
			m.wrongf("client_misconfigured after %q", b.failed)
		}
	case credential.Pending:
		if held && b.failed == "" { // after a failure it may be that an attempt brought it that Temporal had lost
			m.wrongf("pending with a credential")
		}
	case credential.Disconnected:
		m.wrongf("disconnected and still running")
	}
	if s.HeldBy != "" && b.failed != credential.DeadClient {
		m.wrongf("held by its connector after %q", b.failed)
	}
	if s.Status.NeedsPerson() && current && accepted && !reported {
		m.wrongf("calls are refused (%s) although the access token is good and nobody said otherwise", s.Status)
	}
}

// renewable reports whether the provider would give another token for the credential.
func (m *model) renewable(r vault.Record) bool {
	switch {
	case m.dialect.minted:
		return true
	case r.Tokens.Refreshable():
		return m.server.accepts(r.Tokens.Refresh)
	}
	return m.server.accepts(r.Tokens.Access)
}

// fateUnknown reports whether the refresh token was presented and nobody on our side can know what came of it.
func (m *model) fateUnknown(r vault.Record) (unknown bool) {
	m.server.change(m.server.find(r.Tokens.Refresh), func(t *issuedToken) { unknown = t.unknown > 0 })
	return unknown && r.Presented != nil
}

// checkHealth is what must hold when nothing failed for long.
func (m *model) checkHealth() {
	m.mu.Lock()
	busy := slices.Sorted(maps.Keys(m.attempts))
	m.mu.Unlock()
	if len(busy) > 0 {
		m.wrongf("nothing fails for an hour, and the account is still busy with %s", strings.Join(busy, ", "))
		return
	}
	s := m.status()
	left := slices.DeleteFunc(m.strays(), func(r credential.Replaced) bool {
		return s.Quarantine != nil && s.Quarantine.Authorization == r.Authorization
	})
	if len(left) > 0 || len(s.Replaced) > 0 {
		m.wrongf("nothing fails for an hour, and %s is not revoked", left)
	}
	record, err := m.vault.Get(m.t.Context(), acmeSlack)
	if err == nil && m.renewable(record) && !m.fateUnknown(record) && s.Status != credential.Active {
		m.wrongf("nothing fails for an hour and the grant is good, but the account is %s: %s", s.Status, s.Reason)
	}
}

func (m *model) status() AccountStatus {
	value, err := m.env.QueryWorkflow(QueryStatus)
	var s AccountStatus
	if err == nil {
		err = value.Get(&s)
	}
	if err != nil {
		m.wrongf("the account does not say what is true of it: %v", err)
	}
	return s
}

// activityName returns the name of a method.
func activityName(method any) string {
	return strings.TrimSuffix(path.Ext(runtime.FuncForPC(reflect.ValueOf(method).Pointer()).Name()), "-fm")
}
