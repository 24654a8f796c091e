package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"tokenkeeper/credential"
)

func (k *checker) triage(name string, t Triage, filed channels) Triage {
	path := join("triages", name)
	t.Name = name
	if k.refused[path] {
		return t
	}
	organization := k.triageName(path, name)
	k.account(join(path, "slack"), t.Slack, organization, "slack")
	k.account(join(path, "github"), t.GitHub, organization, "github")
	if at := join(path, "poll_interval"); !k.refused[at] && t.PollInterval < time.Second {
		k.add(at, fmt.Sprintf("%s is shorter than 1s", t.PollInterval), "write 1s or longer; Slack counts every look, 30s is kind")
	}
	if at := join(path, "lookback"); !k.refused[at] && t.Lookback < 0 {
		k.add(at, fmt.Sprintf("%s is negative", t.Lookback), "write how far back the first start reads, for example 24h, or 0s")
	}
	k.since(path, t)
	k.follow(join(path, "follow"), t.Follow)
	k.between(join(path, "threshold"), t.Threshold, 0, 100, "write percent, for example 60; 0 never sets the label needs-triage")
	if at := join(path, "routes"); len(t.Routes) == 0 && !k.refused[at] {
		k.add(at, "a triage without routes reads nothing", "write at least one entry with channel and repository")
	}
	for i := range t.Routes {
		at := fmt.Sprintf("%s.routes[%d]", path, i)
		k.route(at, t.Routes[i])
		github := join(at, "github")
		if _, written := k.places[github]; written && !k.refused[at] {
			k.account(github, t.Routes[i].GitHub, organization, "github")
		}
		k.mode(at, t.Slack, t.Routes[i])
		k.match(join(at, "match"), t.Routes[i].Match, t.Teams)
	}
	k.routing(path, t, filed)
	k.whoIsWho(path, t)
	return t
}

// minSince is longer than an outage that nobody notices before the morning.
const minSince = 24 * time.Hour

func (k *checker) since(path string, t Triage) {
	at, lookback := join(path, "since"), join(path, "lookback")
	switch _, written := k.places[at]; {
	case !written || k.refused[at]:
	case t.Since.At.After(time.Now()):
		k.add(at, t.Since.String()+" is in the future, so that no message would be taken", "write a time that is over, or an age such as 720h")
	case !t.Since.At.IsZero():
	case t.Since.For < minSince:
		k.add(at, fmt.Sprintf("%s is shorter than %s, so that an outage of a night would lose reports", t.Since, minSince),
			"write the age from which on nobody wants a report any more, for example 720h, or a time such as 2026-01-02T15:04:05Z")
	case t.Lookback > t.Since.For && !k.refused[lookback]:
		k.add(lookback, fmt.Sprintf("the first start would look back %s, and nothing older than %s is taken", t.Lookback, t.Since.For),
			"write no more than since, or a longer since")
	}
}

// maxFollow bounds what of a channel is looked through again and again.
const maxFollow = 90 * 24 * time.Hour

func (k *checker) follow(at string, d time.Duration) {
	if d != 0 && (d < time.Hour || d > maxFollow) && !k.refused[at] {
		k.add(at, fmt.Sprintf("%s is not between 1h and 2160h", d), "write for how long after a report its thread is followed, or 0s for not at all")
	}
}

// triageName returns the organization that the name begins with, "" after a problem.
func (k *checker) triageName(path, name string) string {
	organization, rest, two := strings.Cut(name, "/")
	if two && validSegment(organization) && validSegment(rest) {
		return organization
	}
	k.note(lookup(k.places, path), path, quote(name)+" is not organization/name", "write two parts like acme/bug-reports, each "+segmentRule)
	return ""
}

// account checks that a triage's account is its organization's own, and goes through a connector of the right family.
func (k *checker) account(path string, id credential.AccountID, organization, family string) {
	if !k.require(path, id.String(), "write the account as organization/user/connector, for example acme/triage/"+family) {
		return
	}
	if organization != "" && id.Organization != organization {
		k.add(path, fmt.Sprintf("account %s belongs to organization %s, this triage to %s", id, id.Organization, organization),
			"use an account of "+organization+": no organization works with another's credentials")
	}
	connector, ok := k.config.Connectors[id.Connector]
	if !ok {
		names := k.config.connectorNames()
		if !k.refused["connectors"] {
			k.add(path, fmt.Sprintf("account %s: there is no connector %q%s", id, id.Connector, didYouMean(id.Connector, names)),
				"use one of the connectors, or add it; connectors are: "+listing(names))
		}
		return
	}
	refused := connector.ProviderID == "" || k.refused[join(join("connectors", id.Connector), "provider")]
	if !refused && !inFamily(connector.ProviderID, family) {
		k.add(path, fmt.Sprintf("account %s: connector %s is of provider %s, which is not %s", id, id.Connector, connector.ProviderID, family),
			fmt.Sprintf("use a connector whose provider is %s, or an own one with %s as a word of its id, such as acme-%s", family, family, family))
	}
}

// inFamily reports whether a provider speaks the API of family, by the words of its id: github-app, slack, gov-slack.
func inFamily(provider, family string) bool {
	return slices.Contains(strings.FieldsFunc(provider, func(r rune) bool { return strings.ContainsRune("-_.", r) }), family)
}

