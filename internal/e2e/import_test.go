package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	"tokenkeeper/credential"
	"tokenkeeper/internal/devserver"
	"tokenkeeper/sandbox"
	"tokenkeeper/workflows"
)

// imported is what account import --json prints.
type imported struct {
	Authorization string `json:"authorization"`
	Command       string `json:"command"`
}

// imports pipes a new grant of an account into account import, as a token endpoint answers it.
func (w *world) imports(account credential.AccountID) imported {
	w.t.Helper()
	tokens, err := w.grant(w.t.Context(), account, "")
	require.NoError(w.t, err)
	answer, err := json.Marshal(map[string]any{
		"access_token": tokens.Access.Reveal(), "refresh_token": tokens.Refresh.Reveal(), "token_type": tokens.Type,
		"expires_in": int(time.Until(tokens.ExpiresAt).Seconds()), "scope": strings.Join(tokens.Scopes, " "),
	})
	require.NoError(w.t, err)
	printed := w.pipes(string(answer), "account", "import", account.String(), "--json")
	for _, token := range w.sandbox.IssuedTokens() {
		assert.NotContains(w.t, printed, token)
	}
	var out imported
	require.NoError(w.t, json.Unmarshal([]byte(printed), &out))
	return out
}

// shell has an operator type a line that begins with temporal.
func (w *world) shell(line string) {
	w.t.Helper()
	cli, err := devserver.FindCLI()
	require.NoError(w.t, err)
	command := exec.CommandContext(w.t.Context(), "sh", "-c", line)
	command.Env = append(w.environment(), "PATH="+filepath.Dir(cli)+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := command.CombinedOutput()
	require.NoError(w.t, err, string(out))
}

// Tokens that were got elsewhere come from standard input, and the temporal command alone hands them over: to an account that
// waits for a person, and to one that has no Workflow yet.
func TestImportedTokensAreHandedOverWithTheTemporalCommand(t *testing.T) {
	beside(t)
	w := newWorld(t, sandbox.Options{})
	slack, github := w.connect("slack"), w.account("github")
	w.kill(sandbox.Slack, slack)
	before := w.status(slack)
	w.shell("temporal workflow signal --workflow-id " + workflows.AccountWorkflowID(slack) + " --name reauthorized " +
		`--input '{"authorization":"` + w.imports(slack).Authorization + `"}'`)
	w.shell(w.imports(github).Command)
	for _, account := range []credential.AccountID{slack, github} {
		w.eventually(account.String()+" to take its tokens", func() bool { return w.status(account).Status == credential.Active })
		require.NoError(t, w.asks(account), "the tokens are good")
		text, err := proto.Marshal(w.history(workflows.AccountWorkflowID(account)))
		require.NoError(t, err)
		for _, token := range w.sandbox.IssuedTokens() {
			assert.NotContains(t, string(text), token)
		}
	}
	after := w.status(slack)
	assert.Equal(t, before.Generation+1, after.Generation)
	assert.Equal(t, before.Subject, after.Subject)
}
