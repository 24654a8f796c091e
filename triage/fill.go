package triage

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Source is what an issue was written from, for who writes it anew by a template. Template is [TemplateAuto], or a file.
type Source struct {
	Message  Message `json:"message"`
	Report   Report  `json:"report"`
	Template string  `json:"template"`
}

// What stands where the report does not tell. The first is GitHub's own.
const (
	noResponse = "_No response_"
	notGiven   = "Not given in the report."
)

// By returns the issue as the template wants it: its fields in its order, as GitHub writes those of a submitted form, then
// all that no field asked for, where the report comes from, the message, and the marker. Labels and assignees are added to
// the route's, a type where the route has none. Nothing that the message holds takes effect, and no field is filled
// with what the report does not say.
func (i Issue) By(t Template, s Source) Issue {
	lead := t.lead()
	i.Title = lead + titleWithin(s.Message, s.Report, maxIssueTitle-utf8.RuneCountInString(lead))
	i.Body = t.body(s, wordsOf(i.Owner+" "+i.Repo))
	i.Labels = withNames(i.Labels, t.Labels, func(label string) bool { return validateLabel(label) == nil })
	i.Assignees = withNames(i.Assignees, t.Assignees, ownerName.MatchString)
	i.Assignees = i.Assignees[:min(len(i.Assignees), maxAssignees)]
	if kind := oneLine(t.Type); i.Type == "" && utf8.RuneCountInString(kind) <= maxLabel {
		i.Type = kind
	}
	return i
}

// withNames adds names that are valid and not there yet; GitHub compares them without case.
func withNames(there, more []string, valid func(string) bool) []string {
	all := slices.Clone(there)
	for _, name := range more {
		known := slices.ContainsFunc(all, func(other string) bool { return strings.EqualFold(other, name) })
		if !known && valid(name) {
			all = append(all, name)
		}
	}
	return all
}

// maxLead is the longest beginning of a title, in runes.
const maxLead = 40

// lead returns how the template wants titles to begin, such as "[Bug]: ", with a space behind it; "" for anyhow. A title that
// leads to nothing, such as "Short summary", only tells people what to write.
func (t Template) lead() string {
	lead := oneLine(t.Title)
	if at := strings.IndexAny(lead, "<{"); at >= 0 {
		lead = strings.TrimSpace(lead[:at])
	}
	last, _ := utf8.DecodeLastRuneInString(lead)
	leads := strings.ContainsRune(":])-–—|/>", last) || !strings.ContainsFunc(lead, unicode.IsLetter)
	if lead == "" || !leads || utf8.RuneCountInString(lead) > maxLead {
		return ""
	}
	return lead + " "
}

func (t Template) body(s Source, product []string) string {
	a := &answers{message: s.Message, report: s.Report, taken: map[kind]bool{}}
	asked := make([][]kind, len(t.fields))
	for i, f := range t.fields {
		asked[i] = f.asked(product)
	}
	var head body
	for i, asks := range whatHappened(asked) {
		head.section(t.fields[i].label, a.to(t.fields[i], asks))
	}
	a.rest(&head)
	head.section("Reported in Slack", provenance(s.Message))
	if a.taken[filesPart] {
		s.Report.Files = nil
	}
	return head.finish(s.Message, s.Report)
}

// whatHappened has the field that asks what happened asked for the summary too, where no other is.
func whatHappened(asked [][]kind) [][]kind {
	asks := func(k kind) int {
		return slices.IndexFunc(asked, func(kinds []kind) bool { return slices.Contains(kinds, k) })
	}
	if i := asks(actualPart); i >= 0 && asks(summaryPart) < 0 && len(asked[i]) == 1 {
		asked[i] = []kind{summaryPart, actualPart}
	}
	return asked
}

// to answers a field.
func (a *answers) to(f field, asks []kind) string {
	switch f.control {
	case dropdown:
		return firstOf(a.choice(f.options, asks), f.unanswered())
	case checkboxes:
		ticked := a.choice(f.options, asks)
		var boxes []string
		for _, option := range f.options {
			mark := "- [ ] "
			if option == ticked {
				mark = "- [x] "
			}
			boxes = append(boxes, mark+option)
		}
		return strings.Join(boxes, "\n")
	default:
		return firstOf(a.text(f, asks), f.unanswered())
	}
}

// unanswered says that there is no answer.
func (f field) unanswered() string {
	if !f.required {
		return noResponse
	}
	if i := slices.IndexFunc(f.options, unknowing.MatchString); i >= 0 {
		return f.options[i]
	}
	return notGiven
}

// text writes into a field all that it asks for and that no field before it took.
func (a *answers) text(f field, asks []kind) string {
	var plain, shown []string
	for _, k := range asks {
		p := a.part(k)
		if p.shown == "" || a.taken[k] {
			continue
		}
		a.taken[k] = true
		name := ""
		if len(asks) > 1 {
			name = contrastNames[k]
		}
		plain, shown = append(plain, name+p.plain), append(shown, name+p.shown)
	}
	switch {
	case len(shown) == 0:
		return ""
	case f.control == input:
		return inert(cut(oneLine(strings.Join(plain, "; ")), maxSection))
	case f.render != "":
		return fenceAs(f.render, strings.Join(plain, "\n\n"))
	}
	return strings.Join(shown, "\n\n")
}

// contrastNames tell the two apart where one field asks for both.
var contrastNames = map[kind]string{expectedPart: "Expected:\n", actualPart: "Actual:\n"}

// choosable are the parts that choose an option. Others are free text, in which anybody may write what an option says.
var choosable = []kind{severityPart, componentPart, environmentPart, versionPart, systemPart, browserPart, devicePart}

// choice returns the option that the report speaks of, "" for none. One that says less than the report, such as Firefox of
// "Firefox 143", leaves it to be said.
func (a *answers) choice(options []string, asks []kind) string {
	for _, k := range asks {
		value := a.part(k).plain
		if option := pick(options, k, value); option != "" && slices.Contains(choosable, k) {
			a.taken[k] = a.taken[k] || k == severityPart || k == componentPart || strings.EqualFold(option, value)
			return option
		}
	}
	return ""
}
