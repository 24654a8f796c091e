// Package supportdesk is a second agent on tokenkeeper's bones: each question in a Slack channel becomes one Zendesk ticket,
// and the thread gets its number. It shows what the author of an agent has to write, which is the job and nothing else:
// tokens, refreshes, dead grants and replays are below it.
//
//	Desk ─poll─▶ a Question for each message ─▶ Fetch (Slack) ─▶ OpenTicket (Zendesk) ─▶ Reply (Slack)
//
// Every Activity that needs an account runs inside a [workflows.Gate]: when the grant needs a person, the Workflow waits for
// the account's Signal and goes on at the same step. What is written is written once: see [activities.Write].
package supportdesk
