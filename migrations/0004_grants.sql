-- One completed authorization. What it rests on (user, session, consent, client) is read again at each use, so there is
-- no foreign key to them: a grant may outlive its session, and its codes and tokens must find it to be refused.
CREATE TABLE grant_record (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    grant_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    offline @bool NOT NULL,
    by_consent @bool NOT NULL,
    scope TEXT NOT NULL,
    resources @json NOT NULL,
    auth_time @int NOT NULL,
    amr @json NOT NULL,
    acr TEXT NOT NULL,
    created_at @int NOT NULL,
    expires_at @int NOT NULL,
    ended_at @int,
    PRIMARY KEY (tenant_id, grant_id)
) @strict;
CREATE INDEX grant_record_user ON grant_record (tenant_id, user_id, client_id);
CREATE INDEX grant_record_session ON grant_record (tenant_id, session_id);
CREATE INDEX grant_record_expiry ON grant_record (tenant_id, expires_at);

CREATE TABLE authorization_code (
    tenant_id TEXT NOT NULL,
    code_hash @blob NOT NULL,
    grant_id TEXT NOT NULL,
    redirect_uri TEXT,
    code_challenge TEXT,
    nonce TEXT,
    expires_at @int NOT NULL,
    redeemed_at @int,
    PRIMARY KEY (tenant_id, code_hash),
    FOREIGN KEY (tenant_id, grant_id) REFERENCES grant_record (tenant_id, grant_id) ON DELETE CASCADE
) @strict;
CREATE INDEX authorization_code_grant ON authorization_code (tenant_id, grant_id);
CREATE INDEX authorization_code_expiry ON authorization_code (tenant_id, expires_at);

-- All refresh tokens of a grant: not the tokens, which are derived, but how far they have gone.
CREATE TABLE refresh_token (
    tenant_id TEXT NOT NULL,
    grant_id TEXT NOT NULL,
    sealed_secret @blob NOT NULL,
    generation @int NOT NULL,
    rotated_at @int NOT NULL,
    previous_rotated_at @int,
    idle_expires_at @int NOT NULL,
    expires_at @int NOT NULL,
    PRIMARY KEY (tenant_id, grant_id),
    FOREIGN KEY (tenant_id, grant_id) REFERENCES grant_record (tenant_id, grant_id) ON DELETE CASCADE
) @strict;

-- Opaque access tokens. Those that are JWTs are not stored.
CREATE TABLE access_token (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    token_hash @blob NOT NULL,
    token_id TEXT NOT NULL,
    grant_id TEXT,
    client_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    audience TEXT NOT NULL,
    scope TEXT NOT NULL,
    issued_at @int NOT NULL,
    expires_at @int NOT NULL,
    revoked_at @int,
    PRIMARY KEY (tenant_id, token_hash),
    FOREIGN KEY (tenant_id, grant_id) REFERENCES grant_record (tenant_id, grant_id) ON DELETE CASCADE
) @strict;
CREATE INDEX access_token_grant ON access_token (tenant_id, grant_id);
CREATE INDEX access_token_expiry ON access_token (tenant_id, expires_at);

-- Access tokens that are JWTs and were revoked, until they would have expired.
CREATE TABLE revoked_token (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    token_id TEXT NOT NULL,
    expires_at @int NOT NULL,
    PRIMARY KEY (tenant_id, token_id)
) @strict;
CREATE INDEX revoked_token_expiry ON revoked_token (tenant_id, expires_at);
