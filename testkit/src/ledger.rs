//! Was the delivery contract kept? Clients write down what they tried, what they were told and what
//! they showed; afterwards the store is read, and everything is compared. Pure.
//!
//! What only needs the order of things is checked here: I1 nothing acknowledged is lost; I2 everybody is
//! shown everything; I3 exactly once; I4 in one order; I5 without gaps; I6 repeating a message stores
//! nothing new; I7 nothing comes from nowhere; I8 no message before one that its author wrote or read
//! earlier. What needs the clock is found in the [`journal`]: [`delay`] (I9, I16) and [`presence`] (I10).

pub mod broken;
pub mod delay;
pub mod journal;
pub mod presence;

use std::collections::{BTreeMap, BTreeSet};

use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::ids::{ClientMsgId, ConversationId, Seq};
use thrive_protocol::reply::Stored;

pub use self::broken::{Broken, Invariant};

/// What happened, as the clients saw it.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    attempts: BTreeMap<ClientMsgId, Attempt>,
    /// Every acknowledgment, repeats included.
    acks: Vec<Stored>,
    refused: BTreeSet<ClientMsgId>,
    /// What each reader has shown, in that order.
    shown: BTreeMap<String, Vec<Place>>,
    /// What a reader may read; one that is not here may read everything.
    entitled: BTreeMap<String, BTreeSet<ConversationId>>,
    /// The logs as the store has them in the end.
    store: Vec<Place>,
}

#[derive(Clone, Debug)]
struct Attempt {
    conversation: ConversationId,
    /// Messages of the same conversation that its author had written or seen before.
    after: Vec<ClientMsgId>,
}

/// One message at its place.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Place {
    pub conversation: ConversationId,
    pub seq: Seq,
    pub id: ClientMsgId,
}

impl Ledger {
    /// Before a message is sent for the first time.
    pub fn attempt(&mut self, conversation: ConversationId, id: ClientMsgId) {
        self.attempt_after(conversation, id, []);
    }

    /// The same, where its author has written or seen others of the conversation before.
    pub fn attempt_after(
        &mut self,
        conversation: ConversationId,
        id: ClientMsgId,
        after: impl IntoIterator<Item = ClientMsgId>,
    ) {
        let after = after.into_iter().collect();
        self.attempts.insert(id, Attempt { conversation, after });
    }

    /// The node said that it is stored.
    pub fn acked(&mut self, stored: Stored) {
        self.acks.push(stored);
    }

    /// The node said no, for good.
    pub fn refused(&mut self, id: ClientMsgId) {
        self.refused.insert(id);
    }

    /// This reader exists, also if it shows nothing.
    pub fn reader(&mut self, reader: &str) {
        self.shown.entry(reader.to_owned()).or_default();
    }

    /// This reader exists, and may read this conversation and no others but those said.
    pub fn member(&mut self, reader: &str, conversation: ConversationId) {
        self.reader(reader);
        self.entitled.entry(reader.to_owned()).or_default().insert(conversation);
    }

    /// A reader shows an entry.
    pub fn shown(&mut self, reader: &str, entry: &Entry) {
        self.shown_at(reader, Place::of(entry));
    }

    /// A reader shows a message at a place.
    pub fn shown_at(&mut self, reader: &str, place: Place) {
        match self.shown.get_mut(reader) {
            Some(shown) => shown.push(place),
            None => drop(self.shown.insert(reader.to_owned(), vec![place])),
        }
    }

    /// An entry of the store, read after everything.
    pub fn stored(&mut self, entry: &Entry) {
        self.stored_at(Place::of(entry));
    }

