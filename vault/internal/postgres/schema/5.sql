-- The confirmation code that goes with a link, as a hash that the link's secret is the key of; NULL when it needs none.
ALTER TABLE links ADD COLUMN code_hash BYTEA;
ALTER TABLE links ADD COLUMN attempts INTEGER NOT NULL DEFAULT 0;
