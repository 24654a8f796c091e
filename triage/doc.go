// Package triage knows what a bug report is: which Slack messages can be one, which of them are, what each one says, where
// it goes, and how it reads as a GitHub issue.
//
//	Message ──Filter──▶ ──Classify──▶ ──Extract──▶ Report ──Render──▶ Issue
//	          who wrote   is it a       what does    Router: which     body ends with
//	          what kind   bug report?   it say?      repository?       Key.Marker
//
// The hard idea is that a message is data from a stranger, and it lands in a document that GitHub interprets: a mention
// notifies people, a reference writes into the timeline of another issue, a comment can pass for our own marker. Escaping
// is no answer, because GitHub finds mentions and references in the text that is left after Markdown is parsed: "\@ada"
// and "&#64;ada" still notify Ada. So there is one technique for every text from Slack, by allowlist: a word made of
// letters and a short number stand as they are, and everything else is shown as code, where GitHub interprets nothing.
// Prose stays prose, and paths, versions, status codes and commands look the way a maintainer would have written them. The
// message itself is quoted in a fence longer than any in it. Nothing invisible is added, and everything invisible is
// removed, except what joins two emoji into one.
//
// The second idea is the [Key]. Slack's team, channel and timestamp name a message for good, so they name its Workflow and
// sign its issue: the marker on the last line of the body is what tells, after an unknown outcome, whether the issue
// exists.
//
// Rules read a message ([ByRules]), or a language model does: [NewBrief] is the question, [ReadAnswer] takes of the answer
// what is of the asked form. What a model writes is a text like any other, and [Render] trusts it no more than the message.
//
// A [Template] is the third party: a project says how its issues should be written, and [Issue.By] fills in what the report
// says. The template's words are its maintainers' and stand as they are; the report's stay inert between them, choose among its
// options, and add nothing to them.
//
// Everything here is a pure function of its arguments and has the same result on every machine and in every replay.
package triage
