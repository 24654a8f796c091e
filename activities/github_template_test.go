package activities_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"tokenkeeper/activities"
	"tokenkeeper/sandbox"
	"tokenkeeper/triage"
)

const (
	reads       = "github contents.get"
	templates   = ".github/ISSUE_TEMPLATE/"
	smallForm   = "name: Bug\ntitle: 'bug: '\nlabels: [from-form]\nbody:\n- type: textarea\n  attributes: {label: What happened?}\n"
	featureForm = "name: Feature request\nbody:\n- type: input\n  attributes: {label: What do you want?}\n"
)

// form is the bug form that golden issues are written by.
func form(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "testdata", "triage", "templates", "bug_report.yml"))
	require.NoError(t, err)
	return string(text)
}

// put commits a file to acme/app; no text removes it.
func (w *world) put(file, text string) {
	w.t.Helper()
	require.NoError(w.t, w.SetFile(sandbox.RepositoryFile{Repository: "acme/app", Path: templates + file, Text: text}))
}

// byTemplate posts a bug report, reads it on a route with a template, and returns what is asked of GitHub for it.
func (w *world) byTemplate(text, template string) activities.CreateIssueInput {
	w.t.Helper()
	w.plan.Routes[0].Template = template
	key := triage.Key{Team: "T0SANDBOX", Channel: bugs, TS: w.Post(bugs, sandbox.Message{User: "ada", Text: text, Report: true})}
	draft := once(w, w.slack.Read, activities.ReadInput{Triage: "acme/bug-reports", Report: key})
	require.NoError(w.t, draft.err)
	return activities.CreateIssueInput{Account: githubAccount, Report: key, Issue: draft.out.Issue, Source: draft.out.Source}
}

func newTemplateWorld(t *testing.T, o sandbox.Options) *world {
	t.Helper()
	w := newWorld(t, o)
	w.connect(slackAccount)
	w.connect(githubAccount)
	w.github.Now = w.clock.Now
	return w
}

func TestAnIssueIsWrittenByTheFormForBugs(t *testing.T) {
	w := newTemplateWorld(t, sandbox.Options{IssueTypes: []string{"Bug"}})
	w.put("feature.yml", featureForm)
	w.put("config.yml", "blank_issues_enabled: false\n")
	w.put("bug_report.yml", form(t))
	in := w.byTemplate("The export crashes with a 500 error in Firefox 143", triage.TemplateAuto)

	got := once(w, w.github.CreateIssue, in)

	require.NoError(t, got.err)
	assert.Equal(t, "bug_report.yml", got.out.Template)
	issue := w.filed(in)
	assert.Equal(t, "[Bug]: The export crashes with a 500 error in Firefox 143", issue.Title)
	assert.Equal(t, []string{"bug", "triage"}, issue.Labels)
	assert.Equal(t, []string{"octocat"}, issue.Assignees)
	assert.Equal(t, "Bug", issue.Type)
	assert.Contains(t, issue.Body, "### What browsers are you seeing the problem on?\n\nFirefox\n")
	assert.Contains(t, issue.Body, "### Reported in Slack\n\nReported by ada")
	assert.True(t, strings.HasSuffix(issue.Body, in.Report.Marker()), "the marker stays last")
	assert.Equal(t, 2, w.Books().Requests[reads], "the folder and one file")

	in.LookFirst = true
	again := once(w, w.github.CreateIssue, in)
	require.NoError(t, again.err)
	assert.True(t, again.out.Found)
	assert.Equal(t, 1, w.Books().IssuesCreated)
}

