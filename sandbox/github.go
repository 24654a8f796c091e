package sandbox

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const gitHubDocs = "https://docs.github.com/rest"

// gitHubHandling answers a REST call of an authenticated user.
type gitHubHandling func(*call, *grant) answer

// gitHubRoutes is the REST API: path and name in the books.
func (s *Sandbox) gitHubRoutes(mux *http.ServeMux) {
	const api = "/github/api/v3"
	for pattern, route := range map[string]struct {
		name string
		run  gitHubHandling
	}{
		"GET /user":                                           {"user.get", s.getUser},
		"GET /user/installations":                             {"user.installations", s.userInstallations},
		"GET /repos/{owner}/{repo}/milestones":                {"milestones.list", s.listMilestones},
		"GET /installation/repositories":                      {"installation.repositories", s.installationRepositories},
		"DELETE /installation/token":                          {"installation.token.delete", s.deleteInstallationToken},
		"GET /repos/{owner}/{repo}":                           {"repos.get", s.getRepository},
		"GET /repos/{owner}/{repo}/assignees/{login}":         {"assignees.get", s.getAssignee},
		"GET /repos/{owner}/{repo}/contents/{path...}":        {"contents.get", s.getContents},
		"POST /repos/{owner}/{repo}/issues":                   {"issues.create", s.creating(s.createIssue)},
		"GET /repos/{owner}/{repo}/issues":                    {"issues.list", s.listIssues},
		"GET /repos/{owner}/{repo}/issues/{number}":           {"issues.get", s.getIssue},
		"PATCH /repos/{owner}/{repo}/issues/{number}":         {"issues.update", s.updateIssue},
		"GET /repos/{owner}/{repo}/issues/{number}/comments":  {"comments.list", s.listComments},
		"POST /repos/{owner}/{repo}/issues/{number}/comments": {"comments.create", s.creating(s.createComment)},
		"GET /repos/{owner}/{repo}/labels":                    {"labels.list", s.listLabels},
		"POST /repos/{owner}/{repo}/labels":                   {"labels.create", s.createLabel},
		"GET /repos/{owner}/{repo}/labels/{name}":             {"labels.get", s.getLabel},
		"GET /search/issues":                                  {"search.issues", s.searchIssues},
		"GET /rate_limit":                                     {"rate_limit", s.getRateLimit},
	} {
		method, path, _ := strings.Cut(pattern, " ")
		mux.HandleFunc(method+" "+api+path, s.gitHubREST(route.name, route.run))
	}
	mux.HandleFunc("POST "+api+"/app/installations/{id}/access_tokens", s.gitHub(endpointMint, s.gitHubInstallationToken))
	mux.HandleFunc("DELETE "+api+"/applications/{client_id}/token", s.gitHub("applications.token.delete", s.gitHubRevokeToken))
	mux.HandleFunc("DELETE "+api+"/applications/{client_id}/grant", s.gitHub("applications.grant.delete", s.gitHubRevokeGrant))
	mux.HandleFunc(api+"/", s.gitHub("unknown", func(*call) answer { return gitHubFailure(http.StatusNotFound, "Not Found") }))
}

func (s *Sandbox) gitHub(name string, handle handling) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, GitHub, name, handle) }
}

func (s *Sandbox) gitHubREST(name string, run gitHubHandling) http.HandlerFunc {
	return s.gitHub(name, func(c *call) answer { return s.gitHubCall(c, run) })
}

func (s *Sandbox) gitHubCall(c *call, run gitHubHandling) answer {
	if c.request.UserAgent() == "" {
		return gitHubFailure(http.StatusForbidden, "Request forbidden by administrative rules. "+
			"Please make sure your request has a User-Agent header (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required).")
	}
	t, state := s.apps[GitHub].accessState(c.bearer(), s.now())
	if state != tokenLive {
		s.ledger.authFailed(c, state)
		return gitHubFailure(http.StatusUnauthorized, gitHubTokenError(state))
	}
	rate := &s.hub.rate
	if c.endpoint != "rate_limit" && !rate.take(s.now()) {
		s.ledger.limited(c, s.now(), rate.reset.Sub(s.now()))
		return rate.headers(gitHubFailure(http.StatusForbidden, "API rate limit exceeded for user ID "+
			strconv.FormatInt(loginID(t.grant.subject), 10)+"."))
	}
	s.ledger.authAccepted(c)
	if moved, was := s.redirected(c); was {
		return rate.headers(moved)
	}
	return rate.headers(conditional(c, rate, run(c, t.grant))).
		with("X-OAuth-Scopes", strings.Join(t.grant.scopes, ", ")).
		with("X-GitHub-Media-Type", "github.v3; format=json")
}

