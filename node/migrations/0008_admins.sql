-- What admins are, do and forbid.
CREATE TABLE admin (
  account BIGINT NOT NULL,
  since BIGINT NOT NULL,
  made_by BIGINT NOT NULL,
  CONSTRAINT admin_pkey PRIMARY KEY (account),
  CONSTRAINT admin_account_fkey FOREIGN KEY (account) REFERENCES account (id)
);
CREATE TABLE ban (
  account BIGINT NOT NULL,
  ends BIGINT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  made BIGINT NOT NULL,
  made_by BIGINT NOT NULL,
  CONSTRAINT ban_pkey PRIMARY KEY (account),
  CONSTRAINT ban_account_fkey FOREIGN KEY (account) REFERENCES account (id)
);
CREATE TABLE file_ban (
  account BIGINT NOT NULL,
  extension TEXT NOT NULL,
  ends BIGINT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  made BIGINT NOT NULL,
  made_by BIGINT NOT NULL,
  CONSTRAINT file_ban_pkey PRIMARY KEY (account, extension),
  CONSTRAINT file_ban_account_fkey FOREIGN KEY (account) REFERENCES account (id)
);
CREATE TABLE audit (
  id BIGINT NOT NULL,
  time BIGINT NOT NULL,
  actor BIGINT NOT NULL,
  actor_name TEXT NOT NULL DEFAULT '',
  action TEXT NOT NULL,
  target BIGINT NOT NULL DEFAULT 0,
  target_name TEXT NOT NULL DEFAULT '',
  detail TEXT NOT NULL DEFAULT '',
  outcome TEXT NOT NULL,
  CONSTRAINT audit_pkey PRIMARY KEY (id)
);
CREATE TABLE invite (
  id BIGINT NOT NULL,
  code_hash BYTEA NOT NULL,
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

-- What of a code each address of a caller has tried; it goes with the code.
CREATE TABLE mail_code_try (
  account BIGINT NOT NULL,
  purpose TEXT NOT NULL,
  requester TEXT NOT NULL,
  tries BIGINT NOT NULL,
  CONSTRAINT mail_code_try_pkey PRIMARY KEY (account, purpose, requester),
  CONSTRAINT mail_code_try_code_fkey FOREIGN KEY (account, purpose)
    REFERENCES mail_code (account, purpose) ON DELETE CASCADE
);
-- Mails are counted for an hour only, so those of the hour of this step may be forgotten: resets count for
-- themselves from now on.
DROP TABLE mail_sent;
CREATE TABLE mail_sent (
  id BIGINT NOT NULL,
  email_folded TEXT NOT NULL,
  kind TEXT NOT NULL,
  sent BIGINT NOT NULL,
  CONSTRAINT mail_sent_pkey PRIMARY KEY (id),
  CONSTRAINT mail_sent_kind_check CHECK (kind IN ('code', 'reset', 'notice'))
);
CREATE INDEX mail_sent_email_idx ON mail_sent (email_folded, sent);
