-- The language that a person chose: a tag (BCP 47) that the texts exist in. Nothing until they choose.
ALTER TABLE user_account ADD COLUMN language TEXT;
