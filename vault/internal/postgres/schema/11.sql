-- What was spent in a day, and since when and how often in a row nothing came of it.
CREATE TABLE budgets (
	name          TEXT PRIMARY KEY,
	day           TEXT NOT NULL,
	spent         BIGINT NOT NULL,
	failing_since BIGINT NOT NULL,
	failures      BIGINT NOT NULL,
	failure       TEXT NOT NULL
);
