-- When each key that once sealed ceased to.
CREATE TABLE retired_keys (
	key_id     INTEGER PRIMARY KEY,
	retired_at INTEGER NOT NULL
) STRICT;
