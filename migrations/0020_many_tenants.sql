-- A version is newer than that of every other tenant was when it was given, so that a look at the newest one tells a node whether
-- anything has changed, and whose. From here on the newest is one tenant's alone.
UPDATE tenant SET version = version + 1
 WHERE tenant_id = (SELECT tenant_id FROM tenant ORDER BY version DESC, tenant_id LIMIT 1);
CREATE INDEX tenant_version ON tenant (version);

-- Looked through for keys that have signed for long enough, whosever they are.
CREATE INDEX signing_key_unplanned ON signing_key (activated_at) WHERE retired_at IS NULL AND revoked_at IS NULL;
