-- The whole database as it is now: the sum of node/migrations, which a test compares with this file.
-- SQLite and Postgres accept it alike.
--
-- Times are milliseconds since 1970-01-01 UTC. Ids are made by the node and are never used again:
-- 42 bits of milliseconds since 2026-01-01, then 21 random bits. A flag is 0 or 1.
-- Every constraint has a name; the node turns those that a person can run into into an answer.

-- Which migrations were applied. A node refuses a database with a number it does not know.
CREATE TABLE migration (
  number BIGINT NOT NULL,
  name TEXT NOT NULL,
  applied BIGINT NOT NULL,
  CONSTRAINT migration_pkey PRIMARY KEY (number)
);

-- Numbers about the database itself. "epoch": the identity of this history of messages; whoever
-- restores a backup writes another one, and clients then read everything again.
CREATE TABLE meta (
  name TEXT NOT NULL,
  number BIGINT NOT NULL,
  CONSTRAINT meta_pkey PRIMARY KEY (name)
);

-- Everybody who may log in.
CREATE TABLE account (
  id BIGINT NOT NULL,
  -- Folded to lower case, so that equal means equal.
  username TEXT NOT NULL,
  -- A PHC string: algorithm, parameters, salt and hash.
  password_hash TEXT NOT NULL,
  created BIGINT NOT NULL,
  -- When the account was deleted; 0 while it lives.
  deleted BIGINT NOT NULL DEFAULT 0,
  -- The status that the person chose, on all devices; whether they are connected is not stored.
  availability TEXT NOT NULL DEFAULT 'online',
  status_text TEXT NOT NULL DEFAULT '',
  -- Of two statuses of an account, the one with the higher number was chosen later.
  status_changed BIGINT NOT NULL DEFAULT 0,
  -- Rises with each change of what the person sees in their list of contacts.
  contacts_version BIGINT NOT NULL DEFAULT 0,
  -- Where mail goes, as it was typed, and in lower case for comparing. Empty: the account has none.
  email TEXT NOT NULL DEFAULT '',
  email_folded TEXT NOT NULL DEFAULT '',
  -- Until then the code that was sent to the address is waited for; nobody can log in or see the account
  -- before it has come, and afterwards the name is free. 0: nothing is waited for.
  unverified_until BIGINT NOT NULL DEFAULT 0,
  -- What the person does just now, a word beside the availability; empty: nothing is said.
  status_preset TEXT NOT NULL DEFAULT '',
  -- The person is in the directory.
  listed BIGINT NOT NULL DEFAULT 1
    CONSTRAINT account_listed_check CHECK (listed IN (0, 1)),
  -- Whoever finds the person there sees their presence, too, and not only contacts.
  presence_to_strangers BIGINT NOT NULL DEFAULT 0
    CONSTRAINT account_presence_to_strangers_check CHECK (presence_to_strangers IN (0, 1)),
  -- Contacts see when the person was last seen.
  last_seen_to_contacts BIGINT NOT NULL DEFAULT 0
    CONSTRAINT account_last_seen_to_contacts_check CHECK (last_seen_to_contacts IN (0, 1)),
  -- When others saw the person last, about to the minute; 0: never since contacts may know. It stands
  -- still while the person is invisible.
  last_seen BIGINT NOT NULL DEFAULT 0,
  -- The invitation that it was made by, while it waits for its code: if that never comes, the use is given
  -- back. 0: none.
  invite BIGINT NOT NULL DEFAULT 0,
  CONSTRAINT account_pkey PRIMARY KEY (id),
  CONSTRAINT account_username_key UNIQUE (username),
  CONSTRAINT account_availability_check
    CHECK (availability IN ('invisible', 'do_not_disturb', 'busy', 'away', 'online'))
);

CREATE INDEX account_email_idx ON account (email_folded) WHERE email_folded <> '';

CREATE INDEX account_unverified_idx ON account (unverified_until) WHERE 0 < unverified_until;

