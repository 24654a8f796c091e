// Package e2e holds the tests that need everything at once: a Temporal dev server, a worker, a vault, and a sandbox that
// plays the providers. It has no code of its own.
package e2e
