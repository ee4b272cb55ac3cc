-- By which invitation an account was made that waits for its code: if it never comes, the use is given back.
ALTER TABLE account ADD COLUMN invite BIGINT NOT NULL DEFAULT 0;
