//! Everything that simulated clients saw, with the time of one monotonic clock, in one list.
//!
//! The list is only added to. Beside it a small tally tells at any time whether everything has come to
//! rest, so that nobody has to read the list while it grows.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use parking_lot::Mutex;
use thrive_protocol::ids::{ClientMsgId, ConversationId, Seq, Time};

/// A message as the crowd names it; it stands in the text, so that every reader knows it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Tag {
    pub device: u32,
    pub count: u32,
}

/// One thing that happened on one device.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Since the journal was begun.
    pub at: Duration,
    pub device: u32,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A person pressed enter. `after`: what they had written, and seen, last in this chat.
    Attempt { conversation: ConversationId, tag: Tag, after: Vec<Tag> },
    /// The client shows it as sent.
    Stored { tag: Tag, seq: Seq, time: Time },
    /// The client shows it as refused.
    Refused { tag: Tag, code: String },
    /// The client shows a message of somebody, or of another device.
    Shown { conversation: ConversationId, seq: Seq, tag: Tag, live: bool },
    /// The client shows a person as there, or not.
    Sees { person: u32, online: bool },
    /// Connected, and everything that was missed has been read.
    Up,
    /// No connection any more.
    Down { why: String },
    /// The person has gone, for good and on purpose. What they would have seen does not count.
    Left,
}

/// A cheap handle to one list.
#[derive(Clone)]
pub struct Journal {
    begun: Instant,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    records: Vec<Record>,
    tally: Tally,
}

#[derive(Default)]
struct Tally {
    /// Messages without a definite answer.
    open: HashMap<Tag, u32>,
    /// The highest place that anybody knows of.
    heads: HashMap<ConversationId, Seq>,
    held: HashMap<(u32, ConversationId), Seq>,
    devices: BTreeMap<u32, bool>,
    sees: HashMap<(u32, u32), bool>,
}

/// A device, the chats it should hold and the people it should see.
#[derive(Clone, Debug)]
pub struct Follower {
    pub device: u32,
    pub person: u32,
    pub conversations: Vec<ConversationId>,
    pub watches: Vec<u32>,
}

impl Default for Journal {
    fn default() -> Self {
        Self { begun: Instant::now(), state: Arc::default() }
    }
}

impl Journal {
    /// Now, by the clock of the journal.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    pub fn write(&self, device: u32, what: What) {
        let mut state = self.state.lock();
        // Taken under the lock, so that the list is in the order of its times.
        let at = self.begun.elapsed();
        state.tally.count(device, &what);
        state.records.push(Record { at, device, what });
    }

    /// A copy of the list as it is now.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.state.lock().records.clone()
    }

    /// When somebody heard "sent" for the first time from a moment on.
    #[must_use]
    pub fn answer_since(&self, from: Duration) -> Option<Duration> {
        let state = self.state.lock();
        let start = state.records.partition_point(|it| it.at < from);
        let answer = |it: &&Record| matches!(it.what, What::Stored { .. });
        state.records[start..].iter().find(answer).map(|it| it.at)
    }

    /// Messages that have no definite answer yet.
    #[must_use]
    pub fn unknown(&self) -> usize {
        let state = self.state.lock();
        state.tally.open.values().filter(|device| state.tally.is_here(**device)).count()
    }

    /// Devices that are not connected, of those that have not left for good.
    #[must_use]
    pub fn away(&self) -> usize {
        self.state.lock().tally.devices.values().filter(|up| !**up).count()
    }

    /// `None`: every message has an answer, everybody is connected and holds everything that anybody
    /// knows of. Else what is missing.
    #[must_use]
    pub fn unrest(&self, followers: &[Follower]) -> Option<String> {
        let state = self.state.lock();
        let tally = &state.tally;
        let here = || followers.iter().filter(|it| tally.is_here(it.device));
        let away = here().filter(|it| tally.devices.get(&it.device) != Some(&true)).count();
        let open = tally.open.values().filter(|device| tally.is_here(**device)).count();
        let behind: u64 = here()
            .flat_map(|it| it.conversations.iter().map(|chat| (it.device, *chat)))
            .map(|key| {
                let held = tally.held.get(&key).copied().unwrap_or_default().0;
                tally.heads.get(&key.1).copied().unwrap_or_default().0.saturating_sub(held)
            })
            .sum();
        (0 < away + open || 0 < behind).then(|| {
            format!("{away} are not connected, {open} have no answer, {behind} are not shown")
        })
    }

    /// How many pairs of people are shown wrongly at this moment.
    #[must_use]
    pub fn wrong_presences(&self, followers: &[Follower]) -> usize {
        let state = self.state.lock();
        let tally = &state.tally;
        let mut there: BTreeMap<u32, bool> = BTreeMap::new();
        for follower in followers {
            let up = tally.devices.get(&follower.device) == Some(&true);
            *there.entry(follower.person).or_default() |= up;
        }
        let here = followers.iter().filter(|it| tally.is_here(it.device));
        here.flat_map(|it| it.watches.iter().map(|person| (it.device, *person)))
            .filter(|key| {
                let shown = tally.sees.get(key).copied().unwrap_or_default();
                there.get(&key.1).is_some_and(|online| *online != shown)
            })
            .count()
    }

    /// Writes the list down, one line of JSON for each record.
    ///
    /// # Errors
    /// The file says no.
    pub fn save(&self, file: &mut impl Write) -> Result<()> {
        for Record { at, device, what } in &self.state.lock().records {
            let millis = at.as_secs_f64() * 1_000.0;
            let line = serde_json::json!({
                "ms": (millis * 1_000.0).round() / 1_000.0,
                "device": device,
                "what": format!("{what:?}"),
            });
            writeln!(file, "{line}")?;
        }
        Ok(())
    }
}

