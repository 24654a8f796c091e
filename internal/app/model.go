package app

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"tokenkeeper/activities"
	"tokenkeeper/config"
	"tokenkeeper/gateway"
	"tokenkeeper/model"
	"tokenkeeper/triage"
	"tokenkeeper/vault"
)

var _ activities.Models = (*App)(nil)

// Model returns the language model that reads messages; nil where the rules do.
func (a *App) Model() triage.Understander {
	if current := a.current.Load(); current.model != nil {
		return current.model
	}
	return nil // and not a nil of another type
}

func newModel(m config.Model, spent model.Meter) *model.Client {
	return model.New(model.Options{
		BaseURL: m.BaseURL, Name: m.Model, Key: m.APIKey(), Timeout: m.Timeout, MaxOutputTokens: m.MaxOutputTokens, DailyTokens: m.DailyTokens,
	}, spent)
}

// modelTokens is the name of the budget of the model's tokens.
const modelTokens = "model"

// meter keeps account in the vault, where all processes that have it open share one budget; without a vault the process has
// one for itself.
type meter struct {
	shared atomic.Pointer[vault.Vault]
	alone  model.Budget
}

var _ model.Meter = (*meter)(nil)

// Spend implements [model.Meter].
func (m *meter) Spend(ctx context.Context, tokens, limit int) (day string, ok bool, err error) {
	if v := m.shared.Load(); v != nil {
		return v.Spend(ctx, modelTokens, tokens, limit)
	}
	return m.alone.Spend(ctx, tokens, limit)
}

// Settle implements [model.Meter].
func (m *meter) Settle(ctx context.Context, day string, unused int, failure string) error {
	if v := m.shared.Load(); v != nil {
		return v.Settle(ctx, modelTokens, day, unused, failure)
	}
	return m.alone.Settle(ctx, day, unused, failure)
}

// lookAtModel returns what the model cost today and whether it answers; nil where the rules read messages, or the vault
// is not open, which has the books.
func (a *App) lookAtModel(ctx context.Context) (*gateway.ModelView, error) {
	return a.lookAtModelOn(ctx, time.Now())
}

func (a *App) lookAtModelOn(ctx context.Context, now time.Time) (*gateway.ModelView, error) {
	m := a.Config().Model
	if !m.InUse() || a.Vault == nil {
		return nil, nil //nolint:nilnil // there is nothing to see
	}
	spent, err := a.Vault.Budget(ctx, modelTokens)
	if err != nil {
		return nil, err
	}
	view := gateway.ModelView{
		Model: m.Model, Tokens: spent.Spent, DailyTokens: m.DailyTokens, FailingSince: spent.FailingSince, Failures: spent.Failures, Failure: spent.Failure,
	}
	if today := now.UTC().Format(time.DateOnly); spent.Day < today {
		view.Tokens = 0
		if spent.Failure == model.UsedUp {
			view.FailingSince, view.Failures, view.Failure = time.Time{}, 0, ""
		}
	}
	return &view, nil
}

// failuresInARow are more than chance: a model may refuse one message, and not understand another.
const failuresInARow = 3

// checkModel checks that the model's server is there and accepts the key, and that it answers. It costs no tokens.
func (a *App) checkModel(ctx context.Context) Finding {
	current := a.current.Load()
	f := Finding{Subject: "model " + current.config.Model.Model, Place: current.config.Position("model").String()}
	if err := current.model.Check(ctx); err != nil {
		f.Problem, f.Fix = err.Error(), "correct base_url and the key, or delete the section model; meanwhile the rules read the messages"
		return f
	}
	seen, err := a.lookAtModel(ctx)
	switch {
	case err != nil:
		f.Problem = err.Error()
	case seen != nil && seen.Failures >= failuresInARow:
		f.Problem = fmt.Sprintf("the rules have read %d messages in its place since %s, because the model %s",
			seen.Failures, seen.FailingSince.UTC().Format(time.RFC3339), seen.Failure)
		f.Fix = "see the log of the workers"
		if seen.Failure == model.UsedUp {
			f.Fix = "raise model.daily_tokens, or leave it to the rules until midnight UTC"
		}
	default:
		f.OK, f.Place = true, ""
	}
	return f
}
