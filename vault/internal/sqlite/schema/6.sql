-- What providers delivered by themselves and was acted on, so that nobody acts on it again.
CREATE TABLE deliveries (
	hash       BLOB PRIMARY KEY,
	expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_expiry ON deliveries (expires_at);
