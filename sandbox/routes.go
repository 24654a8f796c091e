package sandbox

import "net/http"

// routes puts the parts behind their prefixes. Pages have a mux of their own: the page of an issue
// (/github/{owner}/{repo}/issues/{number}) and the REST API would contend for the same paths in one.
func (s *Sandbox) routes() http.Handler {
	pages := http.NewServeMux()
	s.pageRoutes(pages)

	// Pages of other sites may not post messages or consent through the browser of somebody who plays here.
	guard := http.NewCrossOriginProtection()

	mux := http.NewServeMux()
	mux.HandleFunc("GET /slack/oauth/v2/authorize", s.authorizePage(Slack))
	mux.Handle("POST /slack/oauth/v2/authorize", guard.Handler(s.takeDecision(Slack)))
	mux.HandleFunc("/slack/api/{method}", s.slackAPI())
	mux.HandleFunc("GET /github/login/oauth/authorize", s.authorizePage(GitHub))
	mux.Handle("POST /github/login/oauth/authorize", guard.Handler(s.takeDecision(GitHub)))
	mux.HandleFunc("POST /github/login/oauth/access_token", s.gitHub(endpointToken, s.gitHubToken))
	s.gitHubRoutes(mux)
	s.googleRoutes(mux)
	mux.HandleFunc("GET /zendesk/oauth/authorizations/new", s.authorizePage(Zendesk))
	mux.Handle("POST /zendesk/oauth/authorizations/new", guard.Handler(s.takeDecision(Zendesk)))
	s.zendeskRoutes(mux)
	mux.HandleFunc("GET "+openIDRoot+"/authorize", s.authorizePage(OpenID))
	mux.Handle("POST "+openIDRoot+"/authorize", guard.Handler(s.takeDecision(OpenID)))
	s.openIDRoutes(mux)
	s.modelRoutes(mux)
	mux.Handle("/control/", guard.Handler(s.controlRoutes()))
	mux.Handle("/", pages)
	return mux
}
