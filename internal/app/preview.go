package app

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"

	"tokenkeeper/activities"
	"tokenkeeper/triage"
)

// Preview is what a triage would make of what was posted to its channels.
type Preview struct {
	Triage string    `json:"triage"`
	Since  time.Time `json:"since"`
	// Messages of people, oldest first.
	Messages []activities.Previewed `json:"messages"`
	// PassedOver counts messages that are skipped unread. :: one of triage's Skip constants → how many
	PassedOver map[string]int `json:"passed_over"`
}

// PreviewOptions say what of a triage is previewed.
type PreviewOptions struct {
	Since time.Time
	// ByModel has the language model of the configuration read the messages, which costs its tokens; else the rules do.
	ByModel bool
	// Waiting is called with the channel and the time to wait, where Slack limits reading.
	Waiting func(channel string, pause time.Duration)
}

// Preview reads the channels of a triage back to a time and says what would be filed, and by which templates, as far as GitHub
// shows them. It writes nothing. The vault must be open.
// Errors: of the configuration; those of [activities.Slack.Preview], but no limit.
func (a *App) Preview(ctx context.Context, name string, o PreviewOptions) (Preview, error) {
	plan, err := a.Plan(name)
	if err != nil {
		return Preview{}, err
	}
	slack := activities.Slack{APIs: a, Plans: a}
	if o.ByModel {
		slack.Models = a
	}
	whole := Preview{Triage: name, Since: o.Since, Messages: []activities.Previewed{}, PassedOver: map[string]int{}}
	for _, channel := range plan.Channels() {
		in := activities.PreviewInput{Triage: name, Channel: channel, After: triage.TimestampOf(o.Since)}
		for more := true; more; more = in.Cursor != "" {
			page, err := previewPage(ctx, &slack, in, o.Waiting)
			if err != nil {
				return Preview{}, err
			}
			whole.Messages = append(whole.Messages, page.Messages...)
			for reason, n := range page.PassedOver {
				whole.PassedOver[reason] += n
			}
			in.Cursor = page.Cursor
		}
	}
	slices.SortStableFunc(whole.Messages, func(x, y activities.Previewed) int {
		return cmp.Or(x.Report.Time().Compare(y.Report.Time()), cmp.Compare(x.Report.String(), y.Report.String()))
	})
	templates := activities.TemplatePreview{GitHub: &activities.GitHub{APIs: a}}
	for i := range whole.Messages {
		templates.Apply(ctx, &whole.Messages[i])
	}
	return whole, ctx.Err()
}

// previewPage reads a page, and waits and reads again as often as Slack asks for it.
func previewPage(
	ctx context.Context, slack *activities.Slack, in activities.PreviewInput, waiting func(string, time.Duration),
) (activities.Preview, error) {
	for {
		page, err := slack.Preview(ctx, in)
		later, ok := errors.AsType[*temporal.ApplicationError](err)
		if !ok || later.Type() != activities.ErrTypeRateLimited {
			return page, err
		}
		waiting(in.Channel, later.NextRetryDelay())
		waitUntil(ctx, time.Now().Add(later.NextRetryDelay()))
		if ctx.Err() != nil {
			return activities.Preview{}, ctx.Err()
		}
	}
}
