-- A client that is to be told that a session ended (OpenID Connect Back-Channel Logout section 2.5). It holds all that the
-- telling takes: by then the session, and its user, may be gone. `attempts` names the attempt under way, so that one that was
-- overtaken can't record its end; `next_attempt_at` lies as far ahead as the attempt may take. What was told is deleted.
CREATE TABLE logout_notice (
    tenant_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    queued_at @int NOT NULL,
    expires_at @int NOT NULL,
    next_attempt_at @int NOT NULL,
    attempts @int NOT NULL,
    PRIMARY KEY (tenant_id, session_id, client_id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES client (tenant_id, client_id) ON DELETE CASCADE
) @strict;
CREATE INDEX logout_notice_client ON logout_notice (tenant_id, client_id);
CREATE INDEX logout_notice_due ON logout_notice (tenant_id, next_attempt_at);
CREATE INDEX logout_notice_expiry ON logout_notice (tenant_id, expires_at);
