//! What the server or the network says, in the words of the store: may the same be tried again, did
//! it happen, is it worth waiting?

use std::error::Error;
use std::io;
use std::sync::Arc;

use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::store::error::{Cause, rule};

/// Somebody listens there and says nothing.
#[derive(Debug, thiserror::Error)]
#[error("no answer in time")]
pub(super) struct NoAnswer;

/// Of a statement.
pub(super) fn of_statement(error: tokio_postgres::Error) -> Cause {
    if let Some(said) = error.as_db_error() {
        return match verdict(said) {
            Some(cause) => cause,
            None if ends_the_session(said) => Cause::Lost(Arc::new(error)),
            None => Cause::Engine(Arc::new(error)),
        };
    }
    if error.is_closed() || of_the_network(&error).is_some() {
        return Cause::Lost(Arc::new(error));
    }
    Cause::Engine(Arc::new(error))
}

/// Of making a connection.
pub(super) fn of_connecting(error: tokio_postgres::Error) -> Cause {
    let passes = match error.as_db_error() {
        Some(said) => is_away(said.code()),
        None => {
            // A certificate that does not fit arrives as bad data, and stays as bad.
            let passing =
                |kind| !matches!(kind, io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput);
            error.is_closed() || of_the_network(&error).is_some_and(|it| passing(it.kind()))
        }
    };
    if passes { Cause::Unreachable(Arc::new(error)) } else { Cause::Refused(Arc::new(error)) }
}

/// Of taking a connection from the pool.
pub(super) fn of_pool(error: PoolError) -> Cause {
    match error {
        PoolError::Timeout(TimeoutType::Wait | TimeoutType::Recycle) => Cause::Busy,
        PoolError::Timeout(TimeoutType::Create) => Cause::Unreachable(Arc::new(NoAnswer)),
        PoolError::Backend(error) => of_connecting(error),
        PoolError::Closed => Cause::Stopped,
        PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
            Cause::Engine(Arc::new(error))
        }
    }
}

/// Of a statement that was undone and whose session goes on.
fn verdict(said: &DbError) -> Option<Cause> {
    let code = said.code();
    if ends_the_session(said) {
        None
    } else if *code == SqlState::UNIQUE_VIOLATION {
        Some(Cause::Rule(said.constraint().map_or(rule::OTHER, rule::named)))
    } else if *code == SqlState::NOT_NULL_VIOLATION {
        Some(Cause::Rule(rule::OTHER))
    } else if *code == SqlState::T_R_SERIALIZATION_FAILURE
        || *code == SqlState::T_R_DEADLOCK_DETECTED
    {
        Some(Cause::Conflict)
    } else if *code == SqlState::QUERY_CANCELED || *code == SqlState::LOCK_NOT_AVAILABLE {
        Some(Cause::Deadline)
    } else {
        None
    }
}

/// After these, nothing more comes over this connection, and whether the last commit happened is
/// not known. A server that only reads has changed its role: its connections are of no use to us.
fn ends_the_session(said: &DbError) -> bool {
    matches!(said.parsed_severity(), Some(Severity::Fatal | Severity::Panic))
        || *said.code() == SqlState::READ_ONLY_SQL_TRANSACTION
}

/// Starting, stopping, or full: another moment, another answer.
fn is_away(code: &SqlState) -> bool {
    code.code().starts_with("53") || code.code().starts_with("57")
}

fn of_the_network(error: &tokio_postgres::Error) -> Option<&io::Error> {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(network) = inner.downcast_ref() {
            return Some(network);
        }
        source = inner.source();
    }
    None
}
