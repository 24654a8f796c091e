package gateway

import (
	"time"

	"tokenkeeper/triage"
)

// triageCard is a triage on the status page.
type triageCard struct {
	TriageView

	Tone   tone
	Worked *moment
	// RulesSince is since when the rules stand in for the model.
	RulesSince *moment
	Advice     string
	Channels   []channelRow
}

type channelRow struct {
	ChannelView

	LastPoll  *moment
	NextPoll  *moment
	Watermark *moment // up to when everything was read
	Failing   *moment
}

// IsTrial reports whether nothing of the channel is filed.
func (c channelRow) IsTrial() bool { return c.Mode == ModeDryRun }

func newTriageCard(now time.Time, view TriageView) triageCard {
	card := triageCard{
		TriageView: view, Tone: triageTone(view), Worked: at(now, view.Worked), Advice: triageAdvice(view),
	}
	if view.Model != nil {
		card.RulesSince = at(now, view.Model.FailingSince)
	}
	for _, channel := range view.Channels {
		card.Channels = append(card.Channels, channelRow{
			ChannelView: channel, LastPoll: at(now, channel.LastPoll), NextPoll: at(now, channel.NextPoll),
			Watermark: at(now, triage.Key{TS: channel.Watermark}.Time()), Failing: at(now, channel.FailingSince),
		})
	}
	return card
}

// triageTone is good only where the triage reads, files, and falls behind nowhere: running is not working.
func triageTone(view TriageView) tone {
	switch view.State {
	case TriageNotRunning:
		return idle
	case triagePolling:
	default:
		return bad
	}
	if view.Backlog != "" || view.Trouble != "" || view.Watch != nil || len(view.Reports.Parked)+len(view.Reports.Waiting) > 0 {
		return warn
	}
	for _, channel := range view.Channels {
		if channel.Trouble != "" {
			return warn
		}
	}
	return fine
}

// ID is what the card can be linked to by.
func (c triageCard) ID() string { return "triage/" + c.Triage }

func triageAdvice(view TriageView) string {
	switch {
	case view.State == TriageNotRunning:
		return "Start it with: tokenkeeper triage start " + view.Triage
	case view.State == TriageNoWorker:
		return "No worker answers, so nothing is read or filed now. Start one: make run"
	case view.State == triagePaused:
		return "Somebody paused it. It goes on with: tokenkeeper triage resume " + view.Triage
	case view.Trouble != "":
		return "Correct tokenkeeper.yaml. It goes on by itself, and nothing is lost meanwhile."
	case len(view.Reports.Parked) > 0:
		return "Mend what parks reports, then: tokenkeeper triage retry " + view.Triage
	case view.Outdated:
		return "It runs with other settings than the configuration has. It takes them over with: tokenkeeper triage reload " + view.Triage
	}
	return ""
}
