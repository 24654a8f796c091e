package oauth

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/provider"
)

func TestSignIn(t *testing.T) {
	answer := `{"access_token":"at","token_type":"Bearer","id_token":"a.b.c"}`
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.NoError(t, r.ParseForm())
		assert.Equal(t, "authorization_code", r.PostForm.Get("grant_type"))
		assert.Equal(t, "the-code", r.PostForm.Get("code"))
		assert.Equal(t, "the-verifier", r.PostForm.Get("code_verifier"))
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, err := w.Write([]byte(answer))
		assert.NoError(t, err)
	}))
	t.Cleanup(server.Close)
	c := NewClient(provider.Provider{
		ID: "openid", Endpoints: provider.Endpoints{Token: server.URL}, ClientAuthentication: provider.ClientSecretBasic,
		Authorization: provider.Authorization{PKCE: true},
	}, Registration{ClientID: "id", ClientSecret: credential.NewSecret("secret")}, Options{})
	signIn := func() (SignIn, error) { return c.SignIn(t.Context(), "the-code", credential.NewSecret("the-verifier")) }

	got, err := signIn()
	require.NoError(t, err)
	assert.Equal(t, "a.b.c", got.ID.Reveal())
	assert.Equal(t, "at", got.Access.Reveal())

	for _, answer = range []string{`{"access_token":"at"}`, `{"access_token":"at","id_token":7}`, `{"access_token":"at","id_token":"a\nb"}`} {
		_, err = signIn()
		require.ErrorContains(t, err, "no ID token", answer)
		assert.Equal(t, credential.Malformed, KindOf(err))
	}
	answer, status = `{"error":"invalid_grant"}`, http.StatusBadRequest
	_, err = signIn()
	assert.Equal(t, credential.DeadGrant, KindOf(err))
}
