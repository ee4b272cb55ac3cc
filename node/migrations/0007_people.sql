-- What somebody does just now: a word beside the availability, or nothing.
ALTER TABLE account ADD COLUMN status_preset TEXT NOT NULL DEFAULT '';

-- What others may see, and when the person was last seen by them.
ALTER TABLE account ADD COLUMN listed BIGINT NOT NULL DEFAULT 1
  CONSTRAINT account_listed_check CHECK (listed IN (0, 1));
ALTER TABLE account ADD COLUMN presence_to_strangers BIGINT NOT NULL DEFAULT 0
  CONSTRAINT account_presence_to_strangers_check CHECK (presence_to_strangers IN (0, 1));
ALTER TABLE account ADD COLUMN last_seen_to_contacts BIGINT NOT NULL DEFAULT 0
  CONSTRAINT account_last_seen_to_contacts_check CHECK (last_seen_to_contacts IN (0, 1));
ALTER TABLE account ADD COLUMN last_seen BIGINT NOT NULL DEFAULT 0;
