package config

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"time"
	"unicode"

	"tokenkeeper/credential"
	"tokenkeeper/triage"
)

// maxTriggers keeps what a route adds to the input of every poll to a few kilobytes.
const maxTriggers = 100

const personHint = "write a Slack user id such as U0123456789: in the person's profile, ⋮, Copy member ID"

func (k *checker) when(path string, w triage.When) {
	if k.refused[path] {
		return
	}
	k.keywords(join(path, "keywords"), w.Keywords)
	for _, narrows := range []string{join(path, "keywords"), join(path, "patterns")} {
		if _, written := k.places[narrows]; written && w.Every && !k.refused[narrows] {
			k.add(narrows, "every message counts already", "delete it, or every: true")
		}
	}
	k.patterns(join(path, "patterns"), w.Patterns)
	k.reactions(path, w)
	k.persons(join(path, "only"), w.Only)
	k.persons(join(path, "ignore"), w.Ignore)
	for i, id := range w.Ignore {
		if at := fmt.Sprintf("%s[%d]", join(path, "ignore"), i); !k.refused[at] && slices.Contains(w.Only, id) {
			k.add(at, id+" is in only as well", "delete it here or there")
		}
	}
}

func (k *checker) reactions(path string, w triage.When) {
	at := join(path, "reactions")
	k.atMost(at, len(w.Reactions), "reactions")
	for i, name := range w.Reactions {
		at := fmt.Sprintf("%s[%d]", at, i)
		switch {
		case k.refused[at]:
		case !triage.IsEmoji(name):
			k.add(at, quote(name)+" is no name of an emoji", "write it as Slack shows it between the colons, for example beetle")
		case slices.Contains(w.Reactions[:i], name):
			k.add(at, name+" is there already", "delete one of them")
		}
	}
	k.persons(join(path, "reactions_by"), w.ReactionsBy)
	within := join(path, "reactions_within")
	for _, needs := range []string{join(path, "reactions_by"), within} {
		if _, written := k.places[needs]; written && len(w.Reactions) == 0 && !k.refused[at] && !k.refused[needs] {
			k.add(needs, "there are no reactions", "write reactions: [beetle] beside it, or delete it")
		}
	}
	if _, written := k.places[within]; written && !k.refused[within] && (w.ReactionsWithin < minAnswer || w.ReactionsWithin > maxAnswer) {
		k.add(within, fmt.Sprintf("%s is not from %s to %s", w.ReactionsWithin, minAnswer, maxAnswer),
			"write how long after a message a reaction counts, for example 24h; every poll reads as far back")
	}
}

func (k *checker) keywords(path string, keywords []string) {
	k.atMost(path, len(keywords), "keywords")
	for i, keyword := range keywords {
		at := fmt.Sprintf("%s[%d]", path, i)
		same := func(other string) bool { return strings.EqualFold(keyword, other) }
		switch {
		case k.refused[at]:
		case !strings.ContainsFunc(keyword, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }):
			k.add(at, quote(keyword)+" is no word", "write a word or some that stand together; for more there are patterns")
		case slices.ContainsFunc(keywords[:i], same):
			k.add(at, "keyword "+quote(keyword)+" is there already", "delete one of them")
		}
	}
}

func (k *checker) patterns(path string, patterns []string) {
	k.atMost(path, len(patterns), "patterns")
	for i, pattern := range patterns {
		at := fmt.Sprintf("%s[%d]", path, i)
		if k.refused[at] {
			continue
		}
		compiled, err := regexp.Compile(pattern)
		switch {
		case err != nil:
			k.add(at, quote(pattern)+" is no regular expression: "+faultOf(err), "write it as pkg.go.dev/regexp/syntax says, in single quotes")
		case compiled.MatchString(""):
			k.add(at, quote(pattern)+" is found in every message", "write one that needs at least a letter, or delete it")
		}
	}
}

// faultOf returns what is wrong with a regular expression, and where.
func faultOf(err error) string {
	if fault, ok := errors.AsType[*syntax.Error](err); ok {
		return fault.Code.String() + " at " + quote(fault.Expr)
	}
	return err.Error()
}

func (k *checker) persons(path string, ids []string) {
	for i, id := range ids {
		at := fmt.Sprintf("%s[%d]", path, i)
		switch {
		case k.refused[at]:
		case !triage.IsUserID(id):
			k.add(at, quote(id)+" is no id of a person", personHint)
		case slices.Contains(ids[:i], id):
			k.add(at, id+" is there already", "delete one of them")
		}
	}
}

func (k *checker) atMost(path string, n int, what string) {
	if n > maxTriggers && !k.refused[path] {
		k.add(path, fmt.Sprintf("%d %s are more than %d", n, what, maxTriggers), "put several into one pattern: a|b|c")
	}
}

// scopeOfAnswers is what Slack's reactions.get asks for.
const scopeOfAnswers = "reactions:read"

// mode checks whether and whom a route asks before it files.
func (k *checker) mode(path string, slack credential.AccountID, r Route) {
	mode, propose := join(path, "mode"), join(path, "propose")
	_, written := k.places[propose]
	connector, known := k.config.Connectors[slack.Connector]
	switch {
	case k.refused[path], k.refused[mode]:
	case r.Mode != ModeFile && r.Mode != ModePropose:
		k.add(mode, quote(r.Mode)+" is no mode"+didYouMean(r.Mode, []string{ModeFile, ModePropose}), "write file, or propose to have people asked first")
	case r.Mode == ModeFile && written:
		k.add(propose, "nobody is asked in mode file", "write mode: propose beside it, or delete it")
	case r.Mode == ModePropose && known && !slices.Contains(connector.Scopes, scopeOfAnswers):
		k.add(mode, fmt.Sprintf("connector %s has not the scope %s, without which answers cannot be read", slack.Connector, scopeOfAnswers),
			"add it to the scopes of the connector and of the Slack app, then reauthorize account "+slack.String())
	}
	if within := join(propose, "within"); written && !k.refused[within] && (r.Propose.Within < minAnswer || r.Propose.Within > maxAnswer) {
		k.add(within, fmt.Sprintf("%s is not from %s to %s", r.Propose.Within, minAnswer, maxAnswer), "write how long people have to answer, for example 72h")
	}
	k.persons(join(propose, "by"), r.Propose.By)
}

// An answer, and a reaction, takes people minutes at least. After a month nobody knows what the question was.
const (
	minAnswer = time.Minute
	maxAnswer = 720 * time.Hour
)
