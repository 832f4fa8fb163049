-- A person. `subject` is what relying parties see; `webauthn_handle` what authenticators keep. Neither tells the id.
CREATE TABLE user_account (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    user_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    webauthn_handle @blob NOT NULL,
    profile @json NOT NULL,
    created_at @int NOT NULL,
    updated_at @int NOT NULL,
    disabled_at @int,
    PRIMARY KEY (tenant_id, user_id),
    UNIQUE (tenant_id, subject)
) @strict;

-- An address belongs to one user of a tenant, by its canonical form.
CREATE TABLE user_email (
    tenant_id TEXT NOT NULL,
    canonical TEXT NOT NULL,
    written TEXT NOT NULL,
    user_id TEXT NOT NULL,
    verified_at @int,
    is_primary @bool NOT NULL,
    PRIMARY KEY (tenant_id, canonical),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, user_id) ON DELETE CASCADE
) @strict;
CREATE INDEX user_email_user ON user_email (tenant_id, user_id);

-- `version` grows with every change of the password, not with a rehash: records of a verified one name it.
CREATE TABLE password (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    phc TEXT NOT NULL,
    version @int NOT NULL,
    changed_at @int NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, user_id) ON DELETE CASCADE
) @strict;

-- One user agent. Its cookie holds a handle, of which only the hash is here.
CREATE TABLE browser (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    browser_id TEXT NOT NULL,
    handle_hash @blob NOT NULL,
    previous_handle_hash @blob,
    rotated_at @int NOT NULL,
    created_at @int NOT NULL,
    last_seen_at @int NOT NULL,
    PRIMARY KEY (tenant_id, browser_id)
) @strict;
CREATE UNIQUE INDEX browser_handle ON browser (tenant_id, handle_hash);
CREATE INDEX browser_previous_handle ON browser (tenant_id, previous_handle_hash);
CREATE INDEX browser_last_seen ON browser (tenant_id, last_seen_at);

CREATE TABLE session (
    tenant_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    browser_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    factors @json NOT NULL,
    created_at @int NOT NULL,
    last_active_at @int NOT NULL,
    expires_at @int NOT NULL,
    ended_at @int,
    PRIMARY KEY (tenant_id, session_id),
    FOREIGN KEY (tenant_id, browser_id) REFERENCES browser (tenant_id, browser_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, user_id) ON DELETE CASCADE
) @strict;
CREATE INDEX session_of_browser ON session (tenant_id, browser_id);
CREATE INDEX session_of_user ON session (tenant_id, user_id);
CREATE INDEX session_expiry ON session (tenant_id, expires_at);

-- An attempt to sign in. The flow that waits for it, if one does, may end before it.
CREATE TABLE sign_in (
    tenant_id TEXT NOT NULL,
    sign_in_id TEXT NOT NULL,
    browser_id TEXT NOT NULL,
    flow_id TEXT,
    identifier TEXT,
    first_factor @json,
    created_at @int NOT NULL,
    expires_at @int NOT NULL,
    completed_at @int,
    PRIMARY KEY (tenant_id, sign_in_id),
    FOREIGN KEY (tenant_id, browser_id) REFERENCES browser (tenant_id, browser_id) ON DELETE CASCADE
) @strict;
CREATE INDEX sign_in_browser ON sign_in (tenant_id, browser_id);
CREATE INDEX sign_in_expiry ON sign_in (tenant_id, expires_at);

-- An attempt to sign up. It holds no address: two people may try the same one, and whoever reads its mail wins.
CREATE TABLE sign_up (
    tenant_id TEXT NOT NULL,
    sign_up_id TEXT NOT NULL,
    browser_id TEXT NOT NULL,
    flow_id TEXT,
    email TEXT,
    password_phc TEXT,
    verified_email TEXT,
    verified_at @int,
    created_at @int NOT NULL,
    expires_at @int NOT NULL,
    completed_at @int,
    PRIMARY KEY (tenant_id, sign_up_id),
    FOREIGN KEY (tenant_id, browser_id) REFERENCES browser (tenant_id, browser_id) ON DELETE CASCADE
) @strict;
CREATE INDEX sign_up_browser ON sign_up (tenant_id, browser_id);
CREATE INDEX sign_up_expiry ON sign_up (tenant_id, expires_at);

-- A code that was mailed, under a keyed hash. `record_id` names what it is good for, by the kind of its `purpose`.
CREATE TABLE mailed_code (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    code_id TEXT NOT NULL,
    purpose TEXT NOT NULL,
    record_id TEXT NOT NULL,
    recipient TEXT NOT NULL,
    code_hash @blob NOT NULL,
    attempts @int NOT NULL,
    created_at @int NOT NULL,
    expires_at @int NOT NULL,
    spent_at @int,
    PRIMARY KEY (tenant_id, code_id)
) @strict;
-- At most one code is live for one record.
CREATE UNIQUE INDEX mailed_code_live ON mailed_code (tenant_id, purpose, record_id) WHERE spent_at IS NULL;
CREATE INDEX mailed_code_record ON mailed_code (tenant_id, purpose, record_id);
CREATE INDEX mailed_code_expiry ON mailed_code (tenant_id, expires_at);
