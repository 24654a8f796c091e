package app

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/workflows"
)

// A cluster that a script prepares has to know what the Workflows upsert, or each of their tasks fails there.
func TestTheDeploymentScriptRegistersEverySearchAttribute(t *testing.T) {
	script, err := os.ReadFile("../../deploy/temporal/search-attributes.sh")
	require.NoError(t, err)
	for _, key := range workflows.SearchAttributes() {
		assert.Contains(t, string(script), fmt.Sprintf("\nregister %s %s\n", key.GetName(), key.GetValueType()))
	}
}
