//! What the clock says of a run: how long sending, delivering and coming back took. Pure.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use super::journal::{Record, Tag, What};

/// How times are spread.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spread {
    pub count: usize,
    pub p50: Duration,
    pub p99: Duration,
    pub max: Duration,
}

/// A part of a run, by the clock of its journal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    pub from: Duration,
    pub until: Duration,
}

impl Spread {
    #[must_use]
    pub fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        let at = |share: f64| {
            let rank = (times.len() as f64 * share).ceil() as usize;
            times.get(rank.saturating_sub(1)).copied().unwrap_or_default()
        };
        Self { count: times.len(), p50: at(0.5), p99: at(0.99), max: at(1.0) }
    }
}

impl Window {
    #[must_use]
    pub fn has(&self, at: Duration) -> bool {
        (self.from..self.until).contains(&at)
    }
}

/// From the press of enter until the sender's client says "sent", of messages written in the window.
#[must_use]
pub fn sends(records: &[Record], window: Window) -> Spread {
    let written = written(records, window);
    let times = records.iter().filter_map(|record| match &record.what {
        What::Stored { tag, .. } => Some(record.at.saturating_sub(*written.get(tag)?)),
        _ => None,
    });
    Spread::of(times.collect())
}

/// For each device on which somebody waited long for "sent", of messages written in the window: the
/// longest wait. Shorter ones than `least` are not counted: there the fault was not felt.
#[must_use]
pub fn stalls(records: &[Record], window: Window, least: Duration) -> Spread {
    let written = written(records, window);
    let mut longest: BTreeMap<u32, Duration> = BTreeMap::new();
    for record in records {
        if let What::Stored { tag, .. } = &record.what
            && let Some(at) = written.get(tag)
        {
            let wait = longest.entry(record.device).or_default();
            *wait = (*wait).max(record.at.saturating_sub(*at));
        }
    }
    Spread::of(longest.into_values().filter(|wait| least <= *wait).collect())
}

/// From the press of enter until somebody else's client shows it, of messages written in the window.
#[must_use]
pub fn deliveries(records: &[Record], window: Window) -> Spread {
    let written = written(records, window);
    Spread::of(shown_since(records, &written))
}

/// I9: from "sent" until somebody else's client shows it, of messages that were confirmed in the window.
/// One that is shown before the sender heard counts as nothing.
#[must_use]
pub fn staleness(records: &[Record], window: Window) -> Spread {
    let confirmed = records.iter().filter_map(|record| match &record.what {
        What::Stored { tag, .. } if window.has(record.at) => Some((*tag, record.at)),
        _ => None,
    });
    Spread::of(shown_since(records, &confirmed.collect()))
}

/// How long each device that lost its connection in the window was without one.
#[must_use]
pub fn gaps(records: &[Record], window: Window) -> Spread {
    let gaps = absences(records).into_iter().filter(|(_, gap)| window.has(gap.from));
    Spread::of(gaps.map(|(_, gap)| gap.until - gap.from).collect())
}

/// From a fault until each device that lost its connection in the window is connected again.
#[must_use]
pub fn returns(records: &[Record], fault: Duration, window: Window) -> Spread {
    let gaps = absences(records).into_iter().filter(|(_, gap)| window.has(gap.from));
    Spread::of(gaps.map(|(_, gap)| gap.until.saturating_sub(fault)).collect())
}

/// From a fault until each device notices, in the window, that it has no connection any more.
#[must_use]
pub fn noticed(records: &[Record], fault: Duration, window: Window) -> Spread {
    let mut first: BTreeMap<u32, Duration> = BTreeMap::new();
    for record in records.iter().filter(|it| matches!(it.what, What::Down { .. })) {
        if window.has(record.at) {
            first.entry(record.device).or_insert(record.at);
        }
    }
    Spread::of(first.into_values().map(|at| at.saturating_sub(fault)).collect())
}

/// From a fault until each device that lost its connection in the window hears "sent" again.
#[must_use]
pub fn first_answers(records: &[Record], fault: Duration, window: Window) -> Spread {
    let mut lost: BTreeMap<u32, Duration> = BTreeMap::new();
    for (device, gap) in absences(records).into_iter().filter(|(_, gap)| window.has(gap.from)) {
        let back = lost.entry(device).or_insert(gap.until);
        *back = (*back).min(gap.until);
    }
    let mut times = Vec::new();
    for record in records {
        if matches!(record.what, What::Stored { .. })
            && lost.get(&record.device).is_some_and(|back| *back <= record.at)
        {
            lost.remove(&record.device);
            times.push(record.at.saturating_sub(fault));
        }
    }
    Spread::of(times)
}

/// Connections that were lost in the window.
#[must_use]
pub fn losses(records: &[Record], window: Window) -> usize {
    let lost = records.iter().filter(|it| matches!(it.what, What::Down { .. }));
    lost.filter(|it| window.has(it.at)).count()
}

