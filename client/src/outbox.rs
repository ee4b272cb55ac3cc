//! Which waiting messages to send now. Pure; the rows themselves are on the disk.
//!
//! A message is repeated with the same id until the node says that it is stored, or refuses it for
//! good. The order within a conversation is kept: rows go out by key, and after a "not now" one by
//! one, because those behind it could overtake.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use thrive_protocol::file::FileHash;
use thrive_protocol::ids::{ClientMsgId, UserId};

use crate::types::MessageKey;

/// Messages in flight for one conversation: enough to fill a long path.
const WINDOW: usize = 8;
/// Messages in flight altogether: what a node should have to hold of one connection.
const IN_FLIGHT: usize = 64;
/// What may wait altogether; more is refused before it is written.
pub(crate) const WAITING: usize = 10_000;

/// One waiting message.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Row {
    pub key: MessageKey,
    pub peer: UserId,
    pub id: ClientMsgId,
    pub text: Text,
    /// The file that it offers, if it does.
    pub offer: Option<Offer>,
}

/// A file of mine that is to be offered, or was.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Offer {
    pub name: String,
    pub size: u64,
    pub content_type: String,
    pub sha256: FileHash,
}

/// A message text that does not print.
#[derive(Clone, Eq, PartialEq)]
pub struct Text(pub String);

impl std::fmt::Debug for Text {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Text({} bytes)", self.0.len())
    }
}

#[derive(Debug, Default)]
pub struct Outbox {
    rows: BTreeMap<MessageKey, Waiting>,
    paces: BTreeMap<UserId, Pace>,
}

#[derive(Debug)]
struct Waiting {
    row: Row,
    in_flight: bool,
}

/// A conversation that was told "not now". Until nothing waits for it any more, its messages go one by
/// one: of several in flight, one could be refused and the next one accepted.
#[derive(Debug)]
struct Pace {
    not_before: Instant,
}

impl Outbox {
    pub fn add(&mut self, row: Row) {
        self.rows.insert(row.key, Waiting { row, in_flight: false });
    }

    /// Takes over what the disk says: exactly these wait. Returns those that do not any more.
    pub fn replace(&mut self, rows: Vec<Row>) -> Vec<MessageKey> {
        let mut before = std::mem::take(&mut self.rows);
        for row in rows {
            let in_flight = before.remove(&row.key).is_some_and(|waiting| waiting.in_flight);
            self.rows.insert(row.key, Waiting { row, in_flight });
        }
        let rows = &self.rows;
        self.paces.retain(|peer, _| rows.values().any(|waiting| waiting.row.peer == *peer));
        before.into_keys().collect()
    }

    pub fn peer_of(&self, key: MessageKey) -> Option<UserId> {
        self.rows.get(&key).map(|waiting| waiting.row.peer)
    }

    /// What waits under this key.
    pub fn row(&self, key: MessageKey) -> Option<&Row> {
        self.rows.get(&key).map(|waiting| &waiting.row)
    }

    #[cfg(test)]
    pub fn id_of(&self, key: MessageKey) -> Option<ClientMsgId> {
        self.rows.get(&key).map(|waiting| waiting.row.id)
    }

