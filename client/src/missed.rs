//! What came from others while this device was away: counted while it catches up. Pure.

use std::collections::BTreeMap;

use thrive_protocol::ids::{Seq, UserId};

use crate::types::{Arrival, Message};

/// The places of messages that were read while catching up.
#[derive(Debug, Default)]
pub(crate) struct Missing(BTreeMap<UserId, Vec<Seq>>);

impl Missing {
    /// A message is new to this device.
    pub(crate) fn arrived(&mut self, message: &Message, arrival: Arrival) {
        if let (Arrival::CatchUp, false, Some(seq)) = (arrival, message.mine, message.seq) {
            self.0.entry(message.peer).or_default().push(Seq(seq));
        }
    }

    /// Everything was read: how many of whom were missed. What the person has read on another device
    /// meanwhile (up to `read`) was not.
    pub(crate) fn count(&mut self, read: impl Fn(UserId) -> Seq) -> Vec<(UserId, u32)> {
        let counted = std::mem::take(&mut self.0).into_iter().map(|(peer, places)| {
            let read = read(peer);
            let missed = places.into_iter().filter(|place| read < *place).count();
            (peer, u32::try_from(missed).unwrap_or(u32::MAX))
        });
        counted.filter(|(_, missed)| 0 < *missed).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{MessageKey, MessageState, Username};

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
        assert_eq!(missing.count(read), [(ANN, 3)]);
        assert_eq!(missing.count(read), []);
    }
}
