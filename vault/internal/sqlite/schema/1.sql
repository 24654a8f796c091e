-- One row proves that the keys at hand are the vault's own.
CREATE TABLE canary (
	id     INTEGER PRIMARY KEY CHECK (id = 1),
	sealed BLOB NOT NULL
) STRICT;

-- The newest tokens of each account. Times are microseconds since 1970, 0 for none.
CREATE TABLE records (
	account            TEXT PRIMARY KEY,
	connector          TEXT NOT NULL,
	subject            TEXT NOT NULL,
	display            TEXT NOT NULL,
	generation         INTEGER NOT NULL CHECK (generation > 0),
	access             BLOB NOT NULL,
	refresh            BLOB NOT NULL,
	expires_at         INTEGER NOT NULL,
	presented_at       INTEGER NOT NULL DEFAULT 0,
	presented_attempts INTEGER NOT NULL DEFAULT 0,
	authorization_id   TEXT NOT NULL,
	updated_at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- One owner per grant.
CREATE UNIQUE INDEX records_owner ON records (connector, subject);
CREATE UNIQUE INDEX records_authorization ON records (authorization_id);

-- Where the generations of an account stood when it was shredded.
CREATE TABLE shredded (
	account    TEXT PRIMARY KEY,
	generation INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE authorizations (
	id         TEXT PRIMARY KEY,
	account    TEXT NOT NULL,
	subject    TEXT NOT NULL,
	display    TEXT NOT NULL,
	tokens     BLOB NOT NULL,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX authorizations_expiry ON authorizations (expires_at);

CREATE TABLE logins (
	state_hash   BLOB PRIMARY KEY,
	account      TEXT NOT NULL,
	verifier     BLOB NOT NULL,
	browser_hash BLOB NOT NULL,
	expires_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX logins_expiry ON logins (expires_at);
