package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"tokenkeeper/activities"
)

// errorType returns the type of the application error in err, or "".
func errorType(err error) string {
	if app, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return app.Type()
	}
	return ""
}

// rootMessage returns the innermost message, without what Temporal wraps around it, for people.
func rootMessage(err error) string {
	if app, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return app.Message()
	}
	return err.Error()
}

// unavailable returns the account whose lack of a token failed an Activity.
func unavailable(err error) (activities.Unavailable, bool) {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok || app.Type() != activities.ErrTypeAccountUnavailable {
		return activities.Unavailable{}, false
	}
	var detail activities.Unavailable
	err = app.Details(&detail)
	return detail, err == nil
}

// runsAs refuses a Workflow that was started under another id than its own. The id is what makes it unique.
func runsAs(ctx workflow.Context, want, why string) error {
	if id := workflow.GetInfo(ctx).WorkflowExecution.ID; id != want {
		return badInput("workflow id: %s; start it with --workflow-id %s: %s", id, want, why)
	}
	return nil
}
