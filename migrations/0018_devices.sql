-- What a device asked for (RFC 8628), until a person has answered it and the device has fetched the answer. Of the code that the
-- device holds there is the hash, of the short one that people type a keyed hash: the table alone opens nothing.
CREATE TABLE device_authorization (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    device_id TEXT NOT NULL,
    device_code_hash @blob NOT NULL,
    user_code_hash @blob NOT NULL,
    client_id TEXT NOT NULL,
    parameters TEXT NOT NULL,
    -- The browser whose person said that the device is theirs, and the flow in which they answer.
    browser_id TEXT,
    flow_id TEXT,
    denied_at @int,
    grant_id TEXT,
    -- In seconds.
    poll_interval @int NOT NULL,
    polled_at @int,
    created_at @int NOT NULL,
    expires_at @int NOT NULL,
    redeemed_at @int,
    PRIMARY KEY (tenant_id, device_id),
    UNIQUE (tenant_id, device_code_hash),
    UNIQUE (tenant_id, user_code_hash),
    CHECK (denied_at IS NULL OR grant_id IS NULL),
    FOREIGN KEY (tenant_id, client_id) REFERENCES client (tenant_id, client_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, grant_id) REFERENCES grant_record (tenant_id, grant_id) ON DELETE CASCADE
) @strict;
CREATE INDEX device_authorization_client ON device_authorization (tenant_id, client_id);
CREATE INDEX device_authorization_grant ON device_authorization (tenant_id, grant_id);
CREATE INDEX device_authorization_flow ON device_authorization (tenant_id, flow_id);
CREATE INDEX device_authorization_expiry ON device_authorization (tenant_id, expires_at);
