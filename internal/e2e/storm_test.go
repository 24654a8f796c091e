package e2e

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"tokenkeeper/connector"
	"tokenkeeper/credential"
	"tokenkeeper/internal/app"
	"tokenkeeper/sandbox"
	"tokenkeeper/vault"
)

// stormAccounts is how many accounts are refreshed at once.
var stormAccounts = flag.Int("accounts", 100, "accounts of the storm")

// callerVariable turns this test's binary into one of many worker processes that make calls: "configuration|account|goroutines".
const callerVariable = "TOKENKEEPER_E2E_CALLER"

// callUntold works as any worker does, makes calls side by side when told so on standard input, and prints how many went well.
func callUntold(instruction string) (err error) {
	parts := strings.Split(instruction, "|")
	account, err := credential.ParseAccountID(parts[1])
	if err != nil {
		return err
	}
	goroutines, err := strconv.Atoi(parts[2])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	a, err := app.Open(app.Options{ConfigPath: parts[0]})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := a.OpenVault(ctx); err != nil {
		return err
	}
	worker := a.NewWorker()
	if err := worker.Start(); err != nil {
		return err
	}
	defer worker.Stop()
	api, err := a.API(account)
	if err != nil {
		return err
	}
	fmt.Println("ready")
	told := bufio.NewReader(os.Stdin)
	if _, err := told.ReadString('\n'); err != nil {
		return err
	}
	var good atomic.Int64
	var group errgroup.Group
	for range goroutines {
		group.Go(func() error {
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, api.Base.String()+"auth.test", nil)
			if err != nil {
				return err
			}
			response, err := api.HTTP.Do(request)
			if err != nil {
				return err
			}
			defer response.Body.Close()
			body, err := io.ReadAll(response.Body)
			if strings.Contains(string(body), `"ok":true`) {
				good.Add(1)
			}
			return err
		})
	}
	err = group.Wait()
	fmt.Println("good", good.Load())
	// The Workflows may go on in this process: it works until all are through.
	if _, lineErr := told.ReadString('\n'); lineErr != nil {
		return errors.Join(err, lineErr)
	}
	return err
}

// caller is one worker process that makes calls.
type caller struct {
	*exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func (w *world) caller(account credential.AccountID, goroutines int) *caller {
	w.t.Helper()
	cmd := exec.CommandContext(w.t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%s|%d", callerVariable, w.Config().Path, account, goroutines))
	for name, value := range w.settings {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	cmd.Stderr = w.t.Output()
	in, err := cmd.StdinPipe()
	require.NoError(w.t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(w.t, err)
	require.NoError(w.t, cmd.Start())
	c := &caller{Cmd: cmd, in: in, out: bufio.NewReader(out)}
	require.Equal(w.t, "ready", c.line(w.t))
	return c
}

func (c *caller) line(t testing.TB) string {
	t.Helper()
	line, err := c.out.ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(line)
}

func (c *caller) goOn(t testing.TB) {
	t.Helper()
	_, err := io.WriteString(c.in, "go\n")
	require.NoError(t, err)
}

// Eight worker processes, and no other, with 64 callers each find the token dead in the same moment.
func TestManyProcessesOneRefresh(t *testing.T) {
	w := newWorld(t, sandbox.Options{})
	account := w.connect("slack")
	const processes, goroutines = 8, 64
	callers := make([]*caller, processes)
	for i := range callers {
		callers[i] = w.caller(account, goroutines)
	}
	w.worker.Stop()
	require.Equal(t, 1, w.sandbox.ExpireAccessTokens(sandbox.Slack))
	for _, c := range callers {
		c.goOn(t)
	}
	for _, c := range callers {
		assert.Equal(t, fmt.Sprintf("good %d", goroutines), c.line(t))
	}
	for _, c := range callers {
		c.goOn(t)
		require.NoError(t, c.Wait())
	}
	books := w.sandbox.Books()
	assert.Equal(t, 1, books.RefreshesByApp[sandbox.Slack])
	assert.Zero(t, books.UnreplayedAuthFailures)
	assert.Zero(t, books.RefreshTokensPresentedTwice)
}

// Many accounts are told in the same moment that their tokens died. With `-accounts 1000` it is a thousand, which takes a
// dev server on two cores some minutes: to make them, and then as long as their connector's rate lets a thousand through.
func TestAsManyRefreshesAsAccounts(t *testing.T) {
	w := newWorld(t, sandbox.Options{GitHub: sandbox.AppOptions{Rotation: sandbox.RotationRevokeFamily}})
	accounts := *stormAccounts
	github, _ := w.Config().Connector("github")
	atRate := time.Duration(float64(accounts) / github.TokenRate * float64(time.Second))
	begun := time.Now()
	ids := w.settleMany(accounts, "github")
	t.Logf("%d accounts active after %s", accounts, time.Since(begun).Round(time.Second))

	begun = time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience+2*atRate)
	defer cancel()
	var storm sync.WaitGroup
	errs := make([]error, accounts)
	for i, id := range ids {
		storm.Go(func() {
			for seen, now := credential.Generation(1), credential.Generation(0); now <= seen && errs[i] == nil; {
				var answer connector.Answer
				answer, errs[i] = w.refresh(ctx, id, seen)
				now = answer.Generation
			}
		})
	}
	storm.Wait()
	books := w.sandbox.Books()
	t.Logf("%d refreshes after %s, %s at %v a second", books.RefreshesByApp[sandbox.GitHub], time.Since(begun).Round(time.Second),
		atRate.Round(time.Second), github.TokenRate)
	for _, err := range errs {
		require.NoError(t, err)
	}
	assert.Equal(t, accounts, books.Requests["github token.refresh"], "one POST for each account")
	assert.Equal(t, accounts, books.RefreshesByApp[sandbox.GitHub], "each of them accepted")
	assert.Zero(t, books.RefreshTokensPresentedTwice)
	assert.Zero(t, books.RefreshesRefused)
}

// settle makes an account active whose subject is as unique as its name.
func (w *world) settle(ctx context.Context, account credential.AccountID) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tokens, err := w.grant(ctx, account, "")
	if err != nil {
		return err
	}
	id := "authorization-of-" + account.User
	if err := w.Vault.PutAuthorization(ctx, vault.Authorization{
		ID: id, Account: account, Subject: credential.Subject(account.User), Tokens: tokens, ExpiresAt: time.Now().Add(time.Hour),
	}); err != nil {
		return err
	}
	_, err = w.Workflows.Reauthorized(ctx, account, id)
	return err
}
