-- Whether the contacts of somebody have changed, for a node that was not told.
ALTER TABLE account ADD COLUMN contacts_version BIGINT NOT NULL DEFAULT 0;
