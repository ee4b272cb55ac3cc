//! One statement on one connection, and what SQLite says when it fails.

use std::sync::Arc;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ToSql, ffi};

use crate::store::error::{Cause, rule};
use crate::store::value::{Row, Statement, Value};

impl Statement {
    pub(super) fn run(&self, connection: &Connection) -> Result<Vec<Row>, Cause> {
        self.rows(connection).map_err(cause)
    }

    fn rows(&self, connection: &Connection) -> Result<Vec<Row>, rusqlite::Error> {
        let mut statement = connection.prepare_cached(&numbered(&self.sql))?;
        if statement.parameter_count() != self.params.len() {
            let (given, wanted) = (self.params.len(), statement.parameter_count());
            return Err(rusqlite::Error::InvalidParameterCount(given, wanted));
        }
        for (index, param) in self.params.iter().enumerate() {
            statement.raw_bind_parameter(index + 1, param)?;
        }
        let columns = statement.column_count();
        let mut rows = statement.raw_query();
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (0..columns).map(|column| row.get_ref(column).and_then(owned));
            found.push(Row::new(values.collect::<Result<_, _>>()?));
        }
        Ok(found)
    }
}

/// To SQLite `$1` is a name and is numbered by its first appearance; `?1` is a number.
pub(super) fn numbered(sql: &str) -> String {
    sql.replace('$', "?")
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Integer(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn owned(value: ValueRef<'_>) -> rusqlite::Result<Value> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => Value::Integer(number),
        ValueRef::Real(_) => return Err(rusqlite::Error::InvalidQuery),
        ValueRef::Text(_) => Value::Text(value.as_str()?.to_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_vec()),
    })
}

/// Tells a rule of the schema from a failure of the engine.
pub(super) fn cause(error: rusqlite::Error) -> Cause {
    if let rusqlite::Error::SqliteFailure(failure, message) = &error
        && failure.code == ffi::ErrorCode::ConstraintViolation
        && let Some(rule) = message.as_deref().and_then(broken_rule)
    {
        return Cause::Rule(rule);
    }
    Cause::Engine(Arc::new(error))
}

/// SQLite names the columns of a unique constraint, not the constraint.
fn broken_rule(message: &str) -> Option<&'static str> {
    let columns = message.strip_prefix("UNIQUE constraint failed: ")?;
    let known = UNIQUE.iter().find(|(of, _)| *of == columns);
    Some(known.map_or(rule::OTHER, |(_, rule)| rule))
}

const UNIQUE: [(&str, &str); 10] = [
    ("account.id", rule::ACCOUNT_PKEY),
    ("account.username", rule::ACCOUNT_USERNAME_KEY),
    ("audit.id", rule::AUDIT_PKEY),
    ("invite.id", rule::INVITE_PKEY),
    ("file.id", rule::FILE_PKEY),
    ("session.id", rule::SESSION_PKEY),
    ("session.token_hash", rule::SESSION_TOKEN_HASH_KEY),
    ("conversation.id", rule::CONVERSATION_PKEY),
    ("direct.low, direct.high", rule::DIRECT_PAIR_KEY),
    ("message.client_msg_id, message.conversation, message.sender", rule::MESSAGE_ID_KEY),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A rule without its columns was one answer on a server, and a fault of ours here.
    #[test]
    fn every_rule_is_known_by_its_columns() {
        for named in rule::ALL {
            assert!(UNIQUE.iter().any(|(_, rule)| *rule == named), "{named}");
        }
    }

    #[test]
    fn every_named_unique_rule_is_found_by_its_columns_in_the_schema() {
        let schema = include_str!("../../../../schema.sql");
        for (columns, rule) in UNIQUE {
            let (table, _) = columns.split_once('.').unwrap();
            let bare = columns.replace(&format!("{table}."), "");
            let (_, definition) = schema.split_once(&format!("CONSTRAINT {rule} ")).unwrap();
            let definition = definition.split_once('\n').unwrap().0;
            assert!(definition.contains(&format!("({bare})")), "{rule}: {definition}");
        }
    }
}
