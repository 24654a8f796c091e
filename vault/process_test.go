package vault

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"tokenkeeper/credential"
	"tokenkeeper/internal/postgrestest"
	"tokenkeeper/vault/internal/storage"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// jobEnv makes the test binary a process that works with a vault, instead of one that tests:
// "job|file|URL|keyset file|name".
const jobEnv = "TOKENKEEPER_TEST_JOB"

// jobs are what such a process can do. Each has the fields after its name.
var jobs = map[string]func(ctx context.Context, v *Vault, name string) error{
	"swap":   swapMany,
	"hang":   hangInTransaction,
	"rotate": rotateForever,
}

func TestMain(m *testing.M) {
	job, ok := os.LookupEnv(jobEnv)
	if !ok {
		os.Exit(postgrestest.Main(m))
	}
	if err := work(context.Background(), strings.Split(job, "|")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func work(ctx context.Context, job []string) error {
	keyset, err := LoadKeyset(job[3])
	if err != nil {
		return err
	}
	v, err := Open(ctx, Options{Path: job[1], URL: credential.NewSecret(job[2]), Keyset: keyset, Now: newClock().Now})
	if err != nil {
		return err
	}
	return errors.Join(jobs[job[0]](ctx, v, job[4]), v.Close())
}

// process prepares a process that does a job with the vault of f.
func (f fixture) process(t *testing.T, job, name string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%s|%s|%s|%s", jobEnv, job, f.path, f.url.Reveal(), f.keyset.Path(), name))
	cmd.Stderr = t.Output()
	return cmd
}

// killAfter starts a process, and kills it as `kill -9` does when it has printed so many lines.
func killAfter(t *testing.T, cmd *exec.Cmd, lines int) {
	t.Helper()
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	said := bufio.NewReader(out)
	for range lines {
		_, err := said.ReadString('\n')
		require.NoError(t, err)
	}
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
}

const swapsPerProcess = 25

// swapMany wins swapsPerProcess generations and prints each.
func swapMany(ctx context.Context, v *Vault, name string) error {
	for won := 0; won < swapsPerProcess; {
		r, err := v.Get(ctx, slack)
		if err != nil {
			return err
		}
		g, err := v.Swap(ctx, slack, r.Generation, tokens(name))
		if errors.Is(err, ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		fmt.Println(g)
		won++
	}
	return nil
}

// hangInTransaction has changed everything, and does not commit.
func hangInTransaction(ctx context.Context, v *Vault, _ string) error {
	return v.store.Write(ctx, func(tx storage.Queryer) error {
		for _, statement := range []string{
			`UPDATE records SET generation = generation + 1`, `DELETE FROM authorizations`, `UPDATE canary SET sealed = substr(sealed, 1, 1)`,
		} {
			if _, err := tx.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		fmt.Println("in transaction")
		select {}
	})
}

// rotateForever prints a line before each rotation, and drops what it can.
func rotateForever(ctx context.Context, v *Vault, _ string) error {
	for {
		fmt.Println("rotating")
		if _, err := v.Rotate(ctx, RotateOptions{DropOld: true}); err != nil {
			return err
		}
	}
}

func testKilledTransactionLeavesNothing(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	want := connectAccount(t, v, "a1", slack, "T1/B1")
	require.NoError(t, v.PutAuthorization(t.Context(), authorization("a2", github, "42")))
	before := dump(t, v)
	killAfter(t, f.process(t, "hang", ""), 1)

	assert.Equal(t, before, dump(t, v))
	got, err := f.open(t).Get(t.Context(), slack)
	require.NoError(t, err)
	assert.Equal(t, want, got)
	_, err = v.Swap(t.Context(), slack, 1, tokens("two"))
	require.NoError(t, err, "the dead hold no lock")
}

func testProcessesShareTheFile(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	const processes = 4
	won := make([][]string, processes)
	together(processes, func(i int) {
		out, err := f.process(t, "swap", fmt.Sprintf("p%d", i)).Output()
		assert.NoError(t, err)
		won[i] = strings.Fields(string(out))
	})
	winners := map[string]int{}
	for _, generations := range won {
		assert.Len(t, generations, swapsPerProcess)
		for _, g := range generations {
			winners[g]++
		}
	}
	assert.Len(t, winners, processes*swapsPerProcess, "each generation has one winner")
	r, err := v.Get(t.Context(), slack)
	require.NoError(t, err)
	assert.EqualValues(t, processes*swapsPerProcess+1, r.Generation)
}
