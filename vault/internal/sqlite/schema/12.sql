-- Why the provider had not revoked the grant of what was shredded; '' where it had, or where there was none.
ALTER TABLE shredded ADD COLUMN unrevoked TEXT NOT NULL DEFAULT '';