-- Codes that were sent by mail: of each kind the last one, which is the only one that counts.
CREATE TABLE mail_code (
  account BIGINT NOT NULL,
  -- "verify" a new account, "reset" a forgotten password, "change" the address.
  purpose TEXT NOT NULL,
  -- A PHC string, as of a password: a code is too short to be hashed in a cheaper way.
  code_hash TEXT NOT NULL,
  -- Where it was sent to.
  email TEXT NOT NULL,
  expires BIGINT NOT NULL,
  -- Each try takes one before it is compared, whoever tries; see also mail_code_try.
  tries_left BIGINT NOT NULL,
  CONSTRAINT mail_code_pkey PRIMARY KEY (account, purpose),
  CONSTRAINT mail_code_account_fkey FOREIGN KEY (account) REFERENCES account (id) ON DELETE CASCADE,
  CONSTRAINT mail_code_purpose_check CHECK (purpose IN ('verify', 'reset', 'change'))
);

-- What of a code each address of a caller has tried; it goes with the code.
CREATE TABLE mail_code_try (
  account BIGINT NOT NULL,
  purpose TEXT NOT NULL,
  -- An address or network, so that a stranger does not use up the tries of the owner.
  requester TEXT NOT NULL,
  tries BIGINT NOT NULL,
  CONSTRAINT mail_code_try_pkey PRIMARY KEY (account, purpose, requester),
  CONSTRAINT mail_code_try_code_fkey FOREIGN KEY (account, purpose)
    REFERENCES mail_code (account, purpose) ON DELETE CASCADE
);

-- Mails of the last hour, so that nobody is flooded with them.
CREATE TABLE mail_sent (
  id BIGINT NOT NULL,
  email_folded TEXT NOT NULL,
  -- "code": a new account or another address. "reset": anybody can ask for it. "notice": about a change
  -- that was made. Each is counted for itself.
  kind TEXT NOT NULL,
  sent BIGINT NOT NULL,
  -- The network that asked for a reset; of other kinds, nobody in particular.
  requester TEXT NOT NULL DEFAULT '',
  CONSTRAINT mail_sent_pkey PRIMARY KEY (id),
  CONSTRAINT mail_sent_kind_check CHECK (kind IN ('code', 'reset', 'notice'))
);

CREATE INDEX mail_sent_email_idx ON mail_sent (email_folded, sent);

-- Names of former accounts. For 90 days nobody may take one and pass for its former owner.
CREATE TABLE freed_username (
  username TEXT NOT NULL,
  freed BIGINT NOT NULL,
  CONSTRAINT freed_username_pkey PRIMARY KEY (username)
);

-- One login of one device. A deleted row is an ended session.
CREATE TABLE session (
  id BIGINT NOT NULL,
  account BIGINT NOT NULL,
  -- SHA-256 of the token. The token has 256 random bits, so it needs neither salt nor stretching.
  token_hash BYTEA NOT NULL,
  -- What the device calls itself.
  device TEXT NOT NULL DEFAULT '',
  created BIGINT NOT NULL,
  -- Written at most once a minute.
  last_seen BIGINT NOT NULL,
  CONSTRAINT session_pkey PRIMARY KEY (id),
  CONSTRAINT session_token_hash_key UNIQUE (token_hash),
  CONSTRAINT session_account_fkey FOREIGN KEY (account) REFERENCES account (id)
);

CREATE INDEX session_account_idx ON session (account, last_seen);

-- What "owner" holds of "other". Two people have up to two rows, one for the view of each.
CREATE TABLE contact (
  owner BIGINT NOT NULL,
  other BIGINT NOT NULL,
  relation TEXT NOT NULL DEFAULT 'none',
  -- "owner" has blocked "other".
  blocked BIGINT NOT NULL DEFAULT 0,
  -- The name that "owner" gave "other"; empty: none.
  nickname TEXT NOT NULL DEFAULT '',
  -- What was said with the contact request, in both rows.
  request TEXT NOT NULL DEFAULT '',
  -- The group of the owner's list that "other" stands in; empty: none.
  in_group TEXT NOT NULL DEFAULT '',
  CONSTRAINT contact_pkey PRIMARY KEY (owner, other),
  CONSTRAINT contact_owner_fkey FOREIGN KEY (owner) REFERENCES account (id),
  CONSTRAINT contact_other_fkey FOREIGN KEY (other) REFERENCES account (id),
  CONSTRAINT contact_not_self CHECK (owner <> other),
  CONSTRAINT contact_relation_check CHECK (relation IN ('none', 'asked', 'asks_me', 'contact')),
  CONSTRAINT contact_blocked_check CHECK (blocked IN (0, 1))
);

