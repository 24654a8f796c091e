package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// replace puts a file beside the configuration, as a whole.
func (w *world) replace(name, text string) {
	w.t.Helper()
	file := filepath.Join(filepath.Dir(w.Config().Path), name)
	require.NoError(w.t, os.WriteFile(file+".new", []byte(text), 0o600))
	require.NoError(w.t, os.Rename(file+".new", file))
}

func (w *world) secretOf(connector string) string {
	c, _ := w.Config().Connector(connector)
	secret := c.ClientSecret()
	return secret.Reveal()
}

// Somebody puts a wrong secret into the file that the configuration names, and then the right one. Nothing is restarted.
func TestASecretThatIsCorrectedInItsFileIsTakenWithoutARestart(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	good := w.secretOf("github")
	w.replace("github.secret", good)
	before, err := os.ReadFile(w.Config().Path)
	require.NoError(t, err)
	w.replace(filepath.Base(w.Config().Path), strings.Replace(string(before), "client_secret_env: GITHUB_CLIENT_SECRET", "client_secret_file: github.secret", 1))
	require.NoError(t, w.Reload(t.Context()))
	w.OnReload(w.TellConnectors)
	w.ConfigureConnectors(t.Context())
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		w.Watch(t.Context(), nil)
	}()
	t.Cleanup(func() { <-watched }) // the test's context ends before that
	account := w.settleMany(1, "github")[0]
	began := w.runOf(account)

	w.replace("github.secret", "a wrong one")
	w.eventually("the wrong secret to be read", func() bool { return w.secretOf("github") == "a wrong one" })
	_, err = w.Workflows.Refresh(t.Context(), account, 1)
	require.NoError(t, err)
	w.eventually("the account to wait", func() bool { return w.status(account).Status == credential.ClientMisconfigured })
	w.replace("github.secret", good)
	w.eventually("the account to go on", func() bool { return w.status(account).Status == credential.Active })

	assert.EqualValues(t, 2, w.status(account).Generation)
	assert.Equal(t, began, w.runOf(account))
}

// runOf returns the id of the run that owns the account now.
func (w *world) runOf(account credential.AccountID) string {
	w.t.Helper()
	d, err := w.Temporal.DescribeWorkflowExecution(w.t.Context(), workflows.AccountWorkflowID(account), "")
	require.NoError(w.t, err)
	return d.GetWorkflowExecutionInfo().GetExecution().GetRunId()
}
