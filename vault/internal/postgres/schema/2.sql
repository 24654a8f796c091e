-- When each key that once sealed ceased to.
CREATE TABLE retired_keys (
	key_id     BIGINT PRIMARY KEY,
	retired_at BIGINT NOT NULL
);
