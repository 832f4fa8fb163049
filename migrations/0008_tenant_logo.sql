-- A tenant's logo. What is said about it stands with the tenant's settings; the octets lie here, so that they are read only
-- when a browser asks for them.
CREATE TABLE tenant_logo (
    tenant_id TEXT NOT NULL PRIMARY KEY REFERENCES tenant (tenant_id),
    -- Made of the octets' digest.
    file_name TEXT NOT NULL,
    media_type TEXT NOT NULL,
    octets @blob NOT NULL
) @strict;
