//! One statement on one connection: values in the types that the server wants, and back.

use std::error::Error;
use std::sync::Arc;

use bytes::BytesMut;
use deadpool_postgres::ClientWrapper;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::failure;
use crate::store::error::Cause;
use crate::store::value::{Row, Statement, Value};

/// The statement, known to this connection. Nothing has happened in the database yet, so that it may
/// be tried again on another connection whatever goes wrong.
pub(super) async fn prepare(
    client: &ClientWrapper,
    statement: &Statement,
) -> Result<tokio_postgres::Statement, Cause> {
    let prepared = client.prepare_cached(&statement.sql).await.map_err(failure::of_statement)?;
    let (wanted, given) = (prepared.params().len(), statement.params.len());
    if wanted != given {
        return Err(Cause::Engine(Arc::new(WrongCount { wanted, given })));
    }
    Ok(prepared)
}

pub(super) async fn run(
    client: &ClientWrapper,
    prepared: &tokio_postgres::Statement,
    statement: &Statement,
) -> Result<Vec<Row>, Cause> {
    let params: Vec<_> = statement.params.iter().map(|it| it as &(dyn ToSql + Sync)).collect();
    let rows = client.query(prepared, &params).await.map_err(failure::of_statement)?;
    rows.iter().map(values_of).collect()
}

fn values_of(row: &tokio_postgres::Row) -> Result<Row, Cause> {
    let columns = 0..row.len();
    let values = columns.map(|column| row.try_get(column).map_err(failure::of_statement));
    values.collect::<Result<_, _>>().map(Row::new)
}

#[derive(Debug, thiserror::Error)]
#[error("the statement has {wanted} parameters, {given} were given")]
struct WrongCount {
    wanted: usize,
    given: usize,
}

#[derive(Debug, thiserror::Error)]
#[error("{0} is not a type of this store")]
struct ForeignType(Type);

type Failure = Box<dyn Error + Sync + Send>;

impl ToSql for Value {
    fn to_sql(&self, wanted: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(number) if *wanted == Type::INT4 => {
                i32::try_from(*number)?.to_sql(wanted, out)
            }
            Self::Integer(number) if *wanted == Type::INT8 => number.to_sql(wanted, out),
            Self::Text(text) if <&str as ToSql>::accepts(wanted) => text.to_sql(wanted, out),
            Self::Blob(bytes) if *wanted == Type::BYTEA => bytes.to_sql(wanted, out),
            Self::Integer(_) | Self::Text(_) | Self::Blob(_) => {
                Err(ForeignType(wanted.clone()).into())
            }
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(found: &Type, raw: &'a [u8]) -> Result<Self, Failure> {
        if *found == Type::INT8 {
            i64::from_sql(found, raw).map(Self::Integer)
        } else if *found == Type::INT4 {
            i32::from_sql(found, raw).map(|number| Self::Integer(number.into()))
        } else if *found == Type::BOOL {
            bool::from_sql(found, raw).map(|flag| Self::Integer(flag.into()))
        } else if *found == Type::BYTEA {
            Ok(Self::Blob(raw.to_vec()))
        } else if <&str as FromSql<'_>>::accepts(found) {
            String::from_sql(found, raw).map(Self::Text)
        } else {
            Err(ForeignType(found.clone()).into())
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Failure> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
