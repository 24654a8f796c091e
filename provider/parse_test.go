package provider

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestParseIsStrict(t *testing.T) {
	_, err := parse([]byte("id: mine\ntoken:\n  rotatoin: none\n"))
	assert.ErrorContains(t, err, "rotatoin")
	_, err = parse([]byte("id: mine\nid: yours\n"))
	assert.ErrorContains(t, err, "already defined")
	_, err = parse([]byte("token:\n  lifetime: a while\n"))
	assert.Error(t, err)
}
