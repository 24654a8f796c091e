package sandbox_test

import (
	"net/http"
	"testing"

	"github.com/google/go-github/v62/github"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/sandbox"
)

func TestContents(t *testing.T) {
	const form = "name: Bug\n"
	w := newWorld(t, sandbox.Options{Files: []sandbox.RepositoryFile{
		{Repository: "acme/app", Path: ".github/ISSUE_TEMPLATE/bug.yml", Text: form},
		{Repository: "acme/app", Path: ".github/ISSUE_TEMPLATE/old/bug.md", Text: "# Bug"},
		{Repository: "acme/app", Path: "README.md", Text: "# App"},
	}})
	client := w.connectedGitHub()
	names := func(path string) []string {
		_, entries, _, err := client.Repositories.GetContents(t.Context(), "acme", "app", path, nil)
		require.NoError(t, err)
		all := []string{}
		for _, e := range entries {
			all = append(all, e.GetType()+" "+e.GetPath())
		}
		return all
	}
	assert.Equal(t, []string{"file .github/ISSUE_TEMPLATE/bug.yml", "dir .github/ISSUE_TEMPLATE/old"}, names(".github/ISSUE_TEMPLATE"))
	assert.Equal(t, []string{"dir .github", "file README.md"}, names(""))

	file, _, _, err := client.Repositories.GetContents(t.Context(), "acme", "app", ".github/ISSUE_TEMPLATE/bug.yml", nil)
	require.NoError(t, err)
	text, err := file.GetContent()
	require.NoError(t, err)
	assert.Equal(t, form, text)

	raw := func(etag string) (*github.Response, error) {
		request, err := client.NewRequest(http.MethodGet, "repos/acme/app/contents/.github/ISSUE_TEMPLATE/bug.yml", nil)
		require.NoError(t, err)
		request.Header.Set("Accept", "application/vnd.github.raw+json")
		request.Header.Set("If-None-Match", etag)
		return client.Do(t.Context(), request, nil)
	}
	response, err := raw("")
	require.NoError(t, err)
	etag := response.Header.Get("ETag")
	require.NotEmpty(t, etag)
	response, _ = raw(etag)
	assert.Equal(t, http.StatusNotModified, response.StatusCode)
	require.NoError(t, w.SetFile(sandbox.RepositoryFile{Repository: "acme/app", Path: ".github/ISSUE_TEMPLATE/bug.yml", Text: form + "body: []\n"}))
	response, err = raw(etag)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, response.StatusCode)
	require.NoError(t, w.SetFile(sandbox.RepositoryFile{Repository: "acme/app", Path: ".github/ISSUE_TEMPLATE/bug.yml"}))
	_, err = raw(etag)
	require.ErrorContains(t, err, "404")

	require.ErrorContains(t, w.SetFile(sandbox.RepositoryFile{Repository: "acme/none", Path: "x"}), "no such repository")
	require.ErrorContains(t, w.SetFile(sandbox.RepositoryFile{Repository: "acme/app", Path: "../x"}), "below the root")
}