// conditional gives an answer an ETag. A request with that ETag is answered with 304, which does not count against the
// primary limit (docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api, "Use conditional
// requests").
func conditional(c *call, rate *rateWindow, a answer) answer {
	if c.request.Method != http.MethodGet || a.status != http.StatusOK {
		return a
	}
	sum := sha256.Sum256(a.body)
	etag := `W/"` + hex.EncodeToString(sum[:]) + `"`
	if c.request.Header.Get("If-None-Match") == etag {
		rate.used--
		a = answer{status: http.StatusNotModified, header: http.Header{}}
	}
	return a.with("ETag", etag)
}

// gitHubTokenError is the answer to a token that expired, was revoked or never existed; GitHub does not tell these apart.
func gitHubTokenError(state tokenState) string {
	if state == tokenMissing {
		return "Requires authentication"
	}
	return "Bad credentials"
}

// accessible finds the repository a call names. One that does not exist and one out of reach are answered alike.
func (s *Sandbox) accessible(c *call) (*repository, bool) {
	r := s.hub.repository(c.request.PathValue("owner") + "/" + c.request.PathValue("repo"))
	return r, r != nil && !r.inaccessible
}

// withRepository runs a handler for an accessible repository.
func (s *Sandbox) withRepository(c *call, run func(*repository) answer) answer {
	r, ok := s.accessible(c)
	if !ok {
		return gitHubFailure(http.StatusNotFound, "Not Found")
	}
	return run(r)
}

// withIssues is withRepository for handlers that need issues to be enabled.
func (s *Sandbox) withIssues(c *call, run func(*repository) answer) answer {
	return s.withRepository(c, func(r *repository) answer {
		if r.issuesDisabled {
			return gitHubFailure(http.StatusGone, "Issues has been disabled in this repository.")
		}
		return run(r)
	})
}

// withIssue is withIssues for one issue.
func (s *Sandbox) withIssue(c *call, run func(*issue) answer) answer {
	return s.withIssues(c, func(r *repository) answer {
		number, _ := strconv.Atoi(c.request.PathValue("number")) // what is no number names no issue
		i := r.issue(number)
		if i == nil {
			return gitHubFailure(http.StatusNotFound, "Not Found")
		}
		return run(i)
	})
}

func gitHubFailure(status int, message string) answer {
	return jsonAnswer(status, map[string]any{"message": message, "documentation_url": gitHubDocs, "status": itoa(status)})
}

// gitHubInvalid is a 422 that names the field and what is wrong with it.
func gitHubInvalid(resource, field, code, message string) answer {
	problem := map[string]any{"resource": resource, "field": field, "code": code}
	if message != "" {
		problem["message"] = message
	}
	return jsonAnswer(http.StatusUnprocessableEntity, map[string]any{
		"message": "Validation Failed", "errors": []any{problem}, "documentation_url": gitHubDocs, "status": "422",
	})
}

// gitHubNoLabels is the answer to an issue whose label would have to be created by somebody who may not create labels.
func gitHubNoLabels() answer {
	return jsonAnswer(http.StatusForbidden, map[string]any{
		"message": "You do not have permission to create labels on this repository.", "status": "403",
		"errors":            []any{map[string]any{"resource": "Repository", "field": "label", "code": "unauthorized"}},
		"documentation_url": "https://docs.github.com/v3/issues/labels/",
	})
}

// gitHubNotAnArray is the answer to null where a list belongs (github.com/vermiculus/magithub/issues/101).
func gitHubNotAnArray(field string) answer {
	return gitHubFailure(http.StatusUnprocessableEntity, "Invalid request.\n\nFor 'properties/"+field+"', nil is not an array.")
}

// gitHubUnparsable is the answer to a body that is no JSON.
func gitHubUnparsable() answer { return gitHubFailure(http.StatusBadRequest, "Problems parsing JSON") }

// rateWindow is the primary limit: a number of requests in an hour, which begins with the first of them.
type rateWindow struct {
	limit, used int
	reset       time.Time
}

// take reports whether one more request is allowed, and counts it.
func (w *rateWindow) take(now time.Time) bool {
	w.roll(now)
	if w.used >= w.limit {
		return false
	}
	w.used++
	return true
}

func (w *rateWindow) roll(now time.Time) {
	if !now.Before(w.reset) {
		w.used, w.reset = 0, now.Add(time.Hour)
	}
}

func (w *rateWindow) headers(a answer) answer {
	return a.with("X-RateLimit-Limit", itoa(w.limit)).
		with("X-RateLimit-Remaining", itoa(w.limit-w.used)).
		with("X-RateLimit-Used", itoa(w.used)).
		with("X-RateLimit-Reset", strconv.FormatInt(w.reset.Unix(), 10)).
		with("X-RateLimit-Resource", "core")
}

func (w *rateWindow) fields() map[string]any {
	return map[string]any{"limit": w.limit, "used": w.used, "remaining": w.limit - w.used, "reset": w.reset.Unix()}
}
