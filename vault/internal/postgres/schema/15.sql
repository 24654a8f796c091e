-- The triage that an event concerns; '' for none.
ALTER TABLE audit ADD COLUMN triage TEXT NOT NULL DEFAULT '';
CREATE INDEX audit_triage ON audit (triage, id);
