package main

import (
	"flag"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFlags(t *testing.T) {
	r, err := parse([]string{"--config", "acme.yaml", "--gateway=false"})
	require.NoError(t, err)
	assert.Equal(t, roles{config: "acme.yaml", worker: true}, r)
	for want, args := range map[string][]string{
		"-nonsense; see --help":             {"--nonsense"},
		`unexpected argument "run"`:         {"run"},
		"leave nothing to do":               {"--worker=false", "--gateway=false"},
		`invalid boolean value "maybe" for`: {"--worker=maybe"},
	} {
		_, err := parse(args)
		assert.ErrorContains(t, err, want)
	}
	_, err = parse([]string{"--help"})
	assert.ErrorIs(t, err, flag.ErrHelp)
}
