// Package demo tells the product's story with real parts: a Temporal dev server, worker processes, and a sandbox that plays
// Slack, GitHub and their authorization servers. It breaks what can break, on a fixed schedule, and then counts.
//
//	sandbox ◀── people post, tokens die after seconds, faults hit ──┐
//	   ▲                                                            │ story (acts.go)
//	   │ HTTP                                                       │
//	workers ◀── kill -9 ── demo ── restart ──▶ Temporal dev server ─┘
//
// What is claimed at the end comes from the sandbox's books, which know nothing of the code under test, and from a search
// for every token ever issued through every file that was written.
package demo
