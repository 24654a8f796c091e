package vault

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"tokenkeeper/credential"
)

func TestNoTwoBindingsEncodeAlike(t *testing.T) {
	account := func(o, u, c string) credential.AccountID {
		return credential.AccountID{Organization: o, User: u, Connector: c}
	}
	bindings := []binding{
		{},
		{account: slack},
		{account: slack, generation: 1},
		{account: slack, generation: 256},
		{account: slack, generation: 1, field: fieldAccess},
		{account: slack, generation: 1, field: fieldRefresh},
		{account: slack, generation: 1, field: fieldAccess, row: "r"},
		{account: github, generation: 1, field: fieldAccess},
		{account: account("a/b", "c", "d")},
		{account: account("a", "b/c", "d")},
		{account: account("a", "b", "c/d")},
		{account: account("ab", "", "")},
		{account: account("a", "b", "")},
		{account: account("", "ab", "")},
		{field: "ab"},
		{field: "a", row: "b"},
		{row: "ab"},
	}
	seen := map[string]binding{}
	for _, b := range bindings {
		data := string(b.associatedData())
		assert.NotContains(t, seen, data, "%+v encodes like %+v", b, seen[data])
		seen[data] = b
	}
}
