-- How far a mail has come on its way out. What is sent is deleted. `next_attempt_at` is when it is tried next; while somebody
-- tries, it lies as far ahead as the attempt may take. None: it was given up, or this server sends none. `attempts` names
-- the attempt under way, so that one that was overtaken can't record its end. `failure` is the last one, in our words.
ALTER TABLE outbound_mail ADD COLUMN expires_at @int NOT NULL DEFAULT 0;
ALTER TABLE outbound_mail ADD COLUMN next_attempt_at @int;
ALTER TABLE outbound_mail ADD COLUMN attempts @int NOT NULL DEFAULT 0;
ALTER TABLE outbound_mail ADD COLUMN failure TEXT;
CREATE INDEX outbound_mail_due ON outbound_mail (tenant_id, next_attempt_at);
CREATE INDEX outbound_mail_expiry ON outbound_mail (tenant_id, expires_at);
