-- What the authorization request asked for by `claims`; none in grants from before.
ALTER TABLE grant_record ADD COLUMN claims @json;
