-- Files that people offer each other; their content is in an object store.
CREATE TABLE file (
  id BIGINT NOT NULL,
  conversation BIGINT NOT NULL,
  sender BIGINT NOT NULL,
  recipient BIGINT NOT NULL,
  name TEXT NOT NULL,
  size BIGINT NOT NULL,
  content_type TEXT NOT NULL,
  sha256 BYTEA NOT NULL,
  expires BIGINT NOT NULL,
  accepted BIGINT NOT NULL DEFAULT 0,
  ready BIGINT NOT NULL DEFAULT 0,
  received BIGINT NOT NULL DEFAULT 0,
  ended TEXT NOT NULL DEFAULT '',
  stored BIGINT NOT NULL DEFAULT 0,
  upload BIGINT NOT NULL DEFAULT 0,
  swept BIGINT NOT NULL DEFAULT 0,
  CONSTRAINT file_pkey PRIMARY KEY (id),
  CONSTRAINT file_ended_check CHECK (ended IN ('', 'declined', 'cancelled', 'refused')),
  CONSTRAINT file_stored_check CHECK (0 <= stored AND stored <= size)
);

CREATE INDEX file_sender_idx ON file (sender, expires);

CREATE INDEX file_expires_idx ON file (expires);

CREATE INDEX file_ended_idx ON file (id) WHERE ended <> '' AND swept = 0;

CREATE TABLE file_part (
  file BIGINT NOT NULL,
  number BIGINT NOT NULL,
  upload BIGINT NOT NULL,
  CONSTRAINT file_part_pkey PRIMARY KEY (file, number)
);
