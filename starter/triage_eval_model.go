package main

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"tokenkeeper/internal/app"
	"tokenkeeper/triage"
)

// askedAtOnce bounds the concurrent requests to a model.
const askedAtOnce = 4

// evaluateModel has the configured model read all samples.
func (c *cli) evaluateModel(ctx context.Context, samples []triage.Sample) (e evaluation, err error) {
	err = c.withApp(func(a *app.App) error {
		model := a.Model()
		if model == nil {
			return noModel(a)
		}
		found, unanswered := askAll(ctx, model, samples)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		at := -1
		e = evaluate(a.Config().Model.Model, samples, func(triage.Sample) triage.Classification { at++; return found[at] })
		e.Unanswered = len(unanswered)
		if len(unanswered) > 0 {
			e.Why = unanswered[0].Error()
		}
		return nil
	})
	return e, err
}

// noModel is the failure of --model where there is none.
func noModel(a *app.App) error {
	return &failure{code: exitConfig, err: fmt.Errorf("%s has no model", a.Config().Path), fix: "add the section model, or leave --model out"}
}

// askAll returns what the model, or else the rules, found in each sample, and why it did not answer.
func askAll(ctx context.Context, model triage.Understander, samples []triage.Sample) (found []triage.Classification, unanswered []error) {
	found = make([]triage.Classification, len(samples))
	errs := make([]error, len(samples))
	var group errgroup.Group
	group.SetLimit(askedAtOnce)
	for i, s := range samples {
		group.Go(func() error {
			understood, err := model.Understand(ctx, s.Message(), nil)
			if found[i], errs[i] = understood.Classification, err; err != nil {
				found[i] = triage.Classify(s.Message())
			}
			return nil
		})
	}
	_ = group.Wait() // what fails is in errs
	for _, err := range errs {
		if err != nil {
			unanswered = append(unanswered, err)
		}
	}
	return found, unanswered
}
