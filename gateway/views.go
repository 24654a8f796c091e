package gateway

import (
	"fmt"
	"strings"
	"time"

	"tokenkeeper/activities"
	"tokenkeeper/credential"
)

// AccountView is an account as seen from outside, on the status page and in a terminal.
type AccountView struct {
	credential.AccountStatus

	// Stale says that no worker answered: this is what the Workflow's search attributes said last.
	Stale bool `json:"stale,omitempty"`
	// WebUI is where Temporal's Web UI shows the Workflow that owns it; "" where there is none or nobody said where that is.
	WebUI string `json:"web_ui,omitempty"`
}

// What a triage does: what it says itself, and what is said of it when it cannot.
const (
	triagePolling    = "polling"
	triagePaused     = "paused"
	TriageNotRunning = "not running"
	TriageNoWorker   = "no worker"
)

// TriageView is everything an operator wants to know of one triage.
type TriageView struct {
	Triage string `json:"triage"`
	// Accounts are those that it reads and files with.
	Accounts []credential.AccountID `json:"accounts,omitempty"`
	// State is polling, paused, waiting or misconfigured, as the triage says; [TriageNotRunning] and [TriageNoWorker] where
	// it cannot say.
	State string `json:"state"`
	// Worked is when Slack last answered for any channel: running is not working.
	Worked time.Time `json:"last_worked,omitzero"`
	// Trouble says why it is misconfigured.
	Trouble string `json:"trouble,omitempty"`
	// Backlog says since when the reports under way only become more, and which of them is stuck.
	Backlog  string                   `json:"backlog,omitempty"`
	Waiting  []activities.Unavailable `json:"waiting,omitempty"`
	Channels []ChannelView            `json:"channels,omitempty"`
	// Watch says what is wrong with the watch over threads and issues; nil for nothing.
	Watch   *WatchView  `json:"watch,omitempty"`
	Reports ReportsView `json:"reports"`
	// Outdated says that it runs with other settings than the configuration has.
	Outdated bool `json:"outdated,omitempty"`
	// Model is what reads the messages; nil where the rules do.
	Model *ModelView `json:"model,omitempty"`
	// WebUI is where Temporal's Web UI shows it.
	WebUI string `json:"web_ui,omitempty"`
}

// WatchView is what is wrong with the watch over the threads and issues of a triage.
type WatchView struct {
	Trouble string `json:"trouble"`
	// FailingSince is when it began; zero where that is not known.
	FailingSince time.Time `json:"failing_since,omitzero"`
}

// ModelView is a language model, what it costs, and whether it answers.
type ModelView struct {
	Model       string `json:"model"`
	Tokens      int    `json:"tokens_today"`           // in the day of UTC, by all workers
	DailyTokens int    `json:"daily_tokens,omitempty"` // what they may be; 0 for any number
	// FailingSince is since when the rules stand in for it; absent where it gave the last answer.
	FailingSince time.Time `json:"failing_since,omitzero"`
	Failures     int       `json:"failures,omitempty"` // messages that they have read in its place
	// Failure completes "because the model …".
	Failure string `json:"failure,omitempty"`
}

// Cost says what it costs, for people.
func (m ModelView) Cost() string {
	if m.DailyTokens == 0 {
		return fmt.Sprintf("%d tokens today", m.Tokens)
	}
	return fmt.Sprintf("%d of %d tokens today", m.Tokens, m.DailyTokens)
}

// NoticesView is what of the notices to people does not arrive. Each that is under way is tried on.
type NoticesView struct {
	UnderWay int64 // the late ones included
	// Late counts those that are under way for so long that somebody should look.
	Late   int64
	Oldest time.Time // when the first of these was written; zero for none
	// Trouble is what a target of that one answered last, "" where none did.
	Trouble string
	// Lost counts those that were given up in the last day: some target never got them.
	Lost int64
}

// Problem says what does not arrive, "" for nothing.
func (n NoticesView) Problem() string {
	var said []string
	if n.Late > 0 {
		late := plural(int(n.Late), "notice") + " did not reach everybody yet, the first since " + formatTime(n.Oldest)
		if n.Trouble != "" {
			late += " (" + n.Trouble + ")"
		}
		said = append(said, late)
	}
	if n.Lost > 0 {
		said = append(said, plural(int(n.Lost), "notice")+" of the last day never reached everybody, and nobody tries any more")
	}
	return strings.Join(said, "; ")
}

// ChannelView says when a channel was last read, which is more than that somebody tries to.
type ChannelView struct {
	Channel    string `json:"channel"`
	Repository string `json:"repository"` // owner/name, with " via " and an account where the route has its own; several with commas
	// Mode is [ModeDryRun], [ModeAsk] or [ModeMixed], "" where reports are filed.
	Mode string `json:"mode,omitempty"`
	// LastPoll is when Slack last answered, with something new or without; absent when that is not known.
	LastPoll time.Time `json:"last_successful_poll,omitzero"`
	NextPoll time.Time `json:"next_poll,omitzero"`
	// FailingSince is when the first of the polls ended that failed one after the other until now.
	FailingSince time.Time `json:"failing_since,omitzero"`
	// Patience is how long they may fail before that is news, where they say it themselves.
	Patience time.Duration `json:"-"`
	// Attempts counts the polls since the last one that brought something.
	Attempts int32 `json:"attempts"`
	Messages int   `json:"messages"`
	// Watermark is the ts of Slack up to which everything was read.
	Watermark string `json:"watermark"`
	Trouble   string `json:"trouble,omitempty"`
	// Note is what people should know of it, and cannot mend.
	Note string `json:"note,omitempty"`
}

// What becomes of the reports of a channel, where they are not filed at once.
const (
	ModeDryRun = "dry run"               // what would be filed is logged
	ModeAsk    = "asks first"            // people are asked in the thread
	ModeMixed  = "not all filed at once" // the routes of the channel differ in this
)

// ReportsView counts the reports of a triage.
type ReportsView struct {
	Running int64 `json:"running"` // those that wait for an answer included
	Done    int64 `json:"done"`
	Failed  int64 `json:"failed"`
	// Unheard are those under way that did not say in time how they are, because they are very many or no worker answers: some
	// of them may be parked too.
	Unheard int64 `json:"not_heard_of,omitempty"`
	// Asking are those that wait until people answer in the thread.
	Asking  int64          `json:"waiting_for_an_answer,omitempty"`
	Parked  []ParkedReport `json:"parked,omitempty"`
	Waiting []WaitedFor    `json:"waiting,omitempty"`
	Slow    []SlowReport   `json:"slow,omitempty"`
}

// UnderWay counts the reports that wait for nobody's answer.
func (r ReportsView) UnderWay() int64 { return r.Running - r.Asking }

// SlowReport is a report that has been trying the same step for long.
type SlowReport struct {
	Report string    `json:"report"`
	Step   string    `json:"step"`
	Since  time.Time `json:"since"`
}

// WaitedFor is an account that reports wait for.
type WaitedFor struct {
	Account credential.AccountID `json:"account"`
	Status  credential.Status    `json:"status"`
	Reports int                  `json:"reports"`
}

// ParkedReport is a report that no attempt of ours can help; it waits for a person.
type ParkedReport struct {
	Report string `json:"report"`
	Reason string `json:"reason"`
}
