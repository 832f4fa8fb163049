-- Clients that registered themselves: what they manage that with, and when they were last used. Others have neither.
ALTER TABLE client ADD COLUMN registration_token_hash @blob;
ALTER TABLE client ADD COLUMN last_used_at @int;
CREATE INDEX client_last_use ON client (tenant_id, last_used_at);

-- What lets somebody register a client, a few times.
CREATE TABLE initial_access_token (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    token_id TEXT NOT NULL,
    token_hash @blob NOT NULL,
    uses_left @int NOT NULL,
    created_at @int NOT NULL,
    expires_at @int NOT NULL,
    PRIMARY KEY (tenant_id, token_id),
    UNIQUE (tenant_id, token_hash)
) @strict;
CREATE INDEX initial_access_token_expiry ON initial_access_token (tenant_id, expires_at);
