-- Who opened a link, and has to be who comes back from the provider; NULL where nobody had to sign in.
ALTER TABLE links ADD COLUMN person_hash BYTEA;
ALTER TABLE logins ADD COLUMN person_hash BYTEA;
