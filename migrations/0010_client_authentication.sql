-- A secret that must be known as it is, for a MAC, is sealed; one that only needs to be recognised is hashed. SQLite can't
-- let a column become null, so the table is made anew.
CREATE TABLE client_secret_kept (
    tenant_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    secret_id TEXT NOT NULL,
    secret_hash @blob,
    sealed_secret @blob,
    created_at @int NOT NULL,
    expires_at @int,
    PRIMARY KEY (tenant_id, client_id, secret_id),
    CHECK ((secret_hash IS NULL) <> (sealed_secret IS NULL)),
    FOREIGN KEY (tenant_id, client_id) REFERENCES client (tenant_id, client_id) ON DELETE CASCADE
) @strict;
INSERT INTO client_secret_kept (tenant_id, client_id, secret_id, secret_hash, created_at, expires_at)
    SELECT tenant_id, client_id, secret_id, secret_hash, created_at, expires_at FROM client_secret;
DROP TABLE client_secret;
ALTER TABLE client_secret_kept RENAME TO client_secret;

-- Assertions that clients proved themselves with, until they would have expired: each is taken once. `assertion_hash` is of
-- the client's id and the `jti`.
CREATE TABLE spent_assertion (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    assertion_hash @blob NOT NULL,
    expires_at @int NOT NULL,
    PRIMARY KEY (tenant_id, assertion_hash)
) @strict;
CREATE INDEX spent_assertion_expiry ON spent_assertion (tenant_id, expires_at);

-- From which the pairwise subjects of a tenant are made, sealed. Made when first needed, and never changed: with it every
-- relying party would take its people for strangers.
CREATE TABLE pairwise_salt (
    tenant_id TEXT NOT NULL PRIMARY KEY REFERENCES tenant (tenant_id),
    sealed_salt @blob NOT NULL,
    created_at @int NOT NULL
) @strict;

-- By what name the client knows the user, where that is not the user's own `sub`.
ALTER TABLE grant_record ADD COLUMN pairwise_subject TEXT;
