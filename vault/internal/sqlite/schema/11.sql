-- What was spent in a day, and since when and how often in a row nothing came of it.
CREATE TABLE budgets (
	name          TEXT PRIMARY KEY,
	day           TEXT NOT NULL,
	spent         INTEGER NOT NULL,
	failing_since INTEGER NOT NULL,
	failures      INTEGER NOT NULL,
	failure       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