    /// A message of the store, read after everything.
    pub fn stored_at(&mut self, place: Place) {
        self.store.push(place);
    }

    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.acks.len()
    }

    #[must_use]
    pub fn tried(&self) -> usize {
        self.attempts.len()
    }

    /// Messages that were refused for good.
    #[must_use]
    pub fn refusals(&self) -> usize {
        self.refused.len()
    }

    #[must_use]
    pub fn in_store(&self) -> usize {
        self.store.len()
    }

    /// # Errors
    /// The first way in which the contract was broken, in the order of the invariants.
    pub fn check(&self) -> Result<(), Broken> {
        self.findings().into_iter().next().map_or(Ok(()), Err)
    }

    /// Every way in which the contract was broken, in the order of the invariants.
    #[must_use]
    pub fn findings(&self) -> Vec<Broken> {
        let store: BTreeSet<Place> = self.store.iter().copied().collect();
        let mut found = Vec::new();
        self.nothing_acknowledged_is_lost(&store, &mut found);
        self.every_reader_shows_everything(&mut found);
        self.nothing_is_there_twice(&mut found);
        self.the_order_is_one(&store, &mut found);
        self.no_place_is_empty(&mut found);
        self.every_repeat_got_the_same_answer(&mut found);
        self.nothing_comes_from_nowhere(&mut found);
        self.nothing_stands_before_what_its_author_knew(&mut found);
        found
    }

    fn nothing_acknowledged_is_lost(&self, store: &BTreeSet<Place>, found: &mut Vec<Broken>) {
        for ack in &self.acks {
            let there = self.attempts.get(&ack.id).is_some_and(|attempt| {
                let conversation = attempt.conversation;
                store.contains(&Place { conversation, seq: ack.seq, id: ack.id })
            });
            if !there {
                found.push(Broken::Lost(*ack));
            }
        }
    }

    fn every_reader_shows_everything(&self, found: &mut Vec<Broken>) {
        let mut logs: BTreeMap<ConversationId, Vec<Place>> = BTreeMap::new();
        for place in &self.store {
            logs.entry(place.conversation).or_default().push(*place);
        }
        for (reader, shown) in &self.shown {
            let shown: BTreeSet<_> = shown.iter().map(|it| (it.conversation, it.seq)).collect();
            let entitled = self.entitled.get(reader);
            let may = |it: &ConversationId| entitled.is_none_or(|entitled| entitled.contains(it));
            let theirs = logs.iter().filter(|(id, _)| may(id)).flat_map(|(_, log)| log);
            let missing = theirs.filter(|it| !shown.contains(&(it.conversation, it.seq)));
            found.extend(missing.map(|it| Broken::NotShown { reader: reader.clone(), place: *it }));
        }
    }

    fn nothing_is_there_twice(&self, found: &mut Vec<Broken>) {
        let readers = self.shown.iter().map(|(reader, shown)| (Some(reader), shown));
        for (reader, places) in readers.chain([(None, &self.store)]) {
            let (mut seqs, mut ids) = (BTreeSet::new(), BTreeSet::new());
            for place in places {
                let new_seq = seqs.insert((place.conversation, place.seq));
                if !ids.insert((place.conversation, place.id)) || !new_seq {
                    found.push(Broken::Twice { reader: reader.cloned(), place: *place });
                }
            }
        }
    }

    fn the_order_is_one(&self, store: &BTreeSet<Place>, found: &mut Vec<Broken>) {
        for (reader, shown) in &self.shown {
            let mut last: BTreeMap<ConversationId, Seq> = BTreeMap::new();
            for place in shown {
                let before = last.insert(place.conversation, place.seq);
                if before.is_some_and(|before| place.seq <= before) || !store.contains(place) {
                    found.push(Broken::OutOfOrder { reader: reader.clone(), place: *place });
                }
            }
        }
    }

    fn no_place_is_empty(&self, found: &mut Vec<Broken>) {
        let mut seqs: BTreeMap<ConversationId, BTreeSet<Seq>> = BTreeMap::new();
        for place in &self.store {
            seqs.entry(place.conversation).or_default().insert(place.seq);
        }
        for (conversation, seqs) in seqs {
            let mut expected = Seq::START.next();
            for seq in seqs {
                if seq != expected {
                    found.push(Broken::Gap { conversation, seq: expected });
                }
                expected = seq.next();
            }
        }
    }

    fn every_repeat_got_the_same_answer(&self, found: &mut Vec<Broken>) {
        let mut first: BTreeMap<ClientMsgId, Stored> = BTreeMap::new();
        for ack in &self.acks {
            let known = first.entry(ack.id).or_insert(*ack);
            if known != ack {
                found.push(Broken::TwoAnswers(*known, *ack));
            }
        }
    }

    fn nothing_comes_from_nowhere(&self, found: &mut Vec<Broken>) {
        for place in self.store.iter().chain(self.shown.values().flatten()) {
            let tried = self.attempts.get(&place.id);
            let there = tried.is_some_and(|it| it.conversation == place.conversation);
            if !there || self.refused.contains(&place.id) {
                found.push(Broken::FromNowhere(*place));
            }
        }
    }

    fn nothing_stands_before_what_its_author_knew(&self, found: &mut Vec<Broken>) {
        let seqs: BTreeMap<_, _> =
            self.store.iter().map(|it| ((it.conversation, it.id), it.seq)).collect();
        for place in &self.store {
            let Some(Attempt { conversation, after }) = self.attempts.get(&place.id) else {
                continue;
            };
            // One that was refused, or lost, has no place; the latter is found by I1.
            let late = after.iter().filter(|it| {
                seqs.get(&(*conversation, **it)).is_some_and(|earlier| place.seq <= *earlier)
            });
            found.extend(late.map(|it| Broken::TooEarly { place: *place, after: *it }));
        }
    }
}

impl Place {
    fn of(entry: &Entry) -> Self {
        let id = match &entry.body {
            Body::Message { id, .. } => *id,
            // Nobody can have sent it, so the check will say that it comes from nowhere.
            Body::FileOffer(_) | Body::FileState { .. } | Body::Unknown {} => ClientMsgId([0; 16]),
        };
        Self { conversation: entry.conversation, seq: entry.seq, id }
    }
}

#[cfg(test)]
mod tests;