fn written(records: &[Record], window: Window) -> HashMap<Tag, Duration> {
    let attempts = records.iter().filter_map(|record| match &record.what {
        What::Attempt { tag, .. } if window.has(record.at) => Some((*tag, record.at)),
        _ => None,
    });
    attempts.collect()
}

fn shown_since(records: &[Record], since: &HashMap<Tag, Duration>) -> Vec<Duration> {
    let shown = records.iter().filter_map(|record| match &record.what {
        What::Shown { tag, .. } if tag.device != record.device => {
            Some(record.at.saturating_sub(*since.get(tag)?))
        }
        _ => None,
    });
    shown.collect()
}

/// Each time that a device was not connected and came back.
fn absences(records: &[Record]) -> Vec<(u32, Window)> {
    let mut down: BTreeMap<u32, Duration> = BTreeMap::new();
    let mut absences = Vec::new();
    for record in records {
        match record.what {
            What::Down { .. } => drop(down.entry(record.device).or_insert(record.at)),
            What::Up => {
                if let Some(from) = down.remove(&record.device) {
                    absences.push((record.device, Window { from, until: record.at }));
                }
            }
            What::Left => drop(down.remove(&record.device)),
            _ => {}
        }
    }
    absences
}

#[cfg(test)]
mod tests {
    use thrive_protocol::ids::{ConversationId, Seq, Time};

    use super::*;

    const CHAT: ConversationId = ConversationId(7);
    const ALL: Window = Window { from: Duration::ZERO, until: Duration::MAX };

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn record(at: u64, device: u32, what: What) -> Record {
        Record { at: ms(at), device, what }
    }

    fn tag(count: u32) -> Tag {
        Tag { device: 1, count }
    }

    fn message(count: u32, written: u64, stored: u64, shown: u64) -> [Record; 4] {
        let (tag, seq) = (tag(count), Seq(count.into()));
        let shown_by = |device, at| {
            record(at, device, What::Shown { conversation: CHAT, seq, tag, live: true })
        };
        [
            record(written, 1, What::Attempt { conversation: CHAT, tag, after: vec![] }),
            record(stored, 1, What::Stored { tag, seq, time: Time(0) }),
            shown_by(1, stored),
            shown_by(2, shown),
        ]
    }

    fn down() -> What {
        What::Down { why: String::new() }
    }

    #[test]
    fn the_ninety_ninth_of_a_hundred_is_the_p99() {
        let spread = Spread::of((1..=100).rev().map(ms).collect());
        assert_eq!(spread, Spread { count: 100, p50: ms(50), p99: ms(99), max: ms(100) });
        assert_eq!(
            Spread::of(vec![ms(7)]),
            Spread { count: 1, p50: ms(7), p99: ms(7), max: ms(7) }
        );
        assert_eq!(Spread::of(vec![]).count, 0);
    }

    #[test]
    fn a_delay_is_counted_where_the_message_was_written_and_not_at_its_own_device() {
        let records = [message(1, 0, 10, 30), message(2, 100, 105, 104)].concat();
        assert_eq!((sends(&records, ALL).p50, sends(&records, ALL).max), (ms(5), ms(10)));
        assert_eq!(
            (stalls(&records, ALL, ms(0)).count, stalls(&records, ALL, ms(0)).max),
            (1, ms(10))
        );
        assert_eq!(stalls(&records, ALL, ms(11)).count, 0);
        assert_eq!(deliveries(&records, ALL).count, 2);
        assert_eq!(deliveries(&records, ALL).max, ms(30));
        let late = Window { from: ms(50), until: ms(200) };
        assert_eq!((deliveries(&records, late).count, deliveries(&records, late).max), (1, ms(4)));
        assert_eq!((staleness(&records, ALL).p50, staleness(&records, ALL).max), (ms(0), ms(20)));
    }

    #[test]
    fn a_device_that_was_cut_off_is_measured_from_the_fault_to_its_return() {
        let mut records = vec![
            record(0, 1, What::Up),
            record(100, 1, down()),
            record(150, 1, down()),
            record(300, 1, What::Up),
            record(350, 2, down()),
        ];
        records.extend(message(1, 310, 320, 330));
        assert_eq!((gaps(&records, ALL).count, gaps(&records, ALL).max), (1, ms(200)));
        assert_eq!(returns(&records, ms(90), ALL).max, ms(210));
        assert_eq!(first_answers(&records, ms(90), ALL).max, ms(230));
        assert_eq!(noticed(&records, ms(90), ALL).max, ms(260));
        assert_eq!(losses(&records, ALL), 3);
        assert_eq!(losses(&records, Window { from: ms(200), until: ms(351) }), 1);
    }
}
