package workflows

import "go.temporal.io/sdk/workflow"

// Registry is a worker, or a replayer.
type Registry interface {
	RegisterWorkflowWithOptions(w any, options workflow.RegisterOptions)
}

// Register registers every Workflow of this package under its type.
func Register(r Registry) {
	r.RegisterWorkflowWithOptions(ConnectedAccount, workflow.RegisterOptions{Name: ConnectedAccountType})
	r.RegisterWorkflowWithOptions(Triage, workflow.RegisterOptions{Name: TriageType})
	r.RegisterWorkflowWithOptions(Connector, workflow.RegisterOptions{Name: ConnectorType})
	r.RegisterWorkflowWithOptions(Thread, workflow.RegisterOptions{Name: ThreadType})
	r.RegisterWorkflowWithOptions(Notice, workflow.RegisterOptions{Name: NoticeType})
	r.RegisterWorkflowWithOptions(Digest, workflow.RegisterOptions{Name: DigestType})
	r.RegisterWorkflowWithOptions(Report, workflow.RegisterOptions{Name: ReportType})
}
