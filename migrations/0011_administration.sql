-- Who did it and from where. The id stands in `actor` too; here it has an index.
ALTER TABLE event ADD COLUMN actor_id TEXT;
ALTER TABLE event ADD COLUMN address TEXT;
-- @sqlite
UPDATE event SET actor_id = json_extract(actor, '$.id');
-- @end
-- @postgres
UPDATE event SET actor_id = actor ->> 'id';
-- @end
CREATE INDEX event_kind ON event (tenant_id, kind, event_id);
CREATE INDEX event_actor_id ON event (tenant_id, actor_id, event_id);

-- A user who administers the tenant.
CREATE TABLE tenant_admin (
    tenant_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    granted_at @int NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, user_id) ON DELETE CASCADE
) @strict;

-- A link that lets an administrator in, once. Of its secret only the hash is here.
CREATE TABLE admin_link (
    tenant_id TEXT NOT NULL,
    link_id TEXT NOT NULL,
    link_hash @blob NOT NULL,
    user_id TEXT NOT NULL,
    created_at @int NOT NULL,
    expires_at @int NOT NULL,
    spent_at @int,
    PRIMARY KEY (tenant_id, link_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, user_id) ON DELETE CASCADE
) @strict;
CREATE UNIQUE INDEX admin_link_hash ON admin_link (tenant_id, link_hash);
CREATE INDEX admin_link_user ON admin_link (tenant_id, user_id);
CREATE INDEX admin_link_expiry ON admin_link (tenant_id, expires_at);

-- By what a user is found: names in their folded form. Ordered by octets, so that what begins alike lies together.
CREATE TABLE user_search (
    tenant_id TEXT NOT NULL,
    -- @sqlite
    term TEXT NOT NULL,
    -- @end
    -- @postgres
    term TEXT COLLATE "C" NOT NULL,
    -- @end
    user_id TEXT NOT NULL,
    PRIMARY KEY (tenant_id, term, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES user_account (tenant_id, user_id) ON DELETE CASCADE
) @strict;
CREATE INDEX user_search_user ON user_search (tenant_id, user_id);
-- Those who are there are found by their whole names; a changed profile is folded with more care.
-- @sqlite
INSERT INTO user_search (tenant_id, term, user_id)
SELECT DISTINCT a.tenant_id, lower(n.value), a.user_id FROM user_account a, json_each(a.profile) n
 WHERE n.key IN ('name', 'given_name', 'family_name', 'nickname', 'preferred_username');
-- @end
-- @postgres
INSERT INTO user_search (tenant_id, term, user_id)
SELECT DISTINCT a.tenant_id, lower(n.value), a.user_id FROM user_account a, jsonb_each_text(a.profile) n
 WHERE n.key IN ('name', 'given_name', 'family_name', 'nickname', 'preferred_username');
-- Addresses are searched in the same way.
ALTER TABLE user_email ALTER COLUMN canonical TYPE TEXT COLLATE "C";
-- @end