func TestWhichTemplateARouteGets(t *testing.T) {
	for name, c := range map[string]struct {
		files     map[string]string
		community string
		template  string
		want      string
		requests  int
	}{
		"none wanted":             {files: map[string]string{"bug.yml": smallForm}, template: triage.TemplateNone},
		"none there":              {template: triage.TemplateAuto, requests: 2},
		"by its labels":           {files: map[string]string{"1.yml": featureForm, "2.yml": strings.Replace(smallForm, "name: Bug", "name: Broken", 1)}, template: triage.TemplateAuto, requests: 3},
		"by its name":             {files: map[string]string{"1.yml": featureForm, "2.yml": smallForm}, template: triage.TemplateAuto, want: "2.yml", requests: 3},
		"a form before Markdown":  {files: map[string]string{"a-bug.md": "# Bug", "z-bug.yml": smallForm}, template: triage.TemplateAuto, want: "z-bug.yml", requests: 2},
		"Markdown":                {files: map[string]string{"bug_report.md": "## What happened?\n"}, template: triage.TemplateAuto, want: "bug_report.md", requests: 2},
		"of the owner":            {community: smallForm, template: triage.TemplateAuto, want: "bug.yml", requests: 3},
		"none of the owner's":     {files: map[string]string{"feature.yml": featureForm}, community: smallForm, template: triage.TemplateAuto, requests: 2},
		"the owner's turned off":  {files: map[string]string{"config.yml": "blank_issues_enabled: true\n"}, community: smallForm, template: triage.TemplateAuto, requests: 1},
		"as it is named":          {files: map[string]string{"feature.yml": featureForm, "bug.yml": smallForm}, template: "feature.yml", want: "feature.yml", requests: 1},
		"as it is named by owner": {community: smallForm, template: "bug.yml", want: "bug.yml", requests: 2},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTemplateWorld(t, sandbox.Options{Repositories: []string{"acme/app", "acme/.github"}})
			for file, text := range c.files {
				w.put(file, text)
			}
			if c.community != "" {
				require.NoError(t, w.SetFile(sandbox.RepositoryFile{Repository: "acme/.github", Path: templates + "bug.yml", Text: c.community}))
			}
			in := w.byTemplate("The export crashes with a 500 error", c.template)

			got := once(w, w.github.CreateIssue, in)

			require.NoError(t, got.err)
			assert.Equal(t, c.want, got.out.Template)
			assert.Equal(t, c.requests, w.Books().Requests[reads])
			assert.NotContains(t, w.filed(in).Body, "Written without")
		})
	}
}

func TestATemplateIsReadOnceInAWhileAndWhatDidNotChangeCostsNothing(t *testing.T) {
	w := newTemplateWorld(t, sandbox.Options{})
	w.put("bug.yml", smallForm)
	file := func() sandbox.IssueView {
		in := w.byTemplate("The export crashes with a 500 error", "bug.yml")
		require.NoError(t, w.create(in))
		return w.filed(in)
	}
	file()
	assert.Contains(t, file().Body, "### What happened?\n")
	assert.Equal(t, 1, w.Books().Requests[reads])

	w.clock.advance(11 * time.Minute)
	assert.Contains(t, file().Body, "### What happened?\n", "GitHub answered 304")
	w.put("bug.yml", strings.Replace(smallForm, "What happened?", "What is wrong?", 1))
	assert.Contains(t, file().Body, "### What happened?\n")
	assert.Equal(t, 2, w.Books().Requests[reads])
	w.clock.advance(11 * time.Minute)
	assert.Contains(t, file().Body, "### What is wrong?\n")

	w.fault(sandbox.Fault{Endpoint: "contents.get", Kind: sandbox.FaultStatus, Status: 503, Times: -1})
	w.clock.advance(11 * time.Minute)
	assert.Contains(t, file().Body, "### What is wrong?\n", "what was read before is better than nothing")
	w.clock.advance(51 * time.Minute)
	body := file().Body
	assert.NotContains(t, body, "### What is wrong?\n", "for an hour")
	assert.Contains(t, body, "Written without the template `bug.yml`: it cannot be read.")
	w.ClearFaults()
	assert.NotContains(t, file().Body, "### What is wrong?\n", "it is not asked for at once")
	w.clock.advance(2 * time.Minute)
	assert.Contains(t, file().Body, "### What is wrong?\n")
}

