// Package activities holds the side effects that Workflows ask for: what touches a vault, an authorization server, Slack
// or GitHub.
//
// An Activity can run twice, whatever Temporal's options say: its worker can die after the effect and before the report.
// So each one here is written to be asked again. [Account.RefreshToken] leaves a mark in the vault before it presents a
// refresh token and reads it first; [GitHub.CreateIssue] looks for its own marker in the list of issues before it tries
// a second time; [Slack.Reply] looks for its own metadata in the thread.
//
// Inputs and results enter Temporal's history in clear. They name accounts and generations; no token fits into them
// ([tokenkeeper/credential.Secret] refuses to be encoded).
package activities
