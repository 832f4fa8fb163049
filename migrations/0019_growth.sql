-- Indexes that stay short, and ranges of them that answer what is asked, however much is stored.

-- Of sessions: those that live end by these instants; those that ended are swept by that of their end.
DROP INDEX session_expiry;
DROP INDEX session_activity;
DROP INDEX session_ended;
CREATE INDEX session_live_expiry ON session (tenant_id, expires_at) WHERE ended_at IS NULL;
CREATE INDEX session_live_activity ON session (tenant_id, last_active_at) WHERE ended_at IS NULL;
CREATE INDEX session_ended ON session (tenant_id, ended_at) WHERE ended_at IS NOT NULL;

DROP INDEX grant_record_ended;
CREATE INDEX grant_record_ended ON grant_record (tenant_id, ended_at) WHERE ended_at IS NOT NULL;

-- Mail that waits, without what was given up and is kept to be looked at. Ids tell their time, so the newest are found by the key.
DROP INDEX outbound_mail_due;
DROP INDEX outbound_mail_created;
CREATE INDEX outbound_mail_due ON outbound_mail (tenant_id, next_attempt_at) WHERE next_attempt_at IS NOT NULL;

-- Those that registered themselves.
DROP INDEX client_last_use;
CREATE INDEX client_last_use ON client (tenant_id, last_used_at) WHERE last_used_at IS NOT NULL;

CREATE INDEX resource_server_client ON resource_server (tenant_id, client_id);

-- What somebody did is found by `actor_id`.
DROP INDEX event_actor;

-- Ordered by octets, like the addresses beside which they are searched.
-- @postgres
ALTER TABLE user_username ALTER COLUMN canonical TYPE TEXT COLLATE "C";
-- @end
