package provider

import "time"

// RetryAfterAmbiguous reports whether a refresh token may be presented again after a refresh whose outcome is unknown: the
// request was sent and no answer came that says what became of it. since is the time from the first presentation.
//
//	rotation     reuse harmless               reuse revokes the grant
//	static       yes, nothing was spent       yes
//	grace        yes                          inside half the window, where since is not negative
//	single_use   yes                          never
//	none         there is nothing to present
//
// Where reuse is harmless it is worth it, however often: if no request has arrived, the grant lives, and an outage that answers
// 502 for an hour ends none; and if one did arrive, the answer is the invalid_grant that was due anyway. Half the window where
// a late arrival would kill the grant, because the request needs time to get there. A negative since comes from clocks that differ
// by more than has gone by, and then nobody knows how much of the window is left.
func (p Provider) RetryAfterAmbiguous(since time.Duration) bool {
	switch t := p.Token; {
	case t.Rotation == RotationNone:
		return false
	case t.Rotation == RotationStatic || !t.ReuseRevokesGrant:
		return true
	case t.Rotation == RotationGrace:
		return since >= 0 && since < t.Grace/2
	}
	return false
}
