-- A relying party. `metadata` are its own words by their registered names, `settings` the operator's.
CREATE TABLE client (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    client_id TEXT NOT NULL,
    metadata @json NOT NULL,
    settings @json NOT NULL,
    created_at @int NOT NULL,
    PRIMARY KEY (tenant_id, client_id)
) @strict;

-- What a client proves itself with. At most two live at once, so that one can be replaced without a gap.
CREATE TABLE client_secret (
    tenant_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    secret_id TEXT NOT NULL,
    secret_hash @blob NOT NULL,
    created_at @int NOT NULL,
    expires_at @int,
    PRIMARY KEY (tenant_id, client_id, secret_id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES client (tenant_id, client_id) ON DELETE CASCADE
) @strict;

-- An API that takes access tokens, beyond the issuer itself.
CREATE TABLE resource_server (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    resource_server_id TEXT NOT NULL,
    identifier TEXT NOT NULL,
    scope TEXT NOT NULL,
    token_format TEXT NOT NULL,
    -- In milliseconds.
    token_lifetime @int NOT NULL,
    -- The client as which it introspects.
    client_id TEXT,
    PRIMARY KEY (tenant_id, resource_server_id),
    UNIQUE (tenant_id, identifier),
    FOREIGN KEY (tenant_id, client_id) REFERENCES client (tenant_id, client_id)
) @strict;

-- A request that waits for a person: to authorize, or to sign out. `parameters` are the request's own, validated anew at each
-- step. A request that came by a cross-site POST has no browser until the first one that goes on with it.
CREATE TABLE flow (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    flow_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    parameters TEXT NOT NULL,
    browser_id TEXT,
    -- The session that was chosen, or that a sign-in made.
    session_id TEXT,
    consent_user_id TEXT,
    consent_scope TEXT,
    denied_at @int,
    created_at @int NOT NULL,
    expires_at @int NOT NULL,
    completed_at @int,
    PRIMARY KEY (tenant_id, flow_id),
    FOREIGN KEY (tenant_id, browser_id) REFERENCES browser (tenant_id, browser_id) ON DELETE CASCADE
) @strict;
CREATE INDEX flow_browser ON flow (tenant_id, browser_id);
CREATE INDEX flow_expiry ON flow (tenant_id, expires_at);

-- What a user approved for a client, until withdrawn.
CREATE TABLE consent (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    scope TEXT NOT NULL,
    given_at @int NOT NULL,
    withdrawn_at @int,
    PRIMARY KEY (tenant_id, user_id, client_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, user_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, client_id) REFERENCES client (tenant_id, client_id) ON DELETE CASCADE
) @strict;
CREATE INDEX consent_client ON consent (tenant_id, client_id);

-- Which session a client used last in a browser.
CREATE TABLE session_client (
    tenant_id TEXT NOT NULL,
    browser_id TEXT NOT NULL,
    client_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    used_at @int NOT NULL,
    PRIMARY KEY (tenant_id, browser_id, client_id),
    FOREIGN KEY (tenant_id, browser_id) REFERENCES browser (tenant_id, browser_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, client_id) REFERENCES client (tenant_id, client_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, session_id) REFERENCES session (tenant_id, session_id) ON DELETE CASCADE
) @strict;
CREATE INDEX session_client_session ON session_client (tenant_id, session_id);
CREATE INDEX session_client_client ON session_client (tenant_id, client_id);
