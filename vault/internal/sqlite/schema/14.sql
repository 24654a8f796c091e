-- The key that seals the tokens in the row, itself sealed by the keyset. Empty where the keyset sealed the tokens: a row that
-- was last written before there were such keys.
ALTER TABLE records ADD COLUMN data_key BLOB NOT NULL DEFAULT x'';
ALTER TABLE authorizations ADD COLUMN data_key BLOB NOT NULL DEFAULT x'';
