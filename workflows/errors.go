package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"

	"tokenkeeper/activities"
)

// errorType returns the type of the application error in err, or "".
func errorType(err error) string {
	if app, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return app.Type()
	}
	return ""
}

// rootMessage returns the message without Temporal's envelope, for people.
func rootMessage(err error) string {
	if app, ok := errors.AsType[*temporal.ApplicationError](err); ok {
		return app.Message()
	}
	return err.Error()
}

// unavailable returns the account that an Activity failed for lack of.
func unavailable(err error) (activities.Unavailable, bool) {
	app, ok := errors.AsType[*temporal.ApplicationError](err)
	if !ok || app.Type() != activities.ErrTypeAccountUnavailable {
		return activities.Unavailable{}, false
	}
	var detail activities.Unavailable
	return detail, app.Details(&detail) == nil
}
