package activities

import (
	"fmt"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// Marks is what the end of an attempt says of the presentations that the vault has then. The number of an attempt would say less:
// Temporal counts from 1 again when somebody resets the Activity. Each presentation has a name, so that another name in the vault
// says that there was one since. Their number would not: a worker that everybody gave up may take back its own, and the next one has
// its number. As long as the name is the same there are at most those that the marks are about.
type Marks struct {
	// Of is the generation that was presented. Marks of another one say nothing.
	Of credential.Generation `json:"marks_of,omitempty"`
	// By is the name of the last one.
	By string `json:"by,omitempty"`
	// Ended is how many are on record whose answers nobody waits for any more.
	Ended int `json:"ended,omitempty"`
	// Unspent is as many, where it is known of all of them that the refresh token was not spent.
	Unspent int `json:"unspent,omitempty"`
	// Vain names one after them, which the vault may have or not. Nothing was sent after it, or nothing spent.
	Vain string `json:"vain,omitempty"`
}

// unspent reports whether nothing was spent by all presentations on record.
func (m Marks) unspent(r vault.Record) bool {
	return m.ended(r) && (r.Presented == nil || m.Unspent == m.Ended)
}

// ended reports whether nobody waits for the answer of any presentation on record.
func (m Marks) ended(r vault.Record) bool {
	switch p := r.Presented; {
	case p == nil:
		return true
	case m.Of != r.Generation:
		return false
	case m.Vain != "" && m.Vain == p.By:
		return p.Attempts <= m.Ended+1
	default:
		return m.By == p.By && p.Attempts <= m.Ended
	}
}

// unsettled judges a generation that was presented before and whose outcome is not known. blocked is false when the provider's
// facts allow to present it once more.
func (t *attempt) unsettled() (verdict RefreshResult, blocked bool) {
	if t.in.Refusal != nil && t.record.Generation == t.in.Generation {
		return RefreshResult{Failure: t.in.Refusal}, true // it is known after all
	}
	p, over := *t.record.Presented, t.marks.ended(t.record)
	t.marks = Marks{Of: t.record.Generation, By: p.By, Ended: p.Attempts} // when the next attempt begins
	ago := t.now().Sub(p.At)
	if talking := stillTalking(t.conn, p, ago); talking > 0 && !over {
		// Its worker may only seem dead: one that lost Temporal still waits for the provider.
		return inFlight("an earlier attempt may still be waiting for its answer", talking), true
	}
	if t.conn.Provider.RetryAfterAmbiguous(ago) {
		return RefreshResult{}, false
	}
	return failed(credential.DeadGrant, CodeOutcomeUnknown, outcomeUnknown(t.conn, p)), true
}

func inFlight(message string, wait time.Duration) RefreshResult {
	result := failed(credential.Transient, CodeInFlight, message)
	result.Failure.RetryAfter = wait
	return result
}

// stillTalking returns how long an attempt that left the mark may go on. The mark has the time of the first presentation
// only; a later one may have begun just now.
func stillTalking(conn Connection, p vault.Presentation, ago time.Duration) time.Duration {
	whole := conn.Timeout + talkMargin
	if p.Attempts > 1 {
		return whole
	}
	return min(whole-ago, whole)
}

// talkMargin is what an attempt may take beyond the timeout of its request to have stored the answer.
const talkMargin = 5 * time.Second

func outcomeUnknown(conn Connection, p vault.Presentation) string {
	return fmt.Sprintf("the refresh token was presented at %s and the answer is lost; presenting it again could revoke the grant at %s",
		p.At.UTC().Format(time.RFC3339), conn.Provider.Name)
}