-- Blocks only, which are few: for the question who may write, which is asked for every message.
CREATE INDEX contact_blocks_idx ON contact (owner) WHERE blocked = 1;

CREATE INDEX contact_blocked_by_idx ON contact (other) WHERE blocked = 1;

-- One ordered log of messages.
CREATE TABLE conversation (
  id BIGINT NOT NULL,
  kind TEXT NOT NULL DEFAULT 'direct',
  created BIGINT NOT NULL,
  -- The seq of the last message; 0 before the first. It moves in the transaction of the insert, so
  -- that the log has no gaps.
  last_seq BIGINT NOT NULL DEFAULT 0,
  -- The time of the last message.
  last_time BIGINT NOT NULL DEFAULT 0,
  CONSTRAINT conversation_pkey PRIMARY KEY (id),
  CONSTRAINT conversation_kind_check CHECK (kind IN ('direct'))
);

-- The two people of a direct conversation, the smaller id first, so that each pair has one.
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

CREATE INDEX direct_high_idx ON direct (high);

-- Who is in a conversation, and how far they are. The three positions never go back.
CREATE TABLE member (
  conversation BIGINT NOT NULL,
  account BIGINT NOT NULL,
  -- Read on any device: for the member's own devices.
  read_seq BIGINT NOT NULL DEFAULT 0,
  -- Read, as others are told: it stands still while the member is invisible.
  shown_read_seq BIGINT NOT NULL DEFAULT 0,
  -- Received by some device, as others are told: it stands still while the member is invisible.
  delivered_seq BIGINT NOT NULL DEFAULT 0,
  CONSTRAINT member_pkey PRIMARY KEY (conversation, account),
  CONSTRAINT member_conversation_fkey FOREIGN KEY (conversation) REFERENCES conversation (id),
  CONSTRAINT member_account_fkey FOREIGN KEY (account) REFERENCES account (id)
);

CREATE INDEX member_account_idx ON member (account, conversation);

-- The log: 1, 2, 3, … in each conversation, without gaps, never changed. No foreign keys: the append
-- checks in its own statement that the sender is a member, and nothing else writes here. The unique key
-- begins with the id, which begins with the time of its making, so that the index grows at its end.
CREATE TABLE message (
  conversation BIGINT NOT NULL,
  seq BIGINT NOT NULL,
  sender BIGINT NOT NULL,
  -- 16 bytes that the client made; repeating them stores nothing new, for ever.
  client_msg_id BYTEA NOT NULL,
  time BIGINT NOT NULL,
  -- What the body is. 1: the text of a message, in UTF-8. 2: any other entry, in CBOR as on the wire.
  kind BIGINT NOT NULL DEFAULT 1,
  body BYTEA NOT NULL,
  CONSTRAINT message_place_pkey PRIMARY KEY (conversation, seq),
  CONSTRAINT message_id_key UNIQUE (client_msg_id, conversation, sender),
  CONSTRAINT message_place_check CHECK (0 < seq)
);

-- A file that somebody was offered; the offer itself is in the log. Deleted when it has expired.
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
  -- The recipient wants it.
  accepted BIGINT NOT NULL DEFAULT 0,
  -- All of it is stored, and is what was offered.
  ready BIGINT NOT NULL DEFAULT 0,
  -- A device of the recipient has it.
  received BIGINT NOT NULL DEFAULT 0,
  -- Why nothing of it is kept any more; empty while it is.
  ended TEXT NOT NULL DEFAULT '',
  -- Bytes that are stored, from the beginning: whole parts, and the last one.
  stored BIGINT NOT NULL DEFAULT 0,
  -- The number of the upload that may add to it; each that begins takes the next one.
  upload BIGINT NOT NULL DEFAULT 0,
  -- It has ended, and its content is deleted from the object store.
  swept BIGINT NOT NULL DEFAULT 0,
  CONSTRAINT file_pkey PRIMARY KEY (id),
  CONSTRAINT file_ended_check CHECK (ended IN ('', 'declined', 'cancelled', 'refused')),
  CONSTRAINT file_stored_check CHECK (0 <= stored AND stored <= size)
);

