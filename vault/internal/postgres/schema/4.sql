-- Links that lead one browser to consent for an account. Only the newest of an account is there.
CREATE TABLE links (
	secret_hash  BYTEA PRIMARY KEY,
	account      TEXT COLLATE "C" NOT NULL UNIQUE,
	why          TEXT NOT NULL,
	browser_hash BYTEA, -- NULL until a browser has opened it
	expires_at   BIGINT NOT NULL
);
CREATE INDEX links_expiry ON links (expires_at);
ALTER TABLE logins ADD COLUMN link_hash BYTEA;
