-- What a link was made for that several letters share, '' for none, and its secret, sealed, so that they can.
ALTER TABLE links ADD COLUMN episode TEXT NOT NULL DEFAULT '';
ALTER TABLE links ADD COLUMN sealed BLOB;