// channelID is a public (C) or private (G) channel.
var channelID = regexp.MustCompile(`^[CG][A-Z0-9]{1,30}$`)

const channelHint = "write the id: in Slack open the channel, click its name, and copy the Channel ID at the end of About"

func (k *checker) route(path string, r Route) {
	if k.refused[path] {
		return
	}
	k.channel(join(path, "channel"), r.Channel)
	k.repository(join(path, "repository"), r.Repository)
	k.labels(join(path, "labels"), r.Labels)
	k.severityLabels(join(path, "severity_labels"), r.SeverityLabels)
	k.componentLabels(join(path, "component_labels"), r.ComponentLabels)
	k.assignees(join(path, "assignees"), r.Assignees)
	k.template(join(path, "template"), r.Template)
	k.when(join(path, "when"), r.When)
}

// channel checks the id of a Slack channel.
func (k *checker) channel(path, id string) {
	switch {
	case !k.require(path, id, channelHint), channelID.MatchString(id):
	case strings.HasPrefix(id, "#"):
		k.add(path, quote(id)+" is a name, and names change", channelHint)
	case strings.HasPrefix(id, "D"), strings.HasPrefix(id, "U"):
		k.add(path, quote(id)+" is no channel", channelHint)
	default:
		k.add(path, quote(id)+" is no Slack channel id such as C0123456789", channelHint)
	}
}

func (k *checker) severityLabels(path string, labels map[string]string) {
	for _, severity := range slices.Sorted(maps.Keys(labels)) {
		at := join(path, severity)
		switch label := labels[severity]; {
		case k.refused[at]:
		case !slices.Contains(severities, severity):
			k.note(lookup(k.places, at), at, "there is no severity "+quote(severity), "write one of "+strings.Join(severities, ", "))
		case strings.TrimSpace(label) == "" || len([]rune(label)) > maxLabel:
			k.add(at, fmt.Sprintf("%s is no label", quote(label)), fmt.Sprintf("write 1 to %d characters", maxLabel))
		}
	}
}

func (k *checker) componentLabels(path string, labels map[string]string) {
	for _, component := range slices.Sorted(maps.Keys(labels)) {
		at := join(path, component)
		switch {
		case k.refused[at]:
		case !isLabel(component):
			k.note(lookup(k.places, at), at, quote(component)+" is no name of a component", fmt.Sprintf("write 1 to %d characters in one line", maxLabel))
		case !isLabel(labels[component]):
			k.add(at, quote(labels[component])+" is no label", fmt.Sprintf("write 1 to %d characters", maxLabel))
		}
	}
}

func isLabel(s string) bool {
	return strings.Join(strings.Fields(s), " ") == s && s != "" && len([]rune(s)) <= maxLabel
}

// severities are those that a report can have.
var severities = []string{"critical", "high", "medium", "low"}

// maxAssignees is how many GitHub takes.
const maxAssignees = 10

// login follows GitHub's rules for users, with the underscore of managed ones.
var login = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,38}$`)

func (k *checker) assignees(path string, logins []string) {
	if len(logins) > maxAssignees && !k.refused[path] {
		k.add(path, fmt.Sprintf("%d assignees, GitHub takes %d", len(logins), maxAssignees), "delete some")
	}
	for i, name := range logins {
		if at := fmt.Sprintf("%s[%d]", path, i); !k.refused[at] && !login.MatchString(name) {
			k.add(at, quote(name)+" is no GitHub login", "write the login without @, for example octocat")
		}
	}
}

// repositoryName follows GitHub's rules for owners (with the underscore of managed users) and names.
var repositoryName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,38}/[A-Za-z0-9._-]{1,100}$`)

func (k *checker) repository(path, name string) {
	fix := "write owner/name, for example acme/app"
	if !k.require(path, name, fix) {
		return
	}
	if isRepository(name) {
		return
	}
	if found := inURL.FindStringSubmatch(name); found != nil && isRepository(found[1]) {
		fix = "write " + found[1]
	}
	k.add(path, quote(name)+" is not owner/name", fix)
}

func isRepository(name string) bool {
	_, repo, _ := strings.Cut(name, "/")
	return repositoryName.MatchString(name) && strings.Trim(repo, ".") != "" && !strings.HasSuffix(repo, ".git")
}

// inURL finds owner/name in what people copy from a browser or from git.
var inURL = regexp.MustCompile(`^(?:https?://[^/]+/|git@[^:]+:|github\.com/)?([A-Za-z0-9][A-Za-z0-9_-]{0,38}/[A-Za-z0-9._-]{1,100}?)(?:\.git)?/?$`)

// maxLabel is the longest name GitHub takes for a label, in characters.
const maxLabel = 50

func (k *checker) labels(path string, labels []string) {
	seen := map[string]bool{}
	for i, label := range labels {
		at := fmt.Sprintf("%s[%d]", path, i)
		folded := strings.ToLower(label) // GitHub's labels differ in more than case
		switch {
		case k.refused[at]:
		case strings.TrimSpace(label) == "":
			k.add(at, "this label is empty", "delete it")
		case len([]rune(label)) > maxLabel:
			k.add(at, fmt.Sprintf("this label has %d characters, GitHub takes %d", len([]rune(label)), maxLabel), "shorten it")
		case seen[folded]:
			k.add(at, "label "+quote(label)+" is there already", "delete one of them")
		}
		seen[folded] = true
	}
}
