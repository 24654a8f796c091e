package provider_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"tokenkeeper/provider"
)

func TestAnswersAs(t *testing.T) {
	github := entry(t, "github-app")
	enterprise := override(t, "github-app", provider.Endpoints{Authorize: "https://ghe.example.com/login/oauth/authorize"}, nil)
	for _, c := range []struct {
		name string
		p    provider.Provider
		said string
		want bool
	}{
		{"itself", github, "https://github.com/login/oauth", true},
		{"nothing, where it always does", github, "", false},
		{"almost itself", github, "https://github.com/login/oauth/", false},
		{"another", github, "https://accounts.google.com", false},
		{"unknown, nothing", entry(t, "slack"), "", true},
		{"unknown, on its host", entry(t, "google"), "https://accounts.google.com", true},
		{"unknown, another's", entry(t, "slack"), "https://github.com/login/oauth", false},
		{"unknown, in clear", entry(t, "slack"), "http://slack.com", false},
		{"unknown, on a host that only looks like it", entry(t, "slack"), "https://slack.com@attacker.example", false},
		{"unknown, no URL", entry(t, "slack"), "slack.com", false},
		{"another installation, nothing", enterprise, "", true},
		{"another installation, on its host", enterprise, "https://ghe.example.com/login/oauth", true},
		{"another installation, the first's", enterprise, "https://github.com/login/oauth", false},
	} {
		assert.Equal(t, c.want, c.p.AnswersAs(c.said), c.name)
	}
}

func TestTheIssuerIsFilledAsEndpointsAre(t *testing.T) {
	tenant := entry(t, "zendesk")
	tenant.Authorization.Issuer = "https://{subdomain}.zendesk.com/{realm}"
	assert.Equal(t, []string{"realm", "subdomain"}, tenant.Variables())
	vars := map[string]string{"subdomain": "acme", "realm": "main"}
	filled, err := tenant.Override(provider.Endpoints{}, vars)
	assert.NoError(t, err)
	assert.Equal(t, "https://acme.zendesk.com/main", filled.Authorization.Issuer)
	filled, err = tenant.Override(provider.Endpoints{Authorize: tenant.Endpoints.Authorize}, vars)
	assert.NoError(t, err)
	assert.Equal(t, "https://acme.zendesk.com/main", filled.Authorization.Issuer, "the same page, written again")
}
