package app

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/config"
	"tokenkeeper/gateway"
	"tokenkeeper/model"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
)

func TestTheModelOfTheConfiguration(t *testing.T) {
	a := &App{}
	a.current.Store(newSetup(&config.Config{}, nil))
	if m := a.Model(); m != nil { // assert.Nil takes a nil in disguise for one
		t.Errorf("model = %#v", m)
	}

	asked := &config.Config{Model: config.Model{BaseURL: "http://127.0.0.1:11434/v1", Model: "small"}}
	before := newSetup(asked, a.current.Load())
	after := newSetup(asked, before)
	a.current.Store(after)
	assert.NotNil(t, a.Model())
	assert.Same(t, before.spent, after.spent, "a changed file begins no new day")
}

const modelSection = `model: {base_url: SANDBOX/model/v1, model: toy, api_key_env: MODEL_KEY, daily_tokens: 20000}
`

// What the vault shows is what the server was paid for, whoever asked, and it outlives whoever asked.
func TestWhatTheModelCostsIsInTheVault(t *testing.T) {
	w := newWorld(t, modelSection)
	require.NoError(t, w.OpenVault(t.Context()))
	message := triage.Message{Key: triage.Key{Team: "T1", Channel: "C1", TS: "1700000000.000100"}, Text: "The app crashes"}
	ask := func() error {
		_, err := w.Model().Understand(t.Context(), message, nil)
		return err
	}
	require.NoError(t, ask())
	require.NoError(t, w.Reload(t.Context()))
	require.NoError(t, ask())

	seen, err := w.lookAtModel(t.Context())
	require.NoError(t, err)
	assert.Equal(t, &gateway.ModelView{Model: "toy", Tokens: w.sandbox.Books().ModelTokens, DailyTokens: 20_000}, seen)
	assert.True(t, w.checkModel(t.Context()).OK)

	require.NoError(t, w.sandbox.Fault(sandbox.Fault{App: sandbox.Model, Endpoint: "chat.completions", Kind: sandbox.FaultAnswer, Code: sandbox.AnswerRefusal, Times: -1}))
	began := time.Now()
	for range failuresInARow - 1 {
		require.Error(t, ask())
	}
	assert.True(t, w.checkModel(t.Context()).OK, "one message or two are no reason for alarm")
	require.Error(t, ask())
	seen, err = w.lookAtModel(t.Context())
	require.NoError(t, err)
	assert.WithinDuration(t, began, seen.FailingSince, time.Second)
	f := w.checkModel(t.Context())
	assert.False(t, f.OK)
	assert.Contains(t, f.Problem, "the rules have read 3 messages in its place since ")
	assert.Contains(t, f.Problem, "because the model refused to answer")
	assert.Contains(t, f.Place, "tokenkeeper.yaml:26")
}

func TestANewDayIsNotUsedUp(t *testing.T) {
	w := newWorld(t, modelSection)
	seen, err := w.lookAtModel(t.Context())
	require.NoError(t, err)
	assert.Nil(t, seen, "the vault is not open")
	require.NoError(t, w.OpenVault(t.Context()))
	today, ok, err := w.Vault.Spend(t.Context(), modelTokens, 20_000, 20_000)
	require.NoError(t, err)
	require.True(t, ok)
	require.NoError(t, w.Vault.Settle(t.Context(), modelTokens, today, 0, model.UsedUp))

	seen, err = w.lookAtModelOn(t.Context(), time.Now())
	require.NoError(t, err)
	assert.Equal(t, model.UsedUp, seen.Failure)
	assert.Equal(t, 20_000, seen.Tokens)
	seen, err = w.lookAtModelOn(t.Context(), time.Now().Add(24*time.Hour))
	require.NoError(t, err)
	assert.Equal(t, &gateway.ModelView{Model: "toy", DailyTokens: 20_000}, seen)
}
