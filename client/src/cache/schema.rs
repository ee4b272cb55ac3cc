//! The tables of the cache, and how they are brought up to date.

use rusqlite::Connection;

/// Raised with every change of the tables; each step up is one entry of [`STEPS`].
const STEPS: &[&str] = &[FIRST, ORIGIN, FILES, GROUPS, REFUSED_LIMIT];

const FIRST: &str = "
-- Single values: `me` (my account id), `epoch` (of the store that `chat.position` belongs to).
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
-- The contact list as the server had it last.
CREATE TABLE person (
    user     INTEGER PRIMARY KEY,
    username TEXT NOT NULL,
    relation TEXT NOT NULL,
    blocked  INTEGER NOT NULL,
    nickname TEXT NOT NULL,
    request  TEXT NOT NULL
);
-- One row for each person with whom something was written, or is about to be.
CREATE TABLE chat (
    peer           INTEGER PRIMARY KEY,
    username       TEXT NOT NULL,
    conversation   INTEGER UNIQUE,             -- NULL: not opened on the server yet
    position       INTEGER,                    -- everything up to here is held; NULL: nothing is known
    floor          INTEGER NOT NULL DEFAULT 1, -- the first entry that is held
    read           INTEGER NOT NULL DEFAULT 0, -- how far I have read
    read_told      INTEGER NOT NULL DEFAULT 0, -- how far the server knows that
    delivered_told INTEGER NOT NULL DEFAULT 0,
    peer_read      INTEGER NOT NULL DEFAULT 0,
    peer_delivered INTEGER NOT NULL DEFAULT 0,
    draft          TEXT NOT NULL DEFAULT ''
);
-- Messages, and at the same time the outbox: mine without a place in the log are waiting, or refused.
CREATE TABLE message (
    key       INTEGER PRIMARY KEY AUTOINCREMENT,
    peer      INTEGER NOT NULL,
    seq       INTEGER,
    mine      INTEGER NOT NULL,
    client_id BLOB,
    time      INTEGER NOT NULL,
    text      TEXT NOT NULL,
    refused   TEXT
);
CREATE UNIQUE INDEX message_place ON message (peer, seq);
CREATE UNIQUE INDEX message_mine ON message (peer, client_id) WHERE mine = 1;
CREATE INDEX message_waiting ON message (key) WHERE seq IS NULL;
-- How far a program that follows the messages has got.
CREATE TABLE bookmark (
    name TEXT NOT NULL,
    peer INTEGER NOT NULL,
    seq  INTEGER NOT NULL,
    PRIMARY KEY (name, peer)
);
";

/// What is before the first entry that this device was given is history: it never counts as unread.
const ORIGIN: &str = "
ALTER TABLE chat ADD COLUMN origin INTEGER NOT NULL DEFAULT 1; -- where the log began for this device
UPDATE chat SET origin = floor;
";

/// Offers are messages; what is known of the file beside them is here.
const FILES: &str = "
CREATE TABLE file (
    message      INTEGER PRIMARY KEY, -- the message that offers it
    file         INTEGER,             -- its number at the server; NULL: not offered yet
    name         TEXT NOT NULL,
    size         INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    sha256       BLOB NOT NULL,
    expires      INTEGER,
    source       TEXT,                -- mine: where its content is on this device
    folder       TEXT,                -- theirs: where this device is to put it; NULL: nowhere
    saved        TEXT,                -- theirs: where it is on this device
    failed       TEXT                 -- why this device gave it up
);
CREATE UNIQUE INDEX file_number ON file (file);
-- What became of files, also of those whose offer is not here.
CREATE TABLE file_state (
    file     INTEGER PRIMARY KEY,
    accepted INTEGER NOT NULL DEFAULT 0,
    ready    INTEGER NOT NULL DEFAULT 0,
    received INTEGER NOT NULL DEFAULT 0,
    ended    TEXT NOT NULL DEFAULT ''
);
";

/// The group of my list that a contact stands in; empty: none.
const GROUPS: &str = "ALTER TABLE person ADD COLUMN in_group TEXT NOT NULL DEFAULT '';";

/// What an offer that was refused came up against.
const REFUSED_LIMIT: &str = "
ALTER TABLE file ADD COLUMN refused_limit INTEGER; -- mine: what the server takes at most
ALTER TABLE file ADD COLUMN refused_left INTEGER;  -- mine: what was left of it
";

/// Sets the connection up and applies the steps that are missing. `Err(Some(version))`: the file was
/// written by a newer program.
pub(super) fn prepare(db: &mut Connection) -> Result<(), Trouble> {
    db.busy_timeout(std::time::Duration::from_secs(5))?;
    db.pragma_update(None, "journal_mode", "wal")?;
    // A message that was accepted from a person must survive a power cut.
    db.pragma_update(None, "synchronous", "full")?;
    db.pragma_update(None, "secure_delete", "on")?;
    let change = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: u32 = change.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let Some(missing) = STEPS.get(version as usize..) else { return Err(Trouble::Newer(version)) };
    for step in missing {
        change.execute_batch(step)?;
    }
    change.pragma_update(None, "user_version", STEPS.len() as u32)?;
    Ok(change.commit()?)
}

/// Why a cache cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("it was written by a newer program (version {0})")]
    Newer(u32),
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
}
