package gateway_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/credential"
	"tokenkeeper/gateway"
)

// numbers returns the lines of a scrape that are ours.
func (b *browser) numbers() []string {
	b.f.t.Helper()
	scraped := b.open("/metrics")
	require.Equal(b.f.t, http.StatusOK, scraped.status)
	require.Contains(b.f.t, scraped.body, "\ngo_goroutines ")
	var ours []string
	for line := range strings.Lines(scraped.body) {
		if strings.HasPrefix(line, "tokenkeeper_") {
			ours = append(ours, strings.TrimSpace(line))
		}
	}
	return ours
}

func TestMetrics(t *testing.T) {
	f := newFixture(t)
	at := time.Unix(1_700_000_000, 0)
	f.clock.now = at
	f.board.show([]gateway.AccountView{
		viewOf(at, "acme/a/slack", nil), viewOf(at, "acme/b/slack", func(v *gateway.AccountView) { v.ConsentBy = at.Add(48 * time.Hour) }),
		deadView(at, "acme/c/slack"), viewOf(at, "acme/a/github", func(v *gateway.AccountView) { v.Status, v.Stale = credential.Degraded, true }),
	}, triageOf(at, func(v *gateway.TriageView) { v.Reports.Parked = []gateway.ParkedReport{{Report: "T1/C1/1.2"}} }),
		triageOf(at, func(v *gateway.TriageView) { v.Triage, v.State = "acme/resting", "paused" }))
	f.board.notices = gateway.NoticesView{UnderWay: 3, Late: 2, Lost: 1}
	b := f.browser()
	got := b.numbers()
	for _, want := range []string{
		`tokenkeeper_seen_timestamp_seconds 1.7e+09`,
		`tokenkeeper_accounts{connector="slack",status="active"} 2`,
		`tokenkeeper_accounts{connector="slack",status="reauthorization_required"} 1`,
		`tokenkeeper_accounts{connector="slack",status="degraded"} 0`,
		`tokenkeeper_accounts{connector="github",status="degraded"} 1`,
		`tokenkeeper_accounts_stale{connector="github"} 1`, `tokenkeeper_accounts_stale{connector="slack"} 0`,
		`tokenkeeper_account_waiting_workflows{connector="slack"} 10000`,
		`tokenkeeper_consent_deadline_timestamp_seconds{connector="slack"} 1.7001728e+09`,
		`tokenkeeper_triage_last_read_timestamp_seconds{triage="acme/bug-reports"} 1.699999988e+09`,
		`tokenkeeper_triage_reports{state="parked",triage="acme/bug-reports"} 1`,
		`tokenkeeper_triage_reports{state="under_way",triage="acme/bug-reports"} 2`,
		`tokenkeeper_notices{state="under_way"} 3`, `tokenkeeper_notices{state="late"} 2`, `tokenkeeper_notices{state="lost"} 1`,
	} {
		assert.Contains(t, got, want)
	}
	assert.NotContains(t, strings.Join(got, "\n"), `last_read_timestamp_seconds{triage="acme/resting"}`, "it reads nothing on purpose")
	assert.NotContains(t, strings.Join(got, "\n"), "acme/a/", "there are no more series for more accounts")

	f.board.fail(errors.New("away"))
	f.clock.advance(time.Minute)
	assert.Equal(t, got, b.numbers(), "it is told when that was seen")
}

// What the documentation and the alerts name is there, and the documentation names all there is.
func TestMetricsAreDocumented(t *testing.T) {
	f := newFixture(t)
	now := f.clock.Now()
	f.board.show([]gateway.AccountView{viewOf(now, "acme/a/slack", func(v *gateway.AccountView) { v.ConsentBy = now })}, triageOf(now, nil))
	name := regexp.MustCompile(`tokenkeeper_\w+`)
	there := map[string]bool{}
	for _, line := range f.browser().numbers() {
		there[name.FindString(line)] = true
	}
	require.Len(t, there, 8)
	for _, path := range []string{"../docs/metrics.md", "../deploy/prometheus/alerts.yaml"} {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		named := map[string]bool{}
		for _, word := range name.FindAllString(string(text), -1) {
			assert.Contains(t, there, word, path)
			named[word] = true
		}
		if strings.HasSuffix(path, ".md") {
			assert.Equal(t, there, named)
			continue
		}
		var rules struct {
			Groups []struct {
				Rules []struct{ Alert, Expr string }
			}
		}
		require.NoError(t, yaml.Unmarshal(text, &rules))
		require.NotEmpty(t, rules.Groups[0].Rules)
		for _, rule := range rules.Groups[0].Rules {
			assert.Contains(t, rule.Expr, "tokenkeeper_", rule.Alert)
		}
	}
}

// Nothing known is not nothing.
func TestMetricsOfWhatCannotBeSeen(t *testing.T) {
	f := newFixture(t)
	f.board.fail(errors.New("away"))
	assert.Equal(t, []string{"tokenkeeper_seen_timestamp_seconds 0"}, f.browser().numbers())
}

func TestMetricsAreForViewers(t *testing.T) {
	f := newFixture(t)
	f.ask("https://keeper.example.com")
	assert.Equal(t, http.StatusUnauthorized, f.caller().call(http.MethodGet, "/metrics", nil).StatusCode)
	assert.Equal(t, http.StatusUnauthorized, f.caller().bear("wrong").call(http.MethodGet, "/metrics", nil).StatusCode)
	assert.Equal(t, http.StatusOK, f.caller().bear(viewerToken).call(http.MethodGet, "/metrics", nil).StatusCode)

	f = newFixture(t)
	f.server.PublicURL = parseURL(t, "https://keeper.example.com")
	recorder := httptest.NewRecorder()
	f.server.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "https://keeper.example.com/metrics", nil))
	assert.Equal(t, http.StatusNotFound, recorder.Code, "strangers see nothing")
}
