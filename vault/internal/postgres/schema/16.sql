-- Who alone may go on from a link, as the OpenID provider names them; '' where whoever opens it first may.
ALTER TABLE links ADD COLUMN recipient TEXT NOT NULL DEFAULT '';
