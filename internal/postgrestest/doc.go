// Package postgrestest runs a private PostgreSQL server for tests: its own cluster in a temporary folder, its own port,
// gone with the process that started it.
//
// A package that uses it runs its tests by [Main]. The server starts when the first test asks for a database. The programs
// are those that PATH, pg_config or Debian's folders lead to; where there are none the tests fail, and say what to install.
package postgrestest
