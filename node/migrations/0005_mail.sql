-- Addresses of e-mail, accounts that wait for the code which was sent to theirs, and those codes.

ALTER TABLE account ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN email_folded TEXT NOT NULL DEFAULT '';
ALTER TABLE account ADD COLUMN unverified_until BIGINT NOT NULL DEFAULT 0;

CREATE INDEX account_email_idx ON account (email_folded) WHERE email_folded <> '';

CREATE INDEX account_unverified_idx ON account (unverified_until) WHERE 0 < unverified_until;

CREATE TABLE mail_code (
  account BIGINT NOT NULL,
  purpose TEXT NOT NULL,
  code_hash TEXT NOT NULL,
  email TEXT NOT NULL,
  expires BIGINT NOT NULL,
  tries_left BIGINT NOT NULL,
  CONSTRAINT mail_code_pkey PRIMARY KEY (account, purpose),
  CONSTRAINT mail_code_account_fkey FOREIGN KEY (account) REFERENCES account (id) ON DELETE CASCADE,
  CONSTRAINT mail_code_purpose_check CHECK (purpose IN ('verify', 'reset', 'change'))
);

CREATE TABLE mail_sent (
  id BIGINT NOT NULL,
  email_folded TEXT NOT NULL,
  kind TEXT NOT NULL,
  sent BIGINT NOT NULL,
  CONSTRAINT mail_sent_pkey PRIMARY KEY (id),
  CONSTRAINT mail_sent_kind_check CHECK (kind IN ('code', 'notice'))
);

CREATE INDEX mail_sent_email_idx ON mail_sent (email_folded, sent);
