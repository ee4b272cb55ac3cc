-- The log without foreign keys. Each of them cost a lock and a look-up for every message, and found
-- what the append had just looked at: it only stores what a member of the conversation wrote.
--
-- The unique key begins with the id of the message, since ids begin with the time of their making: what is
-- stored and looked up now is at the end of the index, and the rest of it may sleep on the disk.
--
-- The rename comes first: it keeps writers out until the end, so that nothing is added to what is copied.

ALTER TABLE message RENAME TO message_before;

CREATE TABLE message (
  conversation BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  sender BIGINT NOT NULL,
  client_msg_id BYTEA NOT NULL,
  time BIGINT NOT NULL,
  kind BIGINT NOT NULL DEFAULT 1,
  body BYTEA NOT NULL,
  CONSTRAINT message_place_pkey PRIMARY KEY (conversation, seq),
  CONSTRAINT message_id_key UNIQUE (client_msg_id, conversation, sender),
  CONSTRAINT message_place_check CHECK (0 < seq)
);

INSERT INTO message (conversation, seq, sender, client_msg_id, time, kind, body)
SELECT conversation, seq, sender, client_msg_id, time, kind, body FROM message_before
ORDER BY conversation, seq;

DROP TABLE message_before;

-- Few people have blocked anybody. Whether a sender has, and whether anybody has blocked them, is asked for
-- every message, and these answer it from next to nothing.

CREATE INDEX contact_blocks_idx ON contact (owner) WHERE blocked = 1;

CREATE INDEX contact_blocked_by_idx ON contact (other) WHERE blocked = 1;
