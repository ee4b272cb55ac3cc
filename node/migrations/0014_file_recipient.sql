-- Deleting an account ends its files, those that it was offered as well.
CREATE INDEX file_recipient_idx ON file (recipient) WHERE ended = '';
