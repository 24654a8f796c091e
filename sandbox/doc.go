// Package sandbox is Slack, GitHub and Zendesk with an authorization server for each, Google's for service accounts, the
// OpenID provider of an organization, and a language model, simulated in one HTTP handler, so that an agent can be shown to
// survive what the real ones do to it: tokens that expire, rotate and are revoked, limits, outages, answers that are lost after
// the work was done.
//
// It speaks the real dialects, because that is where agents fail: Slack puts errors into HTTP 200, GitHub's token endpoint
// does too; history comes newest first; a GitHub refresh kills the old access token at once; search lags behind. Unmodified
// clients (slack-go, go-github) talk to it. And it keeps [Books]: what people posted, what came of it, which refresh tokens
// were presented twice. They are kept under the same lock as the state, from what the server itself saw, so a test
// or a demo never has to believe the agent about itself.
//
// The way of a request:
//
//	client ──▶ call: named ("conversations.history", "issues.create", "token.refresh"), body read
//	             │
//	             ├─▶ books: requests, limits obeyed            ┐
//	             ├─▶ a scripted Fault?                         │ one lock
//	             │      before: status · hang · drop           │
//	             ├─▶ handler: token, scope, state, books       ┘
//	             │      after:  status · hang · drop · truncate
//	             ▼
//	           answer
//
// The paths:
//
//	/slack/oauth/v2/authorize            consent page of the Slack app
//	/slack/api/{method}                  Web API; oauth.v2.access is its token endpoint
//	/github/login/oauth/authorize        consent page of the GitHub App
//	/github/login/oauth/access_token     its token endpoint
//	/github/api/v3/…                     REST; what go-github's WithEnterpriseURLs(base+"/github/", …) calls
//	/google/token                        token endpoint for signed assertions and client credentials; tokeninfo, revoke
//	/openid/…                            OpenID provider at which the people of the workspace sign in: discovery, authorize, token, keys
//	/zendesk/oauth/authorizations/new    consent page of the Zendesk client
//	/zendesk/oauth/tokens                its token endpoint
//	/zendesk/api/v2/…                    tickets and users
//	/model/v1/chat/completions           a toy that answers by the schema of the question; models
//	/control/…                           JSON for people and scripts: post messages, script faults, revoke, read the books
//	/                                    pages: channels, issues, books
//
// An app can subscribe to events, which then leave signed as the real ones are: of people who post, and of grants that end.
//
// Times of tokens, messages and limits follow Options.Now; hangs and delays take real time.
package sandbox
