//! Reads the database of a former Thrive host, in any of its layouts. Changes nothing there.

use std::path::Path;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Row};
use thrive_protocol::secret::Secret;

use crate::domain::former::{Contact, Former, Message, User};

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
    let pending = has(&former, "users", &["is_verified", "verification_code"])?;
    let users = all(&former, if pending { USERS_TO_VERIFY } else { USERS }, |row| {
        Ok(User {
            name: text(row, 0)?,
            password: Secret::new(text(row, 1)?),
            unverified: text(row, 2)? == "1",
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
    let mut others = Vec::new();
    let tables = all(&former, TABLES, |row| text(row, 0))?;
    for table in
        tables.into_iter().filter(|it| !TAKEN_OVER.contains(&it.as_str()) && !it.contains(']'))
    {
        let count = format!("SELECT count(*) FROM [{table}]");
        others.push((table, former.query_row(&count, (), |row| row.get(0))?));
    }
    let banned = has(&former, "users", &["banned_until"])?;
    for (column, is_there) in
        [("banned_until", banned), ("email", has(&former, "users", &["email"])?)]
    {
        if is_there {
            let count = format!("SELECT count(*) FROM users WHERE coalesce({column}, '') <> ''");
            others.push((
                format!("users, {column}"),
                former.query_row(&count, (), |row| row.get(0))?,
            ));
        }
    }
    Ok(Former { users, contacts, messages, others })
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

const TAKEN_OVER: [&str; 3] = ["users", "contacts", "offline_messages"];

const COLUMNS: &str = "SELECT name FROM pragma_table_info(?1)";

const TABLES: &str = "
    SELECT name FROM sqlite_master
    WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name";

const USERS: &str = "SELECT username, password, 0 FROM users ORDER BY _rowid_";

/// Whoever was never asked for a code is not unverified, whatever the flag of an old row says.
const USERS_TO_VERIFY: &str = "
    SELECT username, password,
      CASE WHEN coalesce(is_verified, 0) = 0 AND coalesce(verification_code, '') <> ''
      THEN 1 ELSE 0 END
    FROM users ORDER BY _rowid_";

const CONTACTS: &str = "SELECT owner, contact, blocked FROM contacts ORDER BY _rowid_";

const CONTACTS_WITHOUT_BLOCKS: &str = "SELECT owner, contact, 0 FROM contacts ORDER BY _rowid_";

const MESSAGES: &str = "
    SELECT id, recipient, sender, message, timestamp FROM offline_messages ORDER BY id";

#[cfg(test)]
mod tests;