// Whatever is wrong with a template, the report is filed as it would be without.
func TestATemplateCostsNoReport(t *testing.T) {
	for name, c := range map[string]struct {
		template string
		files    map[string]string
		fault    *sandbox.Fault
		says     string // in the issue
		logs     string
	}{
		"no such file":        {template: "bug.yml", says: "Written without the template `bug.yml`: there is no such file", logs: "there is no such file"},
		"no form":             {template: "bug.yml", files: map[string]string{"bug.yml": "name: ["}, says: "Written without the template `bug.yml`: line 1: ", logs: "line 1"},
		"no form, found":      {template: triage.TemplateAuto, files: map[string]string{"bug.yml": "name: Bug\n"}, says: "Written without the template `bug.yml`: body asks for nothing.", logs: "body asks"},
		"not allowed":         {template: "bug.yml", fault: &sandbox.Fault{Kind: sandbox.FaultStatus, Status: 403}, says: "give it the permission Contents", logs: "permission Contents"},
		"not allowed to look": {template: triage.TemplateAuto, fault: &sandbox.Fault{Kind: sandbox.FaultStatus, Status: 403}, logs: "permission Contents"},
		"away":                {template: "bug.yml", fault: &sandbox.Fault{Kind: sandbox.FaultStatus, Status: 502}, says: "it cannot be read.", logs: "502"},
		"away for all":        {template: triage.TemplateAuto, fault: &sandbox.Fault{Kind: sandbox.FaultStatus, Status: 502}, logs: "502"},
		"half an answer":      {template: triage.TemplateAuto, files: map[string]string{"bug.yml": smallForm}, fault: &sandbox.Fault{Kind: sandbox.FaultTruncate}, logs: "no folder that GitHub lists"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTemplateWorld(t, sandbox.Options{})
			for file, text := range c.files {
				w.put(file, text)
			}
			if c.fault != nil {
				c.fault.Endpoint, c.fault.Times = "contents.get", -1
				w.fault(*c.fault)
			}
			in := w.byTemplate("The export crashes with a 500 error", c.template)

			got := retried(w, w.github.CreateIssue, in, always)

			require.NoError(t, got.err)
			assert.Empty(t, got.failed)
			assert.Empty(t, got.out.Template)
			issue := w.filed(in)
			assert.True(t, strings.HasPrefix(issue.Body, "Reported by ada"), issue.Body)
			assert.True(t, strings.HasSuffix(issue.Body, in.Report.Marker()))
			assert.Equal(t, c.says != "", strings.Contains(issue.Body, "Written without"))
			assert.Contains(t, issue.Body, c.says)
			assert.Contains(t, w.log.String(), c.logs)
		})
	}
}

// The template may change while nobody knows whether the issue was created: it was, and there is no second.
func TestATemplateThatChangesMakesNoSecondIssue(t *testing.T) {
	w := newTemplateWorld(t, sandbox.Options{})
	w.put("bug.yml", smallForm)
	in := w.byTemplate("The export crashes with a 500 error", triage.TemplateAuto)
	w.fault(sandbox.Fault{App: sandbox.GitHub, Endpoint: "issues.create", Kind: sandbox.FaultDrop, Processed: true})

	got := retried(w, w.github.CreateIssue, in, func(attempt int32) error {
		if attempt == 2 {
			w.put("bug.yml", featureForm)
			w.clock.advance(time.Hour)
		}
		return nil
	})

	require.NoError(t, got.err)
	assert.True(t, got.out.Found)
	assert.Equal(t, 1, w.Books().IssuesCreated)
	assert.Contains(t, w.filed(in).Body, "### What happened?\n")
	assert.Equal(t, 2, w.Books().Requests[reads], "who finds the issue needs no template")
}

