-- What counts for the quota of somebody is what has not ended; offers that were taken back are many.
DROP INDEX file_sender_idx;

CREATE INDEX file_sender_idx ON file (sender, expires) WHERE ended = '';
