//! The truth: logs without gaps, and every message once. As a database, without one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::event::Head;
use thrive_protocol::ids::{ClientMsgId, ConversationId, Seq, Time, UserId};
use thrive_protocol::reply::Stored;
use thrive_protocol::text::MessageText;

use super::Rules;

/// A message on its way into the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Append {
    pub(super) conversation: ConversationId,
    pub(super) sender: UserId,
    pub(super) id: ClientMsgId,
}

#[derive(Debug, Default)]
pub(super) struct Store {
    logs: BTreeMap<ConversationId, Vec<Kept>>,
    known: BTreeMap<(ConversationId, UserId, ClientMsgId), (Seq, Time)>,
    /// Until then nobody is served.
    pub(super) down_until: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    seq: Seq,
    sender: UserId,
    id: ClientMsgId,
    time: Time,
}

impl Store {
    pub(super) fn is_up(&self, now: Duration) -> bool {
        self.down_until <= now
    }

    pub(super) fn head(&self, conversation: ConversationId) -> Seq {
        self.logs.get(&conversation).and_then(|log| log.last()).map_or(Seq::START, |it| it.seq)
    }

    pub(super) fn heads(&self, conversations: &[ConversationId]) -> Vec<Head> {
        let head = |&conversation| Head { conversation, seq: self.head(conversation) };
        conversations.iter().map(head).collect()
    }

    pub(super) fn is_stored(
        &self,
        conversation: ConversationId,
        sender: UserId,
        id: ClientMsgId,
    ) -> bool {
        self.known.contains_key(&(conversation, sender, id))
    }

    /// Entries `after < seq <= to`.
    pub(super) fn range(&self, conversation: ConversationId, after: Seq, to: Seq) -> Vec<Entry> {
        let log = self.logs.get(&conversation).into_iter().flatten();
        let wanted = log.filter(|it| after < it.seq && it.seq <= to);
        wanted.map(|it| it.entry(conversation)).collect()
    }

    /// Appends in the order given, all or nothing. The answer says whether it was there already.
    pub(super) fn append(
        &mut self,
        batch: &[Append],
        heads: &BTreeMap<ConversationId, Seq>,
        now: Duration,
        rules: Rules,
    ) -> Vec<(Stored, bool)> {
        let mut here = BTreeMap::new();
        let mut answers = Vec::with_capacity(batch.len());
        for &Append { conversation, sender, id } in batch {
            let key = (conversation, sender, id);
            if rules.duplicate_check
                && let Some(&(seq, time)) = self.known.get(&key)
            {
                answers.push((Stored { id, seq, time }, true));
                continue;
            }
            let time = Time(i64::try_from(now.as_millis()).unwrap_or(i64::MAX));
            // Without the lock a transaction goes by what it read when it began.
            let read = if rules.sequence_lock { None } else { heads.get(&conversation).copied() };
            let start = read.unwrap_or_else(|| self.head(conversation));
            let head: &mut Seq = here.entry(conversation).or_insert(start);
            *head = head.next();
            let seq = *head;
            self.logs.entry(conversation).or_default().push(Kept { seq, sender, id, time });
            self.known.insert(key, (seq, time));
            answers.push((Stored { id, seq, time }, false));
        }
        answers
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (ConversationId, Seq, ClientMsgId)> {
        let of = |(&conversation, log): (&ConversationId, &Vec<Kept>)| {
            log.iter().map(move |it| (conversation, it.seq, it.id)).collect::<Vec<_>>()
        };
        self.logs.iter().flat_map(of)
    }

    /// Whether this message is stored.
    pub(super) fn ids(&self) -> BTreeSet<ClientMsgId> {
        self.logs.values().flatten().map(|it| it.id).collect()
    }
}

impl Kept {
    fn entry(&self, conversation: ConversationId) -> Entry {
        let Self { seq, sender, id, time } = *self;
        let body = Body::Message { id, text: MessageText::parse("x").expect("a text") };
        Entry { conversation, seq, sender, time, body }
    }
}
