-- When an authorization was found not to fit its account; 0 for one that was not.
ALTER TABLE authorizations ADD COLUMN quarantined_at INTEGER NOT NULL DEFAULT 0;
