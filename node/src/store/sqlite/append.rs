//! The append, inside a transaction of the writer: cached statements, and nothing asked twice in
//! one batch.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension};
use thrive_protocol::ids::{ConversationId, Seq, Time, UserId};

use super::statement::{cause, numbered};
use crate::store::append::{
    Append, AppendAnswers, AppendRefusal, Appended, FIND_DUPLICATE, INSERT_MESSAGE, KIND_TEXT,
    MAY_WRITE, MOVE_HEAD,
};
use crate::store::error::Cause;

/// Appends what may be appended. An error leaves the transaction to be rolled back.
pub(super) fn run(connection: &Connection, batch: &[Append]) -> Result<AppendAnswers, Cause> {
    let mut batch_run = BatchRun::prepare(connection).map_err(cause)?;
    let answers = batch.iter().map(|item| batch_run.append(item)).collect::<Result<_, _>>();
    answers.and_then(|answers| batch_run.finish().map(|()| answers)).map_err(cause)
}

struct BatchRun<'c> {
    find_duplicate: CachedStatement<'c>,
    may_write: CachedStatement<'c>,
    insert: CachedStatement<'c>,
    move_head: CachedStatement<'c>,
    rights: HashMap<(ConversationId, UserId), Result<(), AppendRefusal>>,
    heads: HashMap<ConversationId, Head>,
}

/// The last seq as this transaction sees it. There is one writer, so it may be kept here and be
/// written back once.
struct Head {
    seq: i64,
    time: Time,
    moved: bool,
}

impl<'c> BatchRun<'c> {
    fn prepare(connection: &'c Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            find_duplicate: connection.prepare_cached(&numbered(FIND_DUPLICATE))?,
            may_write: connection.prepare_cached(&numbered(MAY_WRITE))?,
            insert: connection.prepare_cached(&numbered(INSERT_MESSAGE))?,
            move_head: connection.prepare_cached(&numbered(MOVE_HEAD))?,
            rights: HashMap::new(),
            heads: HashMap::new(),
        })
    }

    fn append(&mut self, item: &Append) -> rusqlite::Result<Result<Appended, AppendRefusal>> {
        // First: whoever repeats a message that was stored gets its place, blocked since or not.
        if let Some(appended) = self.duplicate(item)? {
            return Ok(Ok(appended));
        }
        if let Err(refusal) = self.right(item)? {
            return Ok(Err(refusal));
        }
        let Some(head) = self.heads.get_mut(&item.conversation) else {
            return Ok(Err(AppendRefusal::NoSuchConversation));
        };
        head.seq += 1;
        head.time = item.time;
        head.moved = true;
        self.insert.execute((
            item.conversation.0,
            head.seq,
            item.sender.0,
            item.id.0,
            item.time.0,
            KIND_TEXT,
            item.text.as_str().as_bytes(),
        ))?;
        Ok(Ok(Appended { seq: Seq(head.seq.unsigned_abs()), time: item.time, duplicate: false }))
    }

    fn duplicate(&mut self, item: &Append) -> rusqlite::Result<Option<Appended>> {
        self.find_duplicate
            .query_row((item.conversation.0, item.sender.0, item.id.0), |row| {
                let seq = Seq(row.get::<_, i64>(0)?.unsigned_abs());
                Ok(Appended { seq, time: Time(row.get(1)?), duplicate: true })
            })
            .optional()
    }

    fn right(&mut self, item: &Append) -> rusqlite::Result<Result<(), AppendRefusal>> {
        let key = (item.conversation, item.sender);
        if let Some(known) = self.rights.get(&key) {
            return Ok(*known);
        }
        let found = self
            .may_write
            .query_row((key.0.0, key.1.0), |row| {
                Ok((row.get::<_, bool>(0)?, row.get::<_, bool>(1)?, row.get::<_, i64>(2)?))
            })
            .optional()?;
        let right = match found {
            None => Err(AppendRefusal::NoSuchConversation),
            Some((true, _, _)) => Err(AppendRefusal::BlockedByYou),
            Some((false, true, _)) => Err(AppendRefusal::Blocked),
            Some((false, false, seq)) => {
                let head = Head { seq, time: item.time, moved: false };
                self.heads.entry(item.conversation).or_insert(head);
                Ok(())
            }
        };
        self.rights.insert(key, right);
        Ok(right)
    }

    fn finish(&mut self) -> rusqlite::Result<()> {
        for (conversation, head) in self.heads.iter().filter(|(_, head)| head.moved) {
            self.move_head.execute((conversation.0, head.seq, head.time.0))?;
        }
        Ok(())
    }
}
