package workflows

import (
	"strings"

	"go.temporal.io/sdk/temporal"

	"tokenkeeper/credential"
)

// TaskQueue is where all Workflows and Activities run unless the configuration names another.
const TaskQueue = "tokenkeeper"

// Workflow types, as `temporal workflow start --type` takes them.
const (
	ConnectedAccountType = "ConnectedAccount"
	TriageType           = "Triage"
	ReportType           = "Report"
	ThreadType           = "Thread"
	ConnectorType        = "Connector"
	NoticeType           = "Notice"
	DigestType           = "Digest"
)

// Messages of the ConnectedAccount Workflow.
const (
	UpdateRefresh      = "refresh"
	UpdateReauthorized = "reauthorized"
	UpdateDisconnect   = "disconnect"
	UpdateValidate     = "validate"
	// UpdateReject has what is in quarantine destroyed: a [RejectRequest].
	UpdateReject       = "reject"
	SignalReauthorized = "reauthorized"
	SignalDisconnect   = "disconnect"
	// SignalValidate asks for a look at the token soon, as [UpdateValidate] does at once.
	SignalValidate = "validate"
	// SignalAwait is what a Workflow sends that waits for the account: a [Waiter].
	SignalAwait = "await"
	// SignalConnector is the news that an account gets of its connector: a [ConnectorNews].
	SignalConnector = "connector"
	QueryStatus     = "status"
)

// Messages of the Connector Workflow.
const (
	// SignalReport is what an account met that the others of its connector would meet too: a [ConnectorReport].
	SignalReport = "report"
	// SignalConfigured says that a worker read the connector's configuration anew. It takes no argument.
	SignalConfigured = "configured"
)

// SignalNotice is a notice of an account for the Digest of its connector: a [NoticeInput].
const SignalNotice = "notice"

// Messages of the Triage and Report Workflows.
const (
	SignalPause  = "pause"
	SignalResume = "resume"
	// SignalReload has a Triage read its configuration again.
	SignalReload = "reload"
	// SignalLook has a Thread look at Slack and GitHub once more. It takes no argument.
	SignalLook = "look"
	// SignalMarked tells a Report under way that somebody marked its message, so that it reads it once more rather than leave it
	// unfiled. It takes no argument.
	SignalMarked = "marked"
	// SignalRetry has a parked Report try again.
	SignalRetry = "retry"
	// SignalAccountActive is what an account sends to those that wait for it: an [AccountActive].
	SignalAccountActive = "account_active"
)

// Search attributes. They are stored in clear: states and times only.
var (
	AccountStatusKey   = temporal.NewSearchAttributeKeyKeyword("AccountStatus")
	AccountProviderKey = temporal.NewSearchAttributeKeyKeyword("AccountProvider")
	// TokenExpiresAtKey is when the access token ends, where none is going to take its place before that by itself.
	TokenExpiresAtKey = temporal.NewSearchAttributeKeyTime("TokenExpiresAt")
	// AccountHeldByKey has the name of the connector that an account waits for, while it does.
	AccountHeldByKey   = temporal.NewSearchAttributeKeyKeyword("AccountHeldBy")
	ConnectorStatusKey = temporal.NewSearchAttributeKeyKeyword("ConnectorStatus")
)

// SearchAttributes returns all of them, for a server to know before the Workflows upsert any.
func SearchAttributes() []temporal.SearchAttributeKey {
	return []temporal.SearchAttributeKey{AccountStatusKey, AccountProviderKey, TokenExpiresAtKey, AccountHeldByKey, ConnectorStatusKey}
}

// AccountWorkflowID returns "account/acme/triage/slack".
func AccountWorkflowID(account credential.AccountID) string { return "account/" + account.String() }

// TriageWorkflowID returns "triage/acme/bug-reports".
func TriageWorkflowID(name string) string { return "triage/" + name }

// ReportWorkflowID returns "report/T1/C1/1700000000.000100".
func ReportWorkflowID(key string) string { return "report/" + key }

// ThreadWorkflowID returns "thread/T1/C1/1700000000.000100" for the report with that key.
func ThreadWorkflowID(key string) string { return "thread/" + key }

// ConnectorWorkflowID returns "connector/tokenkeeper/slack" for connector slack of the installation on task queue
// tokenkeeper: the connectors of two installations in one namespace may have the same name and be different apps.
func ConnectorWorkflowID(queue, connector string) string {
	return "connector/" + queue + "/" + connector
}

// ConnectorTaskQueue returns "tokenkeeper/connector/slack" for connector slack of the installation on task queue tokenkeeper:
// the queue of what is sent to the authorization server in the connector's name.
func ConnectorTaskQueue(queue, connector string) string { return queue + "/connector/" + connector }

// NoticeWorkflowID returns "notice/ntc_0123456789abcdef0123456789abcdef".
func NoticeWorkflowID(id string) string { return "notice/" + id }

// DigestWorkflowID returns "notices/tokenkeeper/slack" for connector slack of the installation on task queue tokenkeeper.
func DigestWorkflowID(queue, connector string) string { return "notices/" + queue + "/" + connector }

// AccountOfWorkflow is the reverse of [AccountWorkflowID]; ok is false for the id of another Workflow.
func AccountOfWorkflow(id string) (account credential.AccountID, ok bool) {
	rest, ok := strings.CutPrefix(id, "account/")
	if !ok {
		return credential.AccountID{}, false
	}
	account, err := credential.ParseAccountID(rest)
	return account, err == nil
}
