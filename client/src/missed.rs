//! What came from others while this device was away: counted while it catches up. Pure.

use std::collections::BTreeMap;

use thrive_protocol::ids::{Seq, UserId};

use crate::types::{Arrival, Message};

/// The places of messages that were read while catching up, and which of them offer a file.
#[derive(Debug, Default)]
pub(crate) struct Missing(BTreeMap<UserId, Vec<(Seq, bool)>>);

/// What was missed of one person.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Count {
    /// Those that offer a file are not among them.
    pub(crate) messages: u32,
    pub(crate) files: u32,
    /// The place of the last of them.
    pub(crate) last: Seq,
}

impl Missing {
    /// A message is new to this device.
    pub(crate) fn arrived(&mut self, message: &Message, arrival: Arrival) {
        if let (Arrival::CatchUp, false, Some(seq)) = (arrival, message.mine, message.seq) {
            self.0.entry(message.peer).or_default().push((Seq(seq), message.file.is_some()));
        }
    }

    /// Everything was read: how many of whom were missed. What the person has read on another device
    /// meanwhile (up to `read`) was not.
    pub(crate) fn count(&mut self, read: impl Fn(UserId) -> Seq) -> Vec<(UserId, Count)> {
        let counted = std::mem::take(&mut self.0).into_iter().map(|(peer, places)| {
            let read = read(peer);
            let mut count = Count::default();
            for (place, is_file) in places.into_iter().filter(|(place, _)| read < *place) {
                count.last = count.last.max(place);
                let number = if is_file { &mut count.files } else { &mut count.messages };
                *number = number.saturating_add(1);
            }
            (peer, count)
        });
        counted.filter(|(_, count)| *count != Count::default()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{File, FileId, FileState, MessageKey, MessageState, Username};

    const ANN: UserId = UserId(1);
    const BOB: UserId = UserId(2);

    fn message(peer: UserId, seq: u64, mine: bool) -> Message {
        Message {
            key: MessageKey(7),
            peer,
            seq: Some(seq),
            mine,
            sender: Username::parse("somebody").unwrap(),
            time_ms: 0,
            text: "Hello".to_owned(),
            state: MessageState::Stored,
            file: None,
        }
    }

    #[test]
    fn what_others_wrote_is_counted_once_and_only_what_nobody_has_read_yet() {
        let mut missing = Missing::default();
        for seq in 1..=5 {
            missing.arrived(&message(ANN, seq, false), Arrival::CatchUp);
        }
        missing.arrived(&message(ANN, 6, true), Arrival::CatchUp);
        missing.arrived(&message(ANN, 7, false), Arrival::Live);
        missing.arrived(&message(BOB, 1, false), Arrival::CatchUp);
        let read = |peer| if peer == ANN { Seq(2) } else { Seq(1) };
        assert_eq!(missing.count(read), [(ANN, Count { messages: 3, files: 0, last: Seq(5) })]);
        assert_eq!(missing.count(read), []);
    }

    #[test]
    fn files_are_counted_for_themselves() {
        let mut missing = Missing::default();
        missing.arrived(&message(ANN, 1, false), Arrival::CatchUp);
        for (seq, id) in [(2, 2), (3, 3)] {
            let offer = Message { file: Some(file(id)), ..message(ANN, seq, false) };
            missing.arrived(&offer, Arrival::CatchUp);
        }
        let read = |_| Seq(2);
        assert_eq!(missing.count(read), [(ANN, Count { messages: 0, files: 1, last: Seq(3) })]);
    }

    fn file(id: i64) -> File {
        File {
            message: MessageKey(7),
            id: Some(FileId(id)),
            peer: ANN,
            peer_name: Username::parse("somebody").unwrap(),
            mine: false,
            time_ms: 0,
            name: "a.txt".to_owned(),
            size: 5,
            content_type: "text/plain".to_owned(),
            expires_ms: None,
            state: FileState::Offered,
            done: 0,
            wanted: false,
            saved: None,
            failed: None,
            limit: None,
            left: None,
        }
    }
}