CREATE INDEX file_sender_idx ON file (sender, expires) WHERE ended = '';

CREATE INDEX file_recipient_idx ON file (recipient) WHERE ended = '';

CREATE INDEX file_expires_idx ON file (expires);

CREATE INDEX file_ended_idx ON file (id) WHERE ended <> '' AND swept = 0;

-- Where each part of a file is in the object store: under its number and the upload that brought it.
CREATE TABLE file_part (
  file BIGINT NOT NULL,
  number BIGINT NOT NULL,
  upload BIGINT NOT NULL,
  -- The hash of everything up to the end of this part, as it goes on from there; absent of older parts.
  hashed BYTEA,
  CONSTRAINT file_part_pkey PRIMARY KEY (file, number)
);

-- Who may give orders. It hangs on the account and not on its name: ids are never used again.
CREATE TABLE admin (
  account BIGINT NOT NULL,
  since BIGINT NOT NULL,
  -- The account of the admin who did it; 0: somebody at the machine of the server.
  made_by BIGINT NOT NULL,
  CONSTRAINT admin_pkey PRIMARY KEY (account),
  CONSTRAINT admin_account_fkey FOREIGN KEY (account) REFERENCES account (id)
);

-- Who may not log in. One that has ended stays until another one replaces it.
CREATE TABLE ban (
  account BIGINT NOT NULL,
  -- The last moment of it; the end of the year 9999: for ever.
  ends BIGINT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  made BIGINT NOT NULL,
  made_by BIGINT NOT NULL,
  CONSTRAINT ban_pkey PRIMARY KEY (account),
  CONSTRAINT ban_account_fkey FOREIGN KEY (account) REFERENCES account (id)
);

-- Who may not send files of a kind.
CREATE TABLE file_ban (
  account BIGINT NOT NULL,
  -- Lower case, without a dot; '*': every kind.
  extension TEXT NOT NULL,
  ends BIGINT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  made BIGINT NOT NULL,
  made_by BIGINT NOT NULL,
  CONSTRAINT file_ban_pkey PRIMARY KEY (account, extension),
  CONSTRAINT file_ban_account_fkey FOREIGN KEY (account) REFERENCES account (id)
);

-- What admins did, and what was refused. Rows are only ever added: triggers, which each engine writes in
-- its own way, refuse everything else. No foreign keys: it outlives whatever it is about.
CREATE TABLE audit (
  id BIGINT NOT NULL,
  time BIGINT NOT NULL,
  -- 0: somebody at the machine of the server.
  actor BIGINT NOT NULL,
  -- Names as they were then.
  actor_name TEXT NOT NULL DEFAULT '',
  action TEXT NOT NULL,
  -- 0: nobody, or nobody of that name.
  target BIGINT NOT NULL DEFAULT 0,
  target_name TEXT NOT NULL DEFAULT '',
  -- What was said with it. Never a password, a code or an address of mail.
  detail TEXT NOT NULL DEFAULT '',
  -- 'done', or the word of the code that it was refused with.
  outcome TEXT NOT NULL,
  CONSTRAINT audit_pkey PRIMARY KEY (id)
);

-- Codes by which somebody may make an account where sign-up is by invitation.
CREATE TABLE invite (
  id BIGINT NOT NULL,
  -- SHA-256 of the code, which has 80 random bits.
  code_hash BYTEA NOT NULL,
  -- Accounts that may still be made by it.
  uses BIGINT NOT NULL,
  ends BIGINT NOT NULL,
  made BIGINT NOT NULL,
  made_by BIGINT NOT NULL,
  CONSTRAINT invite_pkey PRIMARY KEY (id),
  CONSTRAINT invite_code_hash_key UNIQUE (code_hash),
  CONSTRAINT invite_uses_check CHECK (0 <= uses)
);

-- Whose list has somebody in it: they are to hear that somebody became an admin, or is gone.
CREATE INDEX contact_other_idx ON contact (other);
