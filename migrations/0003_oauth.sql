-- A relying party.
CREATE TABLE client (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    client_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, client_id)
) @strict;

-- What a user approved for a client, until it is withdrawn.
CREATE TABLE consent (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    user_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    given_at @int NOT NULL,
    withdrawn_at @int,
    PRIMARY KEY (tenant_id, user_id, client_id)
) @strict;
