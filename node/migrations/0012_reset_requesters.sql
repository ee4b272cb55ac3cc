-- Who asked for a mail that anybody can ask for: whoever knows a name must not use up the mails of its owner.
ALTER TABLE mail_sent ADD COLUMN requester TEXT NOT NULL DEFAULT '';
