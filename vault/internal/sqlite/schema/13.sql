-- 1 for a grant whose place another subject's took: nobody adopts it any more, and it stays until it is revoked.
ALTER TABLE authorizations ADD COLUMN replaced INTEGER NOT NULL DEFAULT 0;
