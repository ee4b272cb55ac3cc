//! Reads the database of a former Thrive host, in any of its layouts. Changes nothing there.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};
use thrive_protocol::secret::Secret;

use crate::domain::former::{Contact, FileBan, Former, Message, User};

#[derive(Debug, thiserror::Error)]
pub enum FormerError {
    #[error("the former database cannot be read")]
    Unreadable(#[from] rusqlite::Error),
    #[error("this is no database of a Thrive host: it has no table users with names and passwords")]
    Foreign,
}

/// # Errors
/// There is no such file, or it is something else.
pub fn read(path: &Path) -> Result<Former, FormerError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let former = Connection::open_with_flags(path, flags)?;
    // One moment of it, should the host still be running.
    let former = former.unchecked_transaction()?;
    if !has(&former, "users", &["username", "password"])? {
        return Err(FormerError::Foreign);
    }
    let users = all(&former, &select_users(&former)?, |row| {
        let is_verified = !matches!(text(row, 2)?.as_str(), "" | "0");
        Ok(User {
            name: text(row, 0)?,
            password: Secret::new(text(row, 1)?),
            // Whoever was never asked for a code is not unverified, whatever the flag of an old row says.
            unverified: !is_verified && !text(row, 3)?.is_empty(),
            email: Secret::new(text(row, 4)?),
            has_proved_email: is_verified,
            banned_until: text(row, 5)?,
            ban_reason: text(row, 6)?,
        })
    })?;
    let blocks = has(&former, "contacts", &["owner", "contact", "blocked"])?;
    let contacts = if has(&former, "contacts", &["owner", "contact"])? {
        all(&former, if blocks { CONTACTS } else { CONTACTS_WITHOUT_BLOCKS }, |row| {
            let blocked = !matches!(text(row, 2)?.as_str(), "" | "0");
            Ok(Contact { owner: text(row, 0)?, contact: text(row, 1)?, blocked })
        })?
    } else {
        Vec::new()
    };
    let columns = ["id", "recipient", "sender", "message", "timestamp"];
    let messages = if has(&former, "offline_messages", &columns)? {
        all(&former, MESSAGES, |row| {
            Ok(Message {
                id: row.get(0)?,
                recipient: text(row, 1)?,
                sender: text(row, 2)?,
                text: Secret::new(text(row, 3)?),
                time: text(row, 4)?,
            })
        })?
    } else {
        Vec::new()
    };
    let file_bans = if has(&former, "file_bans", &FILE_BAN_COLUMNS)? {
        all(&former, FILE_BANS, |row| {
            Ok(FileBan {
                name: text(row, 0)?,
                kind: text(row, 1)?,
                until: text(row, 2)?,
                reason: text(row, 3)?,
            })
        })?
    } else {
        Vec::new()
    };
    let mut others = Vec::new();
    let tables = all(&former, TABLES, |row| text(row, 0))?;
    for table in
        tables.into_iter().filter(|it| !TAKEN_OVER.contains(&it.as_str()) && !it.contains(']'))
    {
        let count = format!("SELECT count(*) FROM [{table}]");
        others.push((table, former.query_row(&count, (), |row| row.get(0))?));
    }
    Ok(Former { users, contacts, messages, file_bans, admins: Vec::new(), others })
}

fn all<T>(
    former: &Connection,
    sql: &str,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    former.prepare(sql)?.query_map((), |row| read(row))?.collect()
}

/// Whatever was written there, as text.
fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
    })
}

/// Whether there is such a table with these columns.
fn has(former: &Connection, table: &str, columns: &[&str]) -> rusqlite::Result<bool> {
    let mut found = former.prepare(COLUMNS)?;
    let found = found.query_map((table,), |row| row.get(0))?;
    let found: Vec<String> = found.collect::<Result<_, _>>()?;
    Ok(columns.iter().all(|column| found.iter().any(|it| it == column)))
}

/// Names, passwords, and what this layout has of the rest.
fn select_users(former: &Connection) -> rusqlite::Result<String> {
    let mut columns = vec!["username", "password"];
    for column in ["is_verified", "verification_code", "email", "banned_until", "ban_reason"] {
        columns.push(if has(former, "users", &[column])? { column } else { "NULL" });
    }
    Ok(format!("SELECT {} FROM users ORDER BY _rowid_", columns.join(", ")))
}

const TAKEN_OVER: [&str; 4] = ["users", "contacts", "offline_messages", "file_bans"];

const COLUMNS: &str = "SELECT name FROM pragma_table_info(?1)";

const TABLES: &str = "
    SELECT name FROM sqlite_master
    WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name";

const FILE_BAN_COLUMNS: [&str; 4] = ["username", "file_type", "until_date", "reason"];

const FILE_BANS: &str = "
    SELECT username, file_type, until_date, reason FROM file_bans ORDER BY _rowid_";

const CONTACTS: &str = "SELECT owner, contact, blocked FROM contacts ORDER BY _rowid_";

const CONTACTS_WITHOUT_BLOCKS: &str = "SELECT owner, contact, 0 FROM contacts ORDER BY _rowid_";

const MESSAGES: &str = "
    SELECT id, recipient, sender, message, timestamp FROM offline_messages ORDER BY id";

#[cfg(test)]
mod tests;
