-- Which presentation was the last, while it is on record, so that whoever did not hear whether it was written can tell; '' where
-- nobody knows.
ALTER TABLE records ADD COLUMN presented_by TEXT NOT NULL DEFAULT '';
