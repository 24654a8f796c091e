// Package postgrestest runs a private PostgreSQL server for tests: its own cluster in a temporary folder, its own port,
// gone with the process that started it.
//
// A package whose tests share a server runs them by [Main]; it starts when the first test asks for a database. A single
// test may have one of its own, by [New]. The programs are those that PATH, pg_config or Debian's folders lead to; where
// there are none the tests fail, and say what to install.
package postgrestest
