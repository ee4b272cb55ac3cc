//! Was the delivery contract kept? Clients write down what they tried, what they were told and what
//! they showed; afterwards the store is read, and everything is compared. Pure.
//!
//! The numbers I1 to I7 are the invariants of the contract:
//! I1 nothing acknowledged is lost; I2 everybody is shown everything; I3 exactly once; I4 in one order;
//! I5 without gaps; I6 repeating a message stores nothing new; I7 nothing comes from nowhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::ids::{ClientMsgId, ConversationId, Seq};
use thrive_protocol::reply::Stored;

/// What happened, as the clients saw it.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    attempts: BTreeMap<ClientMsgId, ConversationId>,
    /// Every acknowledgment, repeats included.
    acks: Vec<Stored>,
    refused: BTreeSet<ClientMsgId>,
    /// What each reader has shown, in that order.
    shown: BTreeMap<String, Vec<Place>>,
    /// The logs as the store has them in the end.
    store: Vec<Place>,
}

/// One message at its place.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Place {
    pub conversation: ConversationId,
    pub seq: Seq,
    pub id: ClientMsgId,
}

/// One way in which the contract was broken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Broken {
    /// I1: acknowledged, and not in the store at that place.
    Lost(Stored),
    /// I2: in the store, and this reader never showed it.
    NotShown { reader: String, place: Place },
    /// I3: a reader showed it twice; or the store holds it twice.
    Twice { reader: Option<String>, place: Place },
    /// I4: a reader showed it after a later one, or at another place than the store has it.
    OutOfOrder { reader: String, place: Place },
    /// I5: the store has no entry at this place, but has later ones.
    Gap { conversation: ConversationId, seq: Seq },
    /// I6: one message was acknowledged in two ways.
    TwoAnswers(Stored, Stored),
    /// I7: nobody tried to send it, or it was refused for good.
    FromNowhere(Place),
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self:?}")
    }
}

impl std::error::Error for Broken {}

impl Ledger {
    /// Before a message is sent for the first time.
    pub fn attempt(&mut self, conversation: ConversationId, id: ClientMsgId) {
        self.attempts.insert(id, conversation);
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

    /// A reader shows an entry.
    pub fn shown(&mut self, reader: &str, entry: &Entry) {
        let place = Place::of(entry);
        self.shown.entry(reader.to_owned()).or_default().push(place);
    }

    /// An entry of the store, read after everything.
    pub fn stored(&mut self, entry: &Entry) {
        self.store.push(Place::of(entry));
    }

    #[must_use]
    pub fn acknowledged(&self) -> usize {
        self.acks.len()
    }

    #[must_use]
    pub fn tried(&self) -> usize {
        self.attempts.len()
    }

    /// # Errors
    /// The first way in which the contract was broken, in the order of the invariants.
    pub fn check(&self) -> Result<(), Broken> {
        self.nothing_acknowledged_is_lost()?;
        self.every_reader_shows_everything()?;
        self.nothing_is_there_twice()?;
        self.the_order_is_one()?;
        self.no_place_is_empty()?;
        self.every_repeat_got_the_same_answer()?;
        self.nothing_comes_from_nowhere()
    }

    fn nothing_acknowledged_is_lost(&self) -> Result<(), Broken> {
        let store: BTreeSet<Place> = self.store.iter().copied().collect();
        for ack in &self.acks {
            let found = self.attempts.get(&ack.id).is_some_and(|&conversation| {
                store.contains(&Place { conversation, seq: ack.seq, id: ack.id })
            });
            if !found {
                return Err(Broken::Lost(*ack));
            }
        }
        Ok(())
    }

    fn every_reader_shows_everything(&self) -> Result<(), Broken> {
        for (reader, shown) in &self.shown {
            let shown: BTreeSet<_> = shown.iter().map(|it| (it.conversation, it.seq)).collect();
            let missing = self.store.iter().find(|it| !shown.contains(&(it.conversation, it.seq)));
            if let Some(place) = missing {
                return Err(Broken::NotShown { reader: reader.clone(), place: *place });
            }
        }
        Ok(())
    }

    fn nothing_is_there_twice(&self) -> Result<(), Broken> {
        let readers = self.shown.iter().map(|(reader, shown)| (Some(reader.clone()), shown));
        for (reader, places) in readers.chain([(None, &self.store)]) {
            let (mut seqs, mut ids) = (BTreeSet::new(), BTreeSet::new());
            for place in places {
                let new_seq = seqs.insert((place.conversation, place.seq));
                if !ids.insert((place.conversation, place.id)) || !new_seq {
                    return Err(Broken::Twice { reader, place: *place });
                }
            }
        }
        Ok(())
    }

    fn the_order_is_one(&self) -> Result<(), Broken> {
        let store: BTreeSet<Place> = self.store.iter().copied().collect();
        for (reader, shown) in &self.shown {
            let mut last: BTreeMap<ConversationId, Seq> = BTreeMap::new();
            for place in shown {
                let before = last.insert(place.conversation, place.seq);
                if before.is_some_and(|before| place.seq <= before) || !store.contains(place) {
                    return Err(Broken::OutOfOrder { reader: reader.clone(), place: *place });
                }
            }
        }
        Ok(())
    }

    fn no_place_is_empty(&self) -> Result<(), Broken> {
        let mut seqs: BTreeMap<ConversationId, BTreeSet<Seq>> = BTreeMap::new();
        for place in &self.store {
            seqs.entry(place.conversation).or_default().insert(place.seq);
        }
        for (conversation, seqs) in seqs {
            for (expected, seq) in (1..).map(Seq).zip(seqs) {
                if seq != expected {
                    return Err(Broken::Gap { conversation, seq: expected });
                }
            }
        }
        Ok(())
    }

    fn every_repeat_got_the_same_answer(&self) -> Result<(), Broken> {
        let mut first: BTreeMap<ClientMsgId, Stored> = BTreeMap::new();
        for ack in &self.acks {
            let known = first.entry(ack.id).or_insert(*ack);
            if known != ack {
                return Err(Broken::TwoAnswers(*known, *ack));
            }
        }
        Ok(())
    }

    fn nothing_comes_from_nowhere(&self) -> Result<(), Broken> {
        for place in self.store.iter().chain(self.shown.values().flatten()) {
            let tried = self.attempts.get(&place.id) == Some(&place.conversation);
            if !tried || self.refused.contains(&place.id) {
                return Err(Broken::FromNowhere(*place));
            }
        }
        Ok(())
    }
}

impl Place {
    fn of(entry: &Entry) -> Self {
        let id = match &entry.body {
            Body::Message { id, .. } => *id,
            // Nobody can have sent it, so the check will say that it comes from nowhere.
            Body::Unknown {} => ClientMsgId([0; 16]),
        };
        Self { conversation: entry.conversation, seq: entry.seq, id }
    }
}

#[cfg(test)]
mod tests {
    use thrive_protocol::ids::{Time, UserId};
    use thrive_protocol::text::MessageText;

