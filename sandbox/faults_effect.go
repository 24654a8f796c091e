package sandbox

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// suffer applies a fault to a request. It drops a connection by panicking with [http.ErrAbortHandler].
func (s *Sandbox) suffer(w http.ResponseWriter, c *call, f Fault, handle handling) {
	if !s.delay(f.Delay) {
		panic(http.ErrAbortHandler)
	}
	if f.Kind == FaultAnswer {
		c.mood = f.Code
	}
	var a answer
	if f.Processed || f.Kind == FaultDelay || f.Kind == FaultTruncate || f.Kind == FaultAnswer {
		a = s.process(c, handle)
	}
	switch f.Kind {
	case FaultDelay, FaultAnswer:
		a.write(w)
	case FaultTruncate:
		a.body = a.body[:len(a.body)/2]
		a.write(w)
	case FaultStatus:
		s.process(c, func(c *call) answer { return s.refusal(c, f) }).write(w)
	case FaultHang:
		s.hang(c)
		panic(http.ErrAbortHandler)
	case FaultDrop:
		panic(http.ErrAbortHandler)
	}
}

// delay waits, and reports false if the sandbox was closed meanwhile. It ignores that the client may have gone: a real
// server goes on with its request, and so an issue appears after its creation timed out.
func (s *Sandbox) delay(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.closed:
		return false
	}
}

func (s *Sandbox) hang(c *call) {
	select {
	case <-c.request.Context().Done():
	case <-s.closed:
	}
}

// refusal is the answer of FaultStatus, in the dialect of the endpoint it stands in front of.
func (s *Sandbox) refusal(c *call, f Fault) answer {
	if f.RetryAfter > 0 {
		s.ledger.limited(c, s.now(), f.RetryAfter)
	}
	if f.refusesToken(c) {
		s.ledger.authFailed(c, tokenRevoked)
	}
	switch c.app {
	case Slack:
		return slackRefusal(f).retryAfter(f.RetryAfter)
	case Google, OpenID:
		return googleScripted(f).retryAfter(f.RetryAfter)
	case Zendesk:
		return zendeskScripted(f).retryAfter(f.RetryAfter)
	case Model:
		return modelScripted(f).retryAfter(f.RetryAfter)
	case GitHub:
	}
	return gitHubRefusal(c, f).retryAfter(f.RetryAfter)
}

// refusesToken reports whether the scripted answer tells an API client that its token is dead. The key of a model is none.
func (f Fault) refusesToken(c *call) bool {
	if c.app == Model || c.endpoint == endpointRefresh || c.endpoint == endpointExchange || c.endpoint == endpointMint {
		return false
	}
	return f.Status == http.StatusUnauthorized ||
		c.app == Slack && slices.Contains([]string{"token_expired", "token_revoked", "invalid_auth", "account_inactive"}, f.Code)
}

func slackRefusal(f Fault) answer {
	switch {
	case f.Code != "":
		a := slackFailure(f.Code)
		a.status = orDefault(f.Status, http.StatusOK)
		return a
	case f.Status == http.StatusTooManyRequests:
		a := slackFailure("ratelimited")
		a.status = f.Status
		return a
	default: // whatever stands in front of Slack speaks HTML
		return htmlRefusal(f.Status)
	}
}

func gitHubRefusal(c *call, f Fault) answer {
	token := c.endpoint == endpointRefresh || c.endpoint == endpointExchange
	switch {
	case token && f.Code != "":
		a := gitHubTokenFailure(c, f.Code)
		a.status = orDefault(f.Status, http.StatusOK)
		return a
	case token || f.Status == http.StatusBadGateway && f.Code == "":
		return htmlRefusal(f.Status)
	case f.Code != "":
		return gitHubFailure(orDefault(f.Status, http.StatusBadRequest), f.Code)
	case f.RetryAfter > 0 && (f.Status == http.StatusForbidden || f.Status == http.StatusTooManyRequests):
		return gitHubSecondaryLimit(f.Status)
	default:
		return gitHubFailure(f.Status, gitHubMessage(f.Status))
	}
}

func googleScripted(f Fault) answer {
	if f.Code == "" {
		return htmlRefusal(f.Status)
	}
	return googleFailure(orDefault(f.Status, http.StatusBadRequest), f.Code, "")
}

func gitHubSecondaryLimit(status int) answer {
	return jsonAnswer(status, map[string]any{
		"message":           "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
		"documentation_url": "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits",
		"status":            itoa(status),
	})
}

func gitHubMessage(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "Bad credentials"
	case http.StatusForbidden:
		return "Resource not accessible by integration"
	case http.StatusUnprocessableEntity:
		return "Validation Failed"
	case http.StatusInternalServerError:
		return "Server Error"
	default:
		return http.StatusText(status)
	}
}

func htmlRefusal(status int) answer {
	text := fmt.Sprintf("%d %s", status, http.StatusText(status))
	return textAnswer(status, "text/html; charset=utf-8",
		"<!doctype html>\n<title>"+text+"</title>\n<h1>"+text+"</h1>\n<p>Something went wrong on our end.</p>\n")
}
