#!/bin/sh
# Makes the database of the vault, and its owner, who can read nothing of Temporal's: once for each server, and again
# without harm. The password of the owner becomes the one in VAULT_DATABASE_PASSWORD. Where the server is, and who may do
# this there, comes from PGHOST, PGUSER and PGPASSWORD.
set -eu

psql --quiet --no-psqlrc --dbname postgres --set ON_ERROR_STOP=1 --set password="$VAULT_DATABASE_PASSWORD" <<'SQL'
SELECT 'CREATE ROLE tokenkeeper LOGIN'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tokenkeeper') \gexec

ALTER ROLE tokenkeeper PASSWORD :'password';

SELECT 'CREATE DATABASE tokenkeeper OWNER tokenkeeper'
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'tokenkeeper') \gexec

REVOKE ALL ON DATABASE tokenkeeper FROM PUBLIC;
SQL
