-- An attempt to set a new password in place of a forgotten one. It holds the address that was typed, whether an account has
-- it or not.
CREATE TABLE recovery (
    tenant_id TEXT NOT NULL,
    recovery_id TEXT NOT NULL,
    browser_id TEXT NOT NULL,
    flow_id TEXT,
    email TEXT NOT NULL,
    -- That the person read the mail: a record, which holds only while what it names is as it was.
    read_mail @json,
    created_at @int NOT NULL,
    expires_at @int NOT NULL,
    completed_at @int,
    PRIMARY KEY (tenant_id, recovery_id),
    FOREIGN KEY (tenant_id, browser_id) REFERENCES browser (tenant_id, browser_id) ON DELETE CASCADE
) @strict;
CREATE INDEX recovery_browser ON recovery (tenant_id, browser_id);
CREATE INDEX recovery_expiry ON recovery (tenant_id, expires_at);
