package activities

import (
	"fmt"
	"time"

	"tokenkeeper/credential"
	"tokenkeeper/vault"
)

// Marks say what is known, at the end of an attempt, of the presentations of the refresh token that the vault has on record
// (see the package documentation).
//
// They do not use the number of the attempt: Temporal counts from 1 again when somebody resets the Activity. Nor would the
// number of presentations do: a worker that was given up may still take its own back, and the next presentation then has its
// number. So each presentation has a random name. As long as the vault has the name that the marks have, there was no
// presentation since.
type Marks struct {
	// Of is the generation that was presented. Marks of another one say nothing.
	Of credential.Generation `json:"marks_of,omitempty"`
	// By is the name of the last presentation.
	By string `json:"by,omitempty"`
	// Ended is how many presentations are on record whose answers nobody waits for any more.
	Ended int `json:"ended,omitempty"`
	// Unspent equals Ended where all of these are known not to have spent the refresh token.
	Unspent int `json:"unspent,omitempty"`
	// Vain is the name of one more presentation after them that the vault may have or not: nothing was sent after it, or
	// nothing was spent.
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

// unsettled judges a generation that was presented before, without a known outcome. blocked is false where the provider's
// facts allow another presentation.
func (t *attempt) unsettled() (verdict RefreshResult, blocked bool) {
	if t.in.Refusal != nil && t.record.Generation == t.in.Generation {
		return RefreshResult{Failure: t.in.Refusal}, true // the outcome is known after all
	}
	p, over := *t.record.Presented, t.marks.ended(t.record)
	t.marks = Marks{Of: t.record.Generation, By: p.By, Ended: p.Attempts} // as it will be when the next attempt begins
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

// stillTalking returns for how long the attempt that left the mark may still wait for its answer. The mark has the time of
// the first presentation only, so where there were several the last may have begun just now.
func stillTalking(conn Connection, p vault.Presentation, ago time.Duration) time.Duration {
	whole := conn.Timeout + talkMargin
	if p.Attempts > 1 {
		return whole
	}
	return min(whole-ago, whole)
}

// talkMargin is the time that an attempt has beyond the timeout of its request to store the answer.
const talkMargin = 5 * time.Second

func outcomeUnknown(conn Connection, p vault.Presentation) string {
	return fmt.Sprintf("the refresh token was presented at %s and the answer is lost; presenting it again could revoke the grant at %s",
		p.At.UTC().Format(time.RFC3339), conn.Provider.Name)
}
