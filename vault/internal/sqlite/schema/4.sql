-- Links that lead one browser to consent for an account. Only the newest of an account is there.
CREATE TABLE links (
	secret_hash  BLOB PRIMARY KEY,
	account      TEXT NOT NULL UNIQUE,
	why          TEXT NOT NULL,
	browser_hash BLOB, -- NULL until a browser has opened it
	expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX links_expiry ON links (expires_at);
ALTER TABLE logins ADD COLUMN link_hash BLOB;
