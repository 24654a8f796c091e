-- What providers delivered by themselves and was acted on, so that nobody acts on it again.
CREATE TABLE deliveries (
	hash       BYTEA PRIMARY KEY,
	expires_at BIGINT NOT NULL
);
CREATE INDEX deliveries_expiry ON deliveries (expires_at);
