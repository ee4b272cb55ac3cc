//! What goes into a statement and what comes out of it, the same for both engines.

use std::borrow::Cow;

use thrive_protocol::ids::{
    ClientMsgId, ConversationId, Epoch, FileId, Seq, SessionId, Time, UserId,
};
use thrive_protocol::text::Line;

use crate::store::error::Cause;

/// SQL that both engines accept, and its parameters.
pub(super) struct Statement {
    pub(super) sql: Cow<'static, str>,
    pub(super) params: Vec<Value>,
}

/// One parameter or one column.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Null,
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

/// One row of an answer, its columns in the order of the statement.
#[derive(Debug)]
pub struct Row {
    values: Vec<Value>,
}

/// A Rust type that a column can be read as.
pub trait FromValue: Sized {
    /// `None`: the column holds something else.
    fn from_value(value: &Value) -> Option<Self>;
}

impl Row {
    pub(super) fn new(values: Vec<Value>) -> Self {
        Self { values }
    }

    /// # Errors
    /// The statement and the code around it do not agree about the column.
    pub fn get<T: FromValue>(&self, column: usize) -> Result<T, Cause> {
        self.values.get(column).and_then(T::from_value).ok_or(Cause::Column(column))
    }
}

impl FromValue for i64 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(number) => Some(*number),
            Value::Null | Value::Text(_) | Value::Blob(_) => None,
        }
    }
}

/// Flags are 0 or 1: the engines do not agree about a type for them.
impl FromValue for bool {
    fn from_value(value: &Value) -> Option<Self> {
        match i64::from_value(value) {
            Some(0) => Some(false),
            Some(1) => Some(true),
            Some(_) | None => None,
        }
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone()),
            Value::Null | Value::Integer(_) | Value::Blob(_) => None,
        }
    }
}

/// A store holds no longer one than was checked; a hand may have written one there.
impl<const MAX: usize> FromValue for Line<MAX> {
    fn from_value(value: &Value) -> Option<Self> {
        Some(Self::cut(&String::from_value(value)?))
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Blob(bytes) => Some(bytes.clone()),
            Value::Null | Value::Integer(_) | Value::Text(_) => None,
        }
    }
}

impl FromValue for ClientMsgId {
    fn from_value(value: &Value) -> Option<Self> {
        Vec::from_value(value)?.try_into().ok().map(Self)
    }
}

impl FromValue for Seq {
    fn from_value(value: &Value) -> Option<Self> {
        u64::try_from(i64::from_value(value)?).ok().map(Self)
    }
}

macro_rules! ids {
    ($($id:ident)*) => {
        $(
            impl FromValue for $id {
                fn from_value(value: &Value) -> Option<Self> {
                    i64::from_value(value).map(Self)
                }
            }

            impl From<$id> for Value {
                fn from(id: $id) -> Self {
                    Self::Integer(id.0)
                }
            }
        )*
    };
}

ids!(UserId ConversationId SessionId Epoch Time FileId);

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Integer(flag.into())
    }
}

/// A position that is too large for the store is beyond every head; so is the largest one.
impl From<Seq> for Value {
    fn from(seq: Seq) -> Self {
        Self::Integer(i64::try_from(seq.0).unwrap_or(i64::MAX))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(bytes)
    }
}

/// The parameters of a statement, `$1` first.
macro_rules! values {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::store::value::Value::from($value)),*]
    };
}
pub(crate) use values;
