-- What was spent of a budget for guesses. The id is a keyed hash of the factor and of whose it is, so that the table tells of
-- nobody, and addresses without an account have rows like all others.
CREATE TABLE attempt_budget (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    budget_id @blob NOT NULL,
    attempts @int NOT NULL,
    next_at @int NOT NULL,
    expires_at @int NOT NULL,
    PRIMARY KEY (tenant_id, budget_id)
) @strict;
CREATE INDEX attempt_budget_expiry ON attempt_budget (tenant_id, expires_at);

-- A browser in which a user signed in at some time. Others can't spend its budget, and it is no new device.
CREATE TABLE known_browser (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    browser_id TEXT NOT NULL,
    first_at @int NOT NULL,
    last_at @int NOT NULL,
    PRIMARY KEY (tenant_id, user_id, browser_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, user_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, browser_id) REFERENCES browser (tenant_id, browser_id) ON DELETE CASCADE
) @strict;
CREATE INDEX known_browser_browser ON known_browser (tenant_id, browser_id);
INSERT INTO known_browser (tenant_id, user_id, browser_id, first_at, last_at)
    SELECT tenant_id, user_id, browser_id, MIN(created_at), MAX(last_active_at) FROM session
     GROUP BY tenant_id, user_id, browser_id;

-- Refused guesses, counted by whom they were aimed at (nobody where no account has the address), client address and minute.
CREATE TABLE refused_guess (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    aimed_at TEXT NOT NULL,
    client_address TEXT NOT NULL,
    minute_at @int NOT NULL,
    refused @int NOT NULL,
    -- The event of the first of them.
    event_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, aimed_at, client_address, minute_at)
) @strict;
CREATE UNIQUE INDEX refused_guess_event ON refused_guess (tenant_id, event_id);
CREATE INDEX refused_guess_minute ON refused_guess (tenant_id, minute_at);
