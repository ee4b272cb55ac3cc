-- The hash of a file as far as it is stored, so that an upload that goes on reads nothing again.
ALTER TABLE file_part ADD COLUMN hashed BYTEA;
