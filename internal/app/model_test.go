package app

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"tokenkeeper/config"
)

func TestTheModelOfTheConfiguration(t *testing.T) {
	a := &App{}
	a.current.Store(newSetup(&config.Config{}, nil))
	model, threshold := a.Model()
	if model != nil { // assert.Nil takes a nil in disguise for one
		t.Errorf("model = %#v", model)
	}
	assert.Zero(t, threshold)

	asked := &config.Config{Model: config.Model{BaseURL: "http://127.0.0.1:11434/v1", Model: "small", Threshold: 60}}
	before := newSetup(asked, a.current.Load())
	after := newSetup(asked, before)
	a.current.Store(after)
	model, threshold = a.Model()
	assert.NotNil(t, model)
	assert.InDelta(t, 0.6, threshold, 1e-9)
	assert.Same(t, before.spent, after.spent, "a changed file begins no new day")
}
