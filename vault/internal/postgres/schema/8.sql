-- Sessions that their people ended before their time, so that a copy of the cookie is good for nothing.
CREATE TABLE ended_sessions (
	hash       BYTEA PRIMARY KEY,
	expires_at BIGINT NOT NULL
);
CREATE INDEX ended_sessions_expiry ON ended_sessions (expires_at);
