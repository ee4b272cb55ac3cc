-- Accounts, sessions, contacts, direct conversations and their messages.

CREATE TABLE meta (
  name TEXT NOT NULL,
  number BIGINT NOT NULL,
  CONSTRAINT meta_pkey PRIMARY KEY (name)
);

CREATE TABLE account (
  id BIGINT NOT NULL,
  username TEXT NOT NULL,
  password_hash TEXT NOT NULL,
  created BIGINT NOT NULL,
  deleted BIGINT NOT NULL DEFAULT 0,
  availability TEXT NOT NULL DEFAULT 'online',
  status_text TEXT NOT NULL DEFAULT '',
  CONSTRAINT account_pkey PRIMARY KEY (id),
  CONSTRAINT account_username_key UNIQUE (username),
  CONSTRAINT account_availability_check
    CHECK (availability IN ('invisible', 'do_not_disturb', 'busy', 'away', 'online'))
);

CREATE TABLE freed_username (
  username TEXT NOT NULL,
  freed BIGINT NOT NULL,
  CONSTRAINT freed_username_pkey PRIMARY KEY (username)
);

CREATE TABLE session (
  id BIGINT NOT NULL,
  account BIGINT NOT NULL,
  token_hash BYTEA NOT NULL,
  device TEXT NOT NULL DEFAULT '',
  created BIGINT NOT NULL,
  last_seen BIGINT NOT NULL,
  CONSTRAINT session_pkey PRIMARY KEY (id),
  CONSTRAINT session_token_hash_key UNIQUE (token_hash),
  CONSTRAINT session_account_fkey FOREIGN KEY (account) REFERENCES account (id)
);

CREATE INDEX session_account_idx ON session (account, last_seen);

CREATE TABLE contact (
  owner BIGINT NOT NULL,
  other BIGINT NOT NULL,
  relation TEXT NOT NULL DEFAULT 'none',
  blocked BIGINT NOT NULL DEFAULT 0,
  nickname TEXT NOT NULL DEFAULT '',
  request TEXT NOT NULL DEFAULT '',
  CONSTRAINT contact_pkey PRIMARY KEY (owner, other),
  CONSTRAINT contact_owner_fkey FOREIGN KEY (owner) REFERENCES account (id),
  CONSTRAINT contact_other_fkey FOREIGN KEY (other) REFERENCES account (id),
  CONSTRAINT contact_not_self CHECK (owner <> other),
  CONSTRAINT contact_relation_check CHECK (relation IN ('none', 'asked', 'asks_me', 'contact')),
  CONSTRAINT contact_blocked_check CHECK (blocked IN (0, 1))
);

CREATE TABLE conversation (
  id BIGINT NOT NULL,
  kind TEXT NOT NULL DEFAULT 'direct',
  created BIGINT NOT NULL,
  last_seq BIGINT NOT NULL DEFAULT 0,
  last_time BIGINT NOT NULL DEFAULT 0,
  CONSTRAINT conversation_pkey PRIMARY KEY (id),
  CONSTRAINT conversation_kind_check CHECK (kind IN ('direct'))
);

CREATE TABLE direct (
  conversation BIGINT NOT NULL,
  low BIGINT NOT NULL,
  high BIGINT NOT NULL,
  CONSTRAINT direct_pkey PRIMARY KEY (conversation),
  CONSTRAINT direct_pair_key UNIQUE (low, high),
  CONSTRAINT direct_conversation_fkey FOREIGN KEY (conversation) REFERENCES conversation (id),
  CONSTRAINT direct_low_fkey FOREIGN KEY (low) REFERENCES account (id),
  CONSTRAINT direct_high_fkey FOREIGN KEY (high) REFERENCES account (id),
  CONSTRAINT direct_order_check CHECK (low < high)
);

CREATE TABLE member (
  conversation BIGINT NOT NULL,
  account BIGINT NOT NULL,
  read_seq BIGINT NOT NULL DEFAULT 0,
  shown_read_seq BIGINT NOT NULL DEFAULT 0,
  delivered_seq BIGINT NOT NULL DEFAULT 0,
  CONSTRAINT member_pkey PRIMARY KEY (conversation, account),
  CONSTRAINT member_conversation_fkey FOREIGN KEY (conversation) REFERENCES conversation (id),
  CONSTRAINT member_account_fkey FOREIGN KEY (account) REFERENCES account (id)
);

CREATE INDEX member_account_idx ON member (account, conversation);

CREATE TABLE message (
  conversation BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  sender BIGINT NOT NULL,
  client_msg_id BYTEA NOT NULL,
  time BIGINT NOT NULL,
  kind BIGINT NOT NULL DEFAULT 1,
  body BYTEA NOT NULL,
  CONSTRAINT message_pkey PRIMARY KEY (conversation, seq),
  CONSTRAINT message_client_msg_id_key UNIQUE (conversation, sender, client_msg_id),
  CONSTRAINT message_conversation_fkey FOREIGN KEY (conversation) REFERENCES conversation (id),
  CONSTRAINT message_sender_fkey FOREIGN KEY (sender) REFERENCES account (id),
  CONSTRAINT message_seq_check CHECK (0 < seq)
);
