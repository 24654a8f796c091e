package provider

import "time"

// RetryAfterAmbiguous reports whether a refresh token may be presented once more after a refresh whose outcome is
// unknown: the request was sent and no answer came. attempts counts the presentations made so far, since is the time from
// the first of them.
//
//	rotation     reuse harmless               reuse revokes the grant
//	static       yes, nothing was spent       yes
//	grace        inside the window, or once   inside half the window, where since is not negative
//	single_use   once                         never
//	none         there is nothing to present
//
// Once more is worth it with a single-use token: if the lost request never arrived, it succeeds, and if it did arrive, the
// answer is invalid_grant, which costs nothing that was not lost. Half the window where a late arrival would kill the
// grant, because the request needs time to get there. A negative since comes from clocks that differ by more than has gone
// by, and then nobody knows how much of the window is left.
func (p Provider) RetryAfterAmbiguous(attempts int, since time.Duration) bool {
	switch t := p.Token; t.Rotation {
	case RotationNone:
		return false
	case RotationStatic:
		return true
	case RotationGrace:
		if t.ReuseRevokesGrant {
			return since >= 0 && since < t.Grace/2
		}
		return since < t.Grace || attempts < 2
	default:
		return !t.ReuseRevokesGrant && attempts < 2
	}
}
