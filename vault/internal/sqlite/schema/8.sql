-- Sessions that their people ended before their time, so that a copy of the cookie is good for nothing.
CREATE TABLE ended_sessions (
	hash       BLOB PRIMARY KEY,
	expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX ended_sessions_expiry ON ended_sessions (expires_at);
