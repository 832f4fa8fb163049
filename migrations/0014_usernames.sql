-- A username belongs to one user of a tenant, and so does everything that looks like it: names of one skeleton.
CREATE TABLE user_username (
    tenant_id TEXT NOT NULL,
    canonical TEXT NOT NULL,
    skeleton TEXT NOT NULL,
    user_id TEXT NOT NULL,
    taken_at @int NOT NULL,
    PRIMARY KEY (tenant_id, canonical),
    UNIQUE (tenant_id, skeleton),
    UNIQUE (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, user_id) ON DELETE CASCADE
) @strict;

-- A name that was somebody's is never another's, by a keyed hash of its skeleton. The user may be gone: ids aren't given out again.
CREATE TABLE retired_username (
    tenant_id TEXT NOT NULL REFERENCES tenant (tenant_id),
    name_hash @blob NOT NULL,
    user_id TEXT NOT NULL,
    retired_at @int NOT NULL,
    PRIMARY KEY (tenant_id, name_hash)
) @strict;
CREATE INDEX retired_username_user ON retired_username (tenant_id, user_id);

ALTER TABLE sign_up ADD COLUMN username TEXT;
