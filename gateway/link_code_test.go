package gateway_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/vault"
)

// enter posts the form of a link's page with a code.
func (b *browser) enter(link, code string) page {
	b.f.t.Helper()
	return b.submit(link, url.Values{"code": {code}})
}

// submit posts a form of ours that is filled in.
func (b *browser) submit(path string, form url.Values) page {
	t := b.f.t
	t.Helper()
	b.see(path)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.f.url+path, strings.NewReader(form.Encode()))
	require.NoError(t, err)
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	response, err := b.client.Do(request)
	require.NoError(t, err)
	return b.read(response)
}

func TestLinkWithACode(t *testing.T) {
	f := newFixture(t)
	link, code := f.linkWith(vault.LinkRequest{Account: account, Code: true})
	b := f.browser()
	shown := b.open(link)
	assert.Contains(t, shown.body, `name="code"`)
	assert.NotContains(t, shown.body, code)

	for _, wrong := range []string{"", "BBBB-BBBB", strings.Repeat("B", 4<<10)} {
		refused := b.enter(link, wrong)
		assert.Equal(t, http.StatusForbidden, refused.status)
		assert.Contains(t, refused.body, "not the code of the link")
		assert.Empty(t, refused.header.Get("Set-Cookie"))
		assert.Empty(t, refused.location)
	}
	begun := b.enter(link, " "+strings.ToLower(code))
	require.Equal(t, http.StatusSeeOther, begun.status, begun.body)
	assert.NotContains(t, begun.location, strings.ReplaceAll(code, "-", ""))
	assert.NotContains(t, b.open(link).body, `name="code"`, "this browser has entered it")
	assert.Equal(t, http.StatusForbidden, f.browser().enter(link, code).status, "another one is late")
	assert.Equal(t, http.StatusOK, b.open(b.open(begun.location).location).status)
}

func TestWrongCodesVoidTheLink(t *testing.T) {
	f := newFixture(t)
	link, code := f.linkWith(vault.LinkRequest{Account: account, Code: true})
	b := f.browser()
	for _, left := range []string{"Attempts left: 4.", "Attempts left: 3.", "Attempts left: 2.", "Attempts left: 1.", "the link is void now"} {
		assert.Contains(t, b.enter(link, "BBBB-BBBB").body, left)
	}
	assert.Equal(t, http.StatusNotFound, b.enter(link, code).status)
	f.requireNothingConnected()
}

func TestABodyBeyondTheLimitOpensNothing(t *testing.T) {
	f := newFixture(t)
	link, code := f.linkWith(vault.LinkRequest{Account: account, Code: true})
	got := f.browser().enter(link, code+strings.Repeat(" ", 20<<10))
	assert.Equal(t, http.StatusForbidden, got.status)
	assert.Empty(t, got.header.Get("Set-Cookie"))
}

func TestWhereCodesAreRequiredNoPageWorksWithoutALink(t *testing.T) {
	f := newFixture(t)
	f.server.RequireCode = true
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		got := f.browser().send(method, "/connect/"+account.String(), nil)
		assert.Equal(t, http.StatusForbidden, got.status)
		assert.Contains(t, got.body, "This needs a link")
	}
	assert.NotContains(t, f.browser().open("/").body, f.url+"/connect/")
	link := f.link()
	assert.Equal(t, http.StatusNotFound, f.browser().open(link).status, "it was made before codes were required")
	assert.Equal(t, http.StatusNotFound, f.browser().press(link).status)
	link, code := f.linkWith(vault.LinkRequest{Account: account, Code: true})
	assert.Equal(t, http.StatusSeeOther, f.browser().enter(link, code).status)
}
