-- The group of the owner's list that a contact stands in; empty: none.
ALTER TABLE contact ADD COLUMN in_group TEXT NOT NULL DEFAULT '';
