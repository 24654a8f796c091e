package app

import (
	"context"

	"tokenkeeper/activities"
	"tokenkeeper/config"
	"tokenkeeper/model"
	"tokenkeeper/triage"
)

var _ activities.Models = (*App)(nil)

// Model returns the language model that reads messages, and its threshold; nil where the rules do.
func (a *App) Model() (understander triage.Understander, threshold float64) {
	current := a.current.Load()
	if current.model == nil {
		return nil, 0
	}
	return current.model, float64(current.config.Model.Threshold) / 100
}

func newModel(m config.Model, spent *model.Budget) *model.Client {
	return model.New(model.Options{
		BaseURL: m.BaseURL, Name: m.Model, Key: m.APIKey(), Timeout: m.Timeout, MaxOutputTokens: m.MaxOutputTokens, DailyTokens: m.DailyTokens,
	}, spent)
}

// checkModel looks whether the model's server is there and takes the key. It costs no tokens.
func (a *App) checkModel(ctx context.Context) Finding {
	current := a.current.Load()
	f := Finding{Subject: "model " + current.config.Model.Model, OK: true}
	if err := current.model.Check(ctx); err != nil {
		f.OK, f.Problem, f.Place = false, err.Error(), current.config.Position("model").String()
		f.Fix = "correct base_url and the key, or delete the section model; meanwhile the rules read the messages"
	}
	return f
}