    use super::*;

    const CHAT: ConversationId = ConversationId(1);

    fn id(number: u8) -> ClientMsgId {
        ClientMsgId([number; 16])
    }

    fn entry(seq: u64, number: u8) -> Entry {
        Entry {
            conversation: CHAT,
            seq: Seq(seq),
            sender: UserId(1),
            time: Time(0),
            body: Body::Message { id: id(number), text: MessageText::parse("x").unwrap() },
        }
    }

    fn ack(seq: u64, number: u8) -> Stored {
        Stored { id: id(number), seq: Seq(seq), time: Time(0) }
    }

    fn place(seq: u64, number: u8) -> Place {
        Place::of(&entry(seq, number))
    }

    /// Three messages of which two were acknowledged, one reader who has them all.
    fn good() -> Ledger {
        let mut ledger = Ledger::default();
        for number in 1..=3 {
            ledger.attempt(CHAT, id(number));
            ledger.stored(&entry(number.into(), number));
            ledger.shown("bob", &entry(number.into(), number));
        }
        ledger.acked(ack(1, 1));
        ledger.acked(ack(3, 3));
        ledger.acked(ack(3, 3));
        ledger
    }

    fn check(spoil: impl FnOnce(&mut Ledger), expected: Result<(), Broken>) {
        let mut ledger = good();
        spoil(&mut ledger);
        assert_eq!(ledger.check(), expected);
    }

    #[test]
    fn a_run_without_fault_keeps_the_contract() {
        check(|_| {}, Ok(()));
    }

    #[test]
    fn every_way_to_break_the_contract_is_found() {
        let bob = || "bob".to_owned();
        check(|it| it.store.truncate(2), Err(Broken::Lost(ack(3, 3))));
        check(|it| it.acked(ack(3, 2)), Err(Broken::Lost(ack(3, 2))));
        check(
            |it| it.shown.get_mut("bob").unwrap().truncate(2),
            Err(Broken::NotShown { reader: bob(), place: place(3, 3) }),
        );
        check(
            |it| it.reader("eve"),
            Err(Broken::NotShown { reader: "eve".into(), place: place(1, 1) }),
        );
        check(
            |it| it.shown("bob", &entry(2, 2)),
            Err(Broken::Twice { reader: Some(bob()), place: place(2, 2) }),
        );
        check(
            |it| {
                it.stored(&entry(4, 3));
                it.shown("bob", &entry(4, 3));
            },
            Err(Broken::Twice { reader: Some(bob()), place: place(4, 3) }),
        );
        check(
            |it| it.shown.get_mut("bob").unwrap().swap(0, 1),
            Err(Broken::OutOfOrder { reader: bob(), place: place(1, 1) }),
        );
        check(
            |it| {
                it.attempt(CHAT, id(5));
                it.stored(&entry(5, 5));
                it.shown("bob", &entry(5, 5));
            },
            Err(Broken::Gap { conversation: CHAT, seq: Seq(4) }),
        );
        check(
            |it| it.acked(Stored { time: Time(9), ..ack(1, 1) }),
            Err(Broken::TwoAnswers(ack(1, 1), Stored { time: Time(9), ..ack(1, 1) })),
        );
        check(|it| it.refused(id(2)), Err(Broken::FromNowhere(place(2, 2))));
        check(
            |it| {
                it.stored(&entry(4, 9));
                it.shown("bob", &entry(4, 9));
            },
            Err(Broken::FromNowhere(place(4, 9))),
        );
    }
}
