-- From where a session was last signed in to, for its owner to recognise it by.
ALTER TABLE session ADD COLUMN address TEXT;
ALTER TABLE session ADD COLUMN user_agent TEXT;

-- An address that somebody wants to add to their account, until the code that was mailed to it comes back.
CREATE TABLE email_addition (
    tenant_id TEXT NOT NULL,
    email_addition_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    email TEXT NOT NULL,
    created_at @int NOT NULL,
    expires_at @int NOT NULL,
    completed_at @int,
    PRIMARY KEY (tenant_id, email_addition_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, user_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, session_id) REFERENCES session (tenant_id, session_id) ON DELETE CASCADE
) @strict;
CREATE INDEX email_addition_user ON email_addition (tenant_id, user_id, created_at);
CREATE INDEX email_addition_session ON email_addition (tenant_id, session_id);
CREATE INDEX email_addition_expiry ON email_addition (tenant_id, expires_at);

-- Subjects of deleted accounts: relying parties may still know them, so nobody gets one again.
CREATE TABLE retired_subject (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    subject TEXT NOT NULL,
    retired_at @int NOT NULL,
    PRIMARY KEY (tenant_id, subject)
) @strict;

-- What somebody did, and what was done to something.
CREATE INDEX event_actor ON event (tenant_id, actor, event_id);
CREATE INDEX event_subject ON event (tenant_id, subject, event_id);
