package workflows

import (
	"fmt"
	"time"

	"tokenkeeper/activities"
)

// Telling is what people were told of the trouble of one account or connector. An episode lasts from the first notice of
// trouble to the notice of its end.
//
// For what breaks and recovers again and again there is a quiet time: for that long after a notice of recovery, new trouble
// is not told; what is still broken when it is over is told then. A recovery is told only where trouble was.
//
// The plan comes with the results of the Activities. A history from before they returned one replays without escalation, and
// so needs no version.
type Telling struct {
	// Began is when people were first told of the trouble.
	Began time.Time `json:"began,omitzero"`
	Stage int       `json:"stage,omitempty"` // notices since then
	// Again is when they hear of it again; zero for never.
	Again time.Time `json:"again,omitzero"`
	// Quiet is until when new trouble is not told.
	Quiet time.Time `json:"quiet,omitzero"`
}

// next returns what the notice that is due is about, and moves on to it.
func (t *Telling) next(now time.Time, told, well bool) activities.NoticeKind {
	switch {
	case told && well:
		return activities.NoticeRecovery
	case told:
		t.Stage++
		t.Again = time.Time{}
	default:
		*t = Telling{Began: now}
	}
	return activities.NoticeTrouble
}

// key identifies a notice: the same for every attempt to send it, another for each episode and stage.
func (t *Telling) key(kind activities.NoticeKind) string {
	if kind == activities.NoticeRecovery {
		return fmt.Sprintf("%s/%d", kind, t.Began.UnixNano())
	}
	return fmt.Sprintf("%s/%d/%d", kind, t.Began.UnixNano(), t.Stage)
}

// episode is the same for all notices of one trouble, and for that of its end.
func (t *Telling) episode() string { return fmt.Sprint(t.Began.UnixNano()) }

// minPause is the least time between two notices, however late the first of them was.
const minPause = time.Minute

// heed takes over from the result of a notice when the next one is due.
func (t *Telling) heed(now time.Time, kind activities.NoticeKind, told activities.Told) {
	switch {
	case kind == activities.NoticeRecovery && told.Quiet > 0:
		*t = Telling{Quiet: now.Add(told.Quiet)}
	case kind == activities.NoticeRecovery:
		*t = Telling{}
	case told.Again > 0:
		t.Again = latest(t.Began.Add(told.Again), now.Add(minPause))
	}
}
