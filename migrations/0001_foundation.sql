-- An isolated directory with one issuer. `version` counts what an administrator changed, so that nodes notice.
CREATE TABLE tenant (
    tenant_id TEXT NOT NULL PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE,
    issuer TEXT NOT NULL UNIQUE,
    settings @json NOT NULL,
    -- The key that seals this tenant's secrets, itself sealed by a master key.
    sealed_data_key @blob NOT NULL,
    version @int NOT NULL,
    created_at @int NOT NULL
) @strict;

-- The hosts by which a tenant is found. A host leads to one tenant only, so it is the key.
CREATE TABLE tenant_host (
    host TEXT NOT NULL PRIMARY KEY,
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id)
) @strict;
CREATE INDEX tenant_host_tenant ON tenant_host (tenant_id);

-- A key signs from `activated_at` until `retired_at`. It is in the key set from `published_at` until `retired_at`,
-- and verifies until `revoked_at`.
CREATE TABLE signing_key (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    key_id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    public_jwk @json NOT NULL,
    sealed_private @blob NOT NULL,
    published_at @int NOT NULL,
    activated_at @int,
    retired_at @int,
    revoked_at @int,
    PRIMARY KEY (tenant_id, key_id)
) @strict;

-- Who did what to whom. Appended in the transaction of the change itself.
CREATE TABLE event (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    event_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    at @int NOT NULL,
    actor @json NOT NULL,
    subject TEXT,
    details @json NOT NULL,
    PRIMARY KEY (tenant_id, event_id)
) @strict;

-- Mail on its way out. The body holds codes and links, so it is sealed.
CREATE TABLE outbound_mail (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    mail_id TEXT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    sealed_body @blob NOT NULL,
    created_at @int NOT NULL,
    PRIMARY KEY (tenant_id, mail_id)
) @strict;
CREATE INDEX outbound_mail_created ON outbound_mail (tenant_id, created_at);