impl Tally {
    /// Whether what this device has counts: it has not left for good.
    fn is_here(&self, device: u32) -> bool {
        self.devices.contains_key(&device)
    }

    fn count(&mut self, device: u32, what: &What) {
        match what {
            What::Attempt { tag, .. } => drop(self.open.insert(*tag, device)),
            What::Stored { tag, .. } | What::Refused { tag, .. } => drop(self.open.remove(tag)),
            What::Shown { conversation, seq, .. } => {
                let head = self.heads.entry(*conversation).or_default();
                *head = (*head).max(*seq);
                let held = self.held.entry((device, *conversation)).or_default();
                *held = (*held).max(*seq);
            }
            What::Sees { person, online } => drop(self.sees.insert((device, *person), *online)),
            What::Up => drop(self.devices.insert(device, true)),
            What::Down { .. } => drop(self.devices.insert(device, false)),
            What::Left => drop(self.devices.remove(&device)),
        }
    }
}

impl Tag {
    /// As the ledger names messages.
    #[must_use]
    pub fn id(self) -> ClientMsgId {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&self.device.to_be_bytes());
        id[4..8].copy_from_slice(&self.count.to_be_bytes());
        // So that it is no id of a message that nobody sent.
        id[15] = 1;
        ClientMsgId(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: ConversationId = ConversationId(7);

    fn follower(device: u32, watches: u32) -> Follower {
        Follower { device, person: device, conversations: vec![CHAT], watches: vec![watches] }
    }

    fn tag(count: u32) -> Tag {
        Tag { device: 1, count }
    }

    #[test]
    fn there_is_no_rest_until_everybody_is_back_and_holds_everything() {
        let journal = Journal::default();
        let people = [follower(1, 2), follower(2, 1)];
        let shown = |device, seq| {
            let what = What::Shown { conversation: CHAT, seq: Seq(seq), tag: tag(1), live: true };
            journal.write(device, what);
        };
        let unrest = |expected: Option<&str>| {
            assert_eq!(journal.unrest(&people).as_deref(), expected);
        };
        journal.write(1, What::Up);
        journal.write(2, What::Up);
        unrest(None);
        journal.write(1, What::Attempt { conversation: CHAT, tag: tag(1), after: vec![] });
        unrest(Some("0 are not connected, 1 have no answer, 0 are not shown"));
        journal.write(1, What::Stored { tag: tag(1), seq: Seq(1), time: Time(0) });
        shown(1, 1);
        unrest(Some("0 are not connected, 0 have no answer, 1 are not shown"));
        journal.write(2, What::Down { why: "the node died".to_owned() });
        unrest(Some("1 are not connected, 0 have no answer, 1 are not shown"));
        journal.write(2, What::Up);
        shown(2, 1);
        unrest(None);
        shown(1, 2);
        unrest(Some("0 are not connected, 0 have no answer, 1 are not shown"));
        journal.write(2, What::Left);
        unrest(None);
    }

    #[test]
    fn a_person_who_is_shown_wrongly_is_counted() {
        let journal = Journal::default();
        let people = [follower(1, 2), follower(2, 1)];
        journal.write(1, What::Up);
        assert_eq!(journal.wrong_presences(&people), 0, "nobody else is there, or says so");
        journal.write(2, What::Up);
        assert_eq!(journal.wrong_presences(&people), 2, "nobody has seen the other one yet");
        journal.write(1, What::Sees { person: 2, online: true });
        journal.write(2, What::Sees { person: 1, online: true });
        assert_eq!(journal.wrong_presences(&people), 0);
        journal.write(2, What::Left);
        assert_eq!(journal.wrong_presences(&people), 1, "a ghost");
    }

    #[test]
    fn a_saved_journal_has_a_line_for_each_record() {
        let journal = Journal::default();
        journal.write(1, What::Up);
        journal.write(1, What::Left);
        let mut file = Vec::new();
        journal.save(&mut file).unwrap();
        let text = String::from_utf8(file).unwrap();
        assert_eq!(text.lines().count(), 2);
        assert!(text.contains("Left"), "{text}");
    }
}
