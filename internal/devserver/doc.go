// Package devserver runs the Temporal dev server of the Temporal CLI: for the demo, for `tokenkeeper run` and for the
// tests that need a real server.
//
// It differs from calling the CLI by hand in what a program needs: ports are checked before anything starts, so that a
// port in use is an error that names the port and the setting to change; [Start] returns when the server answers and the
// namespace is there; the server cannot outlive the process that started it; and [Server.Restart] brings it back on the
// same database file and the same ports, which is how the demo takes the server away in the middle of the work.
package devserver
