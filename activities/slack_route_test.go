package activities_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
)

// routed has the bugs of one channel go to four repositories.
func routed(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, sandbox.Options{})
	w.connect(slackAccount)
	w.plan.Logins = map[string]string{"U0BJORN": "bjorn-l"}
	w.plan.Routes = []triage.Route{
		{Channel: bugs, Repository: "acme/shop", Match: triage.Match{Patterns: []string{`(?i)\bcheckout\b`}}},
		{Channel: bugs, Repository: "acme/web", Match: triage.Match{Components: []string{"login"}}},
		{Channel: bugs, Repository: "acme/mobile", Match: triage.Match{Reporters: []string{"U0BJORN"}}, AssignReporter: true},
		{Channel: bugs, Repository: "acme/app", ComponentLabels: map[string]string{"search": "area/search"}},
	}
	return w
}

func (w *world) messageOf(user, text string) triage.Key {
	w.t.Helper()
	return triage.Key{Team: "T0SANDBOX", Channel: bugs, TS: w.Post(bugs, sandbox.Message{User: user, Text: text, Report: true})}
}

func TestAReportTakesTheFirstRouteThatMatches(t *testing.T) {
	w := routed(t)
	for _, c := range []struct{ user, text, repo string }{
		{"ada", "Checkout and login crash with error 500", "shop"},
		{"ada", "The login page crashes with error 500", "web"},
		{"bjorn", "The menu crashes with error 500", "mobile"},
		{"ada", "The menu crashes with error 500", "app"},
		{"ada", "The login and the search crash with error 500", "app"}, // two components are none
	} {
		got := w.read(w.messageOf(c.user, c.text))
		require.NoError(t, got.err)
		assert.Equal(t, activities.IsReport, got.out.Verdict)
		assert.Equal(t, c.repo, got.out.Issue.Repo, c.text)
		assert.Len(t, got.out.Elsewhere, 3)
		assert.NotContains(t, got.out.Elsewhere, triage.Place{Repository: "acme/" + c.repo})
	}
	mobile := w.read(w.messageOf("bjorn", "The menu crashes with error 500")).out.Issue
	assert.Equal(t, []string{"bjorn-l"}, mobile.Assignees)
	assert.Contains(t, mobile.Body, "(`bjorn-l` at GitHub)")
	assert.Contains(t, w.read(w.messageOf("ada", "The search crashes with error 500")).out.Issue.Labels, "area/search")
}

// A model is told the components of all routes, and its answer chooses among the routes and nothing else.
func TestAModelChoosesAmongTheRoutesOfTheChannel(t *testing.T) {
	w := routed(t)
	w.plan.Routes = append(w.plan.Routes, triage.Route{Channel: "C0SUPPORT", Repository: "acme/secret", ComponentLabels: map[string]string{"vault": "v"}})
	o := &oracle{says: understood(0.9)}
	w.slack.Models = o
	for component, repo := range map[string]string{"login": "web", "": "app", "vault": "app", "acme/secret": "app"} {
		o.says.Content.Component = component
		got := w.read(w.messageOf("ada", "it crashes"))
		require.NoError(t, got.err)
		assert.Equal(t, repo, got.out.Issue.Repo, component)
	}
	assert.Equal(t, []string{"login", "search"}, o.components)

	o.err = &triage.NoAnswerError{Reason: "could not be reached"}
	got := w.read(w.messageOf("ada", "The login page crashes with error 500"))
	assert.Equal(t, "web", got.out.Issue.Repo, "the rules find the component as well")
	got = w.read(w.messageOf("ada", "It crashes with error 500"))
	assert.Equal(t, "app", got.out.Issue.Repo)
}

func TestAPreviewSaysWhichRouteEachMessageTakes(t *testing.T) {
	w := routed(t)
	w.plan.Routes[3].When = triage.When{Keywords: []string{"crash", "crashes"}}
	w.messageOf("ada", "Checkout crashes with error 500")
	w.messageOf("ada", "The login page crashes with error 500")
	w.messageOf("ada", "The login page is broken: error 500")

	got := once(w, w.slack.Preview, activities.PreviewInput{Triage: "acme/bug-reports", Channel: bugs, After: "1.000000"})

	require.NoError(t, got.err)
	require.Len(t, got.out.Messages, 3)
	assert.Equal(t, "acme/shop", got.out.Messages[2].Repository)
	assert.Equal(t, "acme/web", got.out.Messages[1].Repository)
	assert.Equal(t, activities.NotReport, got.out.Messages[0].Verdict, "the last route says what counts in the channel")
}