// A limit that meets the template would meet the issue as well.
func TestALimitOnTheTemplateIsWaitedFor(t *testing.T) {
	w := newTemplateWorld(t, sandbox.Options{})
	w.put("bug.yml", smallForm)
	in := w.byTemplate("The export crashes with a 500 error", "bug.yml")
	w.replace("/github/api/v3/repos/acme/app/contents/"+templates+"bug.yml", func(rw http.ResponseWriter) {
		rw.Header().Set("Retry-After", "77")
		rw.WriteHeader(http.StatusForbidden)
	})

	got := once(w, w.github.CreateIssue, in)
	got.fails(t, activities.ErrTypeRateLimited, "acme/app")
	assert.Equal(t, 77*time.Second, got.wait(t))
	require.NoError(t, w.create(in))
	assert.Contains(t, w.filed(in).Body, "### What happened?\n")
}

func TestCheckingATemplate(t *testing.T) {
	w := newTemplateWorld(t, sandbox.Options{})
	w.put("bug.yml", smallForm)
	w.put("faulty.yml", "name: Bug\n")
	check := func(template string) ran[struct{}] {
		return once(w, noResult(w.github.CheckTemplate), activities.TemplateInput{Account: githubAccount, Repository: "acme/app", Template: template})
	}
	require.NoError(t, check("bug.yml").err)
	check("none.yml").fails(t, activities.ErrTypeRejected, "there is no such file", "; correct it")
	check("faulty.yml").fails(t, activities.ErrTypeRejected, "body asks for nothing")
	w.fault(sandbox.Fault{Endpoint: "contents.get", Kind: sandbox.FaultStatus, Status: 503})
	check("bug.yml").fails(t, activities.ErrTypeProviderUnavailable)
	w.fault(sandbox.Fault{Endpoint: "contents.get", Kind: sandbox.FaultStatus, Status: 403})
	check("bug.yml").fails(t, activities.ErrTypeRejected, "permission Contents")
}

// A preview looks for each template once, and shows what the template would make of the reports.
func TestAPreviewShowsTheTemplate(t *testing.T) {
	w := newTemplateWorld(t, sandbox.Options{})
	w.put("bug_report.yml", smallForm)
	w.plan.Routes[0].Template = triage.TemplateAuto
	in := activities.PreviewInput{Triage: w.plan.Triage, Channel: bugs, After: triage.TimestampOf(w.clock.Now())}
	w.say(3)
	w.Post(bugs, sandbox.Message{User: "ada", Text: "Lunch?"})
	preview := func() []activities.Previewed {
		page, err := w.slack.Preview(t.Context(), in) // in its process, where templates are applied
		require.NoError(t, err)
		require.Len(t, page.Messages, 4)
		templates := activities.TemplatePreview{GitHub: w.github}
		for i := range page.Messages {
			templates.Apply(t.Context(), &page.Messages[i])
		}
		return page.Messages
	}

	seen := preview()
	assert.Empty(t, seen[0].Template+seen[0].Untemplated, "no report")
	for _, p := range seen[1:] {
		assert.Equal(t, "bug_report.yml", p.Template)
		assert.True(t, strings.HasPrefix(p.Title, "bug: It crashes"), p.Title)
		assert.Equal(t, []string{"bug", "from-form"}, p.Labels)
	}
	assert.Equal(t, 2, w.Books().Requests[reads])

	w.put("bug_report.yml", "name: Bug\n")
	seen = preview()
	assert.Equal(t, "body asks for nothing", seen[1].Untemplated)
	assert.Equal(t, []string{"bug"}, seen[1].Labels)

	w.fault(sandbox.Fault{Endpoint: "contents.get", Kind: sandbox.FaultStatus, Status: 502, Times: -1})
	before := w.Books().Requests[reads]
	seen = preview()
	for _, p := range seen[1:] {
		assert.Contains(t, p.Untemplated, "looking at the templates of acme/app")
	}
	assert.Equal(t, 1, w.Books().Requests[reads]-before, "who is away is not asked for each report")
}
