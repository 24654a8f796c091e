package vault

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"tokenkeeper/credential"
	"tokenkeeper/internal/postgrestest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// swapperEnv makes the test binary a process that swaps, instead of one that tests: "file|URL|keyset file|name".
const swapperEnv = "TOKENKEEPER_TEST_SWAPPER"

const swapsPerProcess = 25

func TestMain(m *testing.M) {
	job, ok := os.LookupEnv(swapperEnv)
	if !ok {
		os.Exit(postgrestest.Main(m))
	}
	if err := swapper(context.Background(), strings.Split(job, "|")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// swapper wins swapsPerProcess generations and prints each.
func swapper(ctx context.Context, job []string) error {
	keyset, err := LoadKeyset(job[2])
	if err != nil {
		return err
	}
	v, err := Open(ctx, Options{Path: job[0], URL: credential.NewSecret(job[1]), Keyset: keyset, Now: newClock().Now})
	if err != nil {
		return err
	}
	for won := 0; won < swapsPerProcess; {
		r, err := v.Get(ctx, slack)
		if err != nil {
			return err
		}
		g, err := v.Swap(ctx, slack, r.Generation, tokens(job[3]))
		if errors.Is(err, ErrConflict) {
			continue
		}
		if err != nil {
			return err
		}
		fmt.Println(g)
		won++
	}
	return v.Close()
}

func testProcessesShareTheFile(t *testing.T, b backend) {
	f := b.newFixture(t)
	v := f.open(t)
	connectAccount(t, v, "a1", slack, "T1/B1")
	const processes = 4
	won := make([][]string, processes)
	together(processes, func(i int) {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%s|%s|%s|p%d", swapperEnv, f.path, f.url.Reveal(), f.keyset.Path(), i))
		cmd.Stderr = t.Output()
		out, err := cmd.Output()
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
