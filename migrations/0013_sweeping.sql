-- Who sweeps a tenant, so that of several nodes one does.
CREATE TABLE tenant_sweep (
    tenant_id TEXT NOT NULL PRIMARY KEY REFERENCES tenant (tenant_id),
    claimed_at @int NOT NULL
) @strict;

CREATE INDEX session_ended ON session (tenant_id, ended_at);
CREATE INDEX session_activity ON session (tenant_id, last_active_at);
CREATE INDEX grant_record_ended ON grant_record (tenant_id, ended_at);
CREATE INDEX known_browser_last ON known_browser (tenant_id, last_at);
CREATE INDEX client_secret_expiry ON client_secret (tenant_id, expires_at);