    pub fn is_held(&self, peer: UserId, now: Instant) -> bool {
        self.paces.get(&peer).is_some_and(|pace| now < pace.not_before)
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The next messages to send, which are in flight from now on. `open`: whether the conversation
    /// with somebody is known, so that something can be sent there.
    pub fn take_due(&mut self, now: Instant, open: impl Fn(UserId) -> bool) -> Vec<Row> {
        let mut flying = self.rows.values().filter(|waiting| waiting.in_flight).count();
        let mut by_peer: BTreeMap<UserId, usize> = BTreeMap::new();
        for waiting in self.rows.values().filter(|waiting| waiting.in_flight) {
            *by_peer.entry(waiting.row.peer).or_default() += 1;
        }
        let mut due = Vec::new();
        for waiting in self.rows.values_mut().filter(|waiting| !waiting.in_flight) {
            if IN_FLIGHT <= flying {
                break;
            }
            let peer = waiting.row.peer;
            let (held, window) = match self.paces.get(&peer) {
                Some(pace) if now < pace.not_before => (true, 0),
                Some(_) => (false, 1),
                None => (false, WINDOW),
            };
            let in_chat = by_peer.entry(peer).or_default();
            if held || window <= *in_chat || !open(peer) {
                // Nothing behind it may overtake it.
                *in_chat = usize::MAX / 2;
                continue;
            }
            *in_chat += 1;
            flying += 1;
            waiting.in_flight = true;
            due.push(waiting.row.clone());
        }
        due
    }

    /// The people to whom something waits.
    pub fn peers(&self) -> Vec<UserId> {
        let mut peers: Vec<_> = self.rows.values().map(|waiting| waiting.row.peer).collect();
        peers.sort_unstable();
        peers.dedup();
        peers
    }

    pub fn in_flight_to(&self, peer: UserId) -> bool {
        self.rows.values().any(|waiting| waiting.in_flight && waiting.row.peer == peer)
    }

    /// A definite answer, or the entry itself, was seen.
    pub fn settled(&mut self, key: MessageKey) {
        let Some(Waiting { row, .. }) = self.rows.remove(&key) else { return };
        if self.paces.contains_key(&row.peer)
            && self.rows.values().all(|waiting| waiting.row.peer != row.peer)
        {
            self.paces.remove(&row.peer);
        }
    }

    /// Refuses everything that waits for one person: what the keys were.
    pub fn give_up(&mut self, peer: UserId) -> Vec<MessageKey> {
        self.paces.remove(&peer);
        let keys: Vec<_> =
            self.rows.values().filter(|w| w.row.peer == peer).map(|w| w.row.key).collect();
        for key in &keys {
            self.rows.remove(key);
        }
        keys
    }

    /// The node said "not now": this one and those behind it wait.
    pub fn later(&mut self, key: MessageKey, now: Instant, wait: Duration) {
        let Some(waiting) = self.rows.get_mut(&key) else { return };
        waiting.in_flight = false;
        self.paces.insert(waiting.row.peer, Pace { not_before: now + wait });
    }

    /// Holds one person's messages, none of which is in flight.
    pub fn hold(&mut self, peer: UserId, now: Instant, wait: Duration) {
        self.paces.insert(peer, Pace { not_before: now + wait });
    }

    /// The connection is gone, and with it the answers: all of them go out again, with the same ids.
    pub fn interrupted(&mut self) {
        for waiting in self.rows.values_mut() {
            waiting.in_flight = false;
        }
    }

    /// When a hold ends.
    pub fn next_due(&self, now: Instant) -> Option<Instant> {
        let idle = |peer| self.rows.values().any(|w| w.row.peer == peer && !w.in_flight);
        let holds = self.paces.iter().filter(|(peer, pace)| now < pace.not_before && idle(**peer));
        holds.map(|(_, pace)| pace.not_before).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: UserId = UserId(1);
    const BOB: UserId = UserId(2);

    fn row(key: i64, peer: UserId) -> Row {
        let id = ClientMsgId([key as u8; 16]);
        Row { key: MessageKey(key), peer, id, text: Text("hi".into()), offer: None }
    }

    fn with(rows: impl IntoIterator<Item = (i64, UserId)>) -> Outbox {
        let mut outbox = Outbox::default();
        for (key, peer) in rows {
            outbox.add(row(key, peer));
        }
        outbox
    }

    fn keys(rows: Vec<Row>) -> Vec<i64> {
        rows.into_iter().map(|row| row.key.0).collect()
    }

    #[test]
    fn a_message_is_in_flight_once_and_again_only_after_an_interruption() {
        let now = Instant::now();
        let mut outbox = with([(1, ANN), (2, ANN)]);
        assert_eq!(keys(outbox.take_due(now, |_| true)), [1, 2]);
        assert!(outbox.take_due(now, |_| true).is_empty());
        outbox.settled(MessageKey(1));
        outbox.interrupted();
        assert_eq!(keys(outbox.take_due(now, |_| true)), [2]);
    }

    #[test]
    fn one_conversation_does_not_fill_the_connection() {
        let now = Instant::now();
        let mut outbox = with((0..20).map(|key| (key, ANN)).chain([(50, BOB)]));
        let due = keys(outbox.take_due(now, |_| true));
        assert_eq!(due.len(), WINDOW + 1);
        assert!(due.contains(&50));
    }

    #[test]
    fn after_not_now_nothing_overtakes_and_messages_go_one_by_one() {
        let now = Instant::now();
        let mut outbox = with([(1, ANN), (2, ANN), (3, ANN), (4, BOB)]);
        outbox.take_due(now, |_| true);
        outbox.interrupted();
        outbox.later(MessageKey(1), now, Duration::from_secs(1));
        assert_eq!(keys(outbox.take_due(now, |_| true)), [4]);
        assert_eq!(outbox.next_due(now), Some(now + Duration::from_secs(1)));
        let later = now + Duration::from_secs(1);
        assert_eq!(keys(outbox.take_due(later, |_| true)), [1]);
        outbox.settled(MessageKey(1));
        assert_eq!(keys(outbox.take_due(later, |_| true)), [2]);
        outbox.settled(MessageKey(2));
        assert_eq!(keys(outbox.take_due(later, |_| true)), [3]);
        outbox.settled(MessageKey(3));
        for key in 10..13 {
            outbox.add(row(key, ANN));
        }
        assert_eq!(keys(outbox.take_due(later, |_| true)), [10, 11, 12]);
    }

    #[test]
    fn what_the_disk_does_not_know_any_more_goes_and_the_rest_stays_in_flight() {
        let now = Instant::now();
        let mut outbox = with([(1, ANN), (2, BOB)]);
        outbox.take_due(now, |_| true);
        assert_eq!(outbox.replace(vec![row(2, BOB), row(3, BOB)]), [MessageKey(1)]);
        assert_eq!(keys(outbox.take_due(now, |_| true)), [3]);
    }

    #[test]
    fn what_has_no_conversation_yet_waits() {
        let now = Instant::now();
        let mut outbox = with([(1, ANN), (2, BOB)]);
        assert_eq!(keys(outbox.take_due(now, |peer| peer == BOB)), [2]);
        assert_eq!(outbox.peers(), [ANN, BOB]);
        assert_eq!(outbox.give_up(ANN), [MessageKey(1)]);
    }
}
