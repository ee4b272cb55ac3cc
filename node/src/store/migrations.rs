//! The numbered steps by which a database became what `schema.sql` shows. A published step is never
//! edited; a change is a new file.

use crate::store::error::Cause;

pub(super) struct Migration {
    pub(super) number: i64,
    pub(super) name: &'static str,
    pub(super) sql: &'static str,
}

pub(super) const ALL: [Migration; 15] = [
    Migration {
        number: 1,
        name: "initial",
        sql: include_str!("../../migrations/0001_initial.sql"),
    },
    Migration {
        number: 2,
        name: "lean_append",
        sql: include_str!("../../migrations/0002_lean_append.sql"),
    },
    Migration {
        number: 3,
        name: "status_changed",
        sql: include_str!("../../migrations/0003_status_changed.sql"),
    },
    Migration {
        number: 4,
        name: "contacts_version",
        sql: include_str!("../../migrations/0004_contacts_version.sql"),
    },
    Migration { number: 5, name: "mail", sql: include_str!("../../migrations/0005_mail.sql") },
    Migration { number: 6, name: "files", sql: include_str!("../../migrations/0006_files.sql") },
    Migration { number: 7, name: "people", sql: include_str!("../../migrations/0007_people.sql") },
    Migration { number: 8, name: "admins", sql: include_str!("../../migrations/0008_admins.sql") },
    Migration {
        number: 9,
        name: "open_files",
        sql: include_str!("../../migrations/0009_open_files.sql"),
    },
    Migration {
        number: 10,
        name: "contact_groups",
        sql: include_str!("../../migrations/0010_contact_groups.sql"),
    },
    Migration {
        number: 11,
        name: "file_hashed",
        sql: include_str!("../../migrations/0011_file_hashed.sql"),
    },
    Migration {
        number: 12,
        name: "reset_requesters",
        sql: include_str!("../../migrations/0012_reset_requesters.sql"),
    },
    Migration {
        number: 13,
        name: "direct_high",
        sql: include_str!("../../migrations/0013_direct_high.sql"),
    },
    Migration {
        number: 14,
        name: "file_recipient",
        sql: include_str!("../../migrations/0014_file_recipient.sql"),
    },
    Migration {
        number: 15,
        name: "account_invite",
        sql: include_str!("../../migrations/0015_account_invite.sql"),
    },
];

/// Must be here before the first step, since each step is recorded in it.
pub(super) const CREATE_MIGRATION: &str = "
    CREATE TABLE IF NOT EXISTS migration (
      number BIGINT NOT NULL,
      name TEXT NOT NULL,
      applied BIGINT NOT NULL,
      CONSTRAINT migration_pkey PRIMARY KEY (number)
    )";

pub(super) const LAST_APPLIED: &str = "SELECT coalesce(max(number), 0) FROM migration";

pub(super) const RECORD: &str = "INSERT INTO migration (number, name, applied) VALUES ($1, $2, $3)";

/// Written once, when the database is made.
pub(super) const FIRST_EPOCH: &str = "
    INSERT INTO meta (name, number) VALUES ('epoch', $1) ON CONFLICT (name) DO NOTHING";

/// The steps that a database at `applied` still needs.
///
/// # Errors
/// A newer program was here; this one would not understand what it reads.
pub(super) fn missing(applied: i64) -> Result<impl Iterator<Item = &'static Migration>, Cause> {
    let known = ALL.iter().map(|step| step.number).max().unwrap_or(0);
    if known < applied {
        return Err(Cause::FromTheFuture { found: applied, known });
    }
    Ok(ALL.iter().filter(move |step| applied < step.number))
}
