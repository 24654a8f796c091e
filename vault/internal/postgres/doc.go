// Package postgres keeps a vault in a PostgreSQL database that workers on many machines share.
//
// Writes are serializable transactions that are run again when PostgreSQL cannot put them in an order. Row locks would
// cost less under contention, but there is none to speak of: one Workflow owns each grant. What decides is that the vault
// reads, judges and then writes, and that some of what it judges is no row yet (nobody owns this grant, this account has no
// generation): no row lock holds that still, a serializable transaction does. So the same code is right here and in SQLite,
// where transactions queue up.
//
// The tables are in a schema of their own, "tokenkeeper" unless the connection string has a search_path.
package postgres
