CREATE TABLE schema_version (
	id      INTEGER PRIMARY KEY DEFAULT 1 CHECK (id = 1),
	version BIGINT NOT NULL
);
INSERT INTO schema_version (version) VALUES (1);

-- One row proves that the keys at hand are the vault's own.
CREATE TABLE canary (
	id     BIGINT PRIMARY KEY CHECK (id = 1),
	sealed BYTEA NOT NULL
);

-- The newest tokens of each account. Times are microseconds since 1970, 0 for none. Names compare by their bytes, as in
-- SQLite. Half of each page is left free, so that a new generation finds place beside the old one and touches no index:
-- fewer transactions then seem to depend on each other.
CREATE TABLE records (
	account            TEXT COLLATE "C" PRIMARY KEY,
	connector          TEXT COLLATE "C" NOT NULL,
	subject            TEXT COLLATE "C" NOT NULL,
	display            TEXT NOT NULL,
	generation         BIGINT NOT NULL CHECK (generation > 0),
	access             BYTEA NOT NULL,
	refresh            BYTEA NOT NULL,
	expires_at         BIGINT NOT NULL,
	presented_at       BIGINT NOT NULL DEFAULT 0,
	presented_attempts BIGINT NOT NULL DEFAULT 0,
	authorization_id   TEXT COLLATE "C" NOT NULL,
	updated_at         BIGINT NOT NULL
) WITH (fillfactor = 50);

-- One owner per grant.
CREATE UNIQUE INDEX records_owner ON records (connector, subject);
CREATE UNIQUE INDEX records_authorization ON records (authorization_id);

-- Where the generations of an account stood when it was shredded.
CREATE TABLE shredded (
	account    TEXT COLLATE "C" PRIMARY KEY,
	generation BIGINT NOT NULL
);

CREATE TABLE authorizations (
	id         TEXT COLLATE "C" PRIMARY KEY,
	account    TEXT COLLATE "C" NOT NULL,
	subject    TEXT COLLATE "C" NOT NULL,
	display    TEXT NOT NULL,
	tokens     BYTEA NOT NULL,
	created_at BIGINT NOT NULL,
	expires_at BIGINT NOT NULL
);
CREATE INDEX authorizations_expiry ON authorizations (expires_at);

CREATE TABLE logins (
	state_hash   BYTEA PRIMARY KEY,
	account      TEXT COLLATE "C" NOT NULL,
	verifier     BYTEA NOT NULL,
	browser_hash BYTEA NOT NULL,
	expires_at   BIGINT NOT NULL
);
CREATE INDEX logins_expiry ON logins (expires_at);
