package config

import (
	"path"
	"strings"

	"tokenkeeper/triage"
)

// template checks which template the issues of a route are written by.
func (k *checker) template(at, name string) {
	const fix = "write the name of a file in .github/ISSUE_TEMPLATE of the repository, for example bug_report.yml; or auto, or none"
	switch {
	case k.refused[at], name == triage.TemplateAuto, name == triage.TemplateNone, triage.IsTemplateFile(name):
	case name == "":
		k.add(at, "this is empty", fix)
	case strings.Contains(name, "/") && triage.IsTemplateFile(path.Base(name)):
		k.add(at, quote(name)+" is more than the name of a file", "write "+path.Base(name))
	case strings.EqualFold(name, "config.yml"):
		k.add(at, quote(name)+" is no template: it says which of them GitHub shows", fix)
	default:
		k.add(at, quote(name)+" is no template"+didYouMean(name, []string{triage.TemplateAuto, triage.TemplateNone}), fix)
	}
}
