//! Spaces announcements so that a screen reader hears each of them. Screen readers drop what follows
//! too soon, whichever node it comes from; emptying a node counts as well.

use std::collections::VecDeque;
use std::time::Duration;

use super::Speech;

/// What to write into which live region.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Utterance {
    pub region: Region,
    /// Empty: clear the region, so that nothing stale is left to be browsed.
    pub text: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Region {
    PoliteA,
    PoliteB,
    AssertiveA,
    AssertiveB,
}

#[derive(Debug, Default)]
pub struct Queue {
    assertive: VecDeque<String>,
    polite: Vec<Waiting>,
    /// When a region was last changed, on the clock of whoever calls.
    changed: Option<Duration>,
    /// When messages were last spoken.
    messages: Option<Duration>,
    /// The regions that hold text, oldest first, never more than two.
    filled: VecDeque<Region>,
    turn: bool,
}

#[derive(Debug)]
struct Waiting {
    from: Option<String>,
    /// A message that may interrupt is merged like the others, and said like a failure.
    interrupts: bool,
    texts: Vec<String>,
    count: usize,
}

impl Queue {
    /// Takes what is to be said. Of one person only the first few texts are kept, the rest is counted;
    /// of everything else the newest survives.
    pub fn push(&mut self, speech: Speech) {
        if speech.is_urgent() {
            if ASSERTIVE_MAX <= self.assertive.len() {
                self.assertive.pop_front();
            }
            self.assertive.push_back(speech.text);
            return;
        }
        let known = speech.from.is_some();
        match self.polite.iter_mut().find(|waiting| known && waiting.from == speech.from) {
            Some(waiting) => {
                waiting.count += 1;
                if waiting.texts.len() < SPOKEN_MAX {
                    waiting.texts.push(speech.text);
                }
            }
            None => {
                if POLITE_MAX <= self.polite.len() {
                    self.polite.remove(0);
                }
                let Speech { text, from, assertive: interrupts } = speech;
                self.polite.push(Waiting { from, interrupts, texts: vec![text], count: 1 });
            }
        }
    }

    /// Nobody is to hear what waits any more.
    pub fn forget(&mut self) {
        self.assertive.clear();
        self.polite.clear();
    }

    /// What to do at this time, if anything.
    pub fn next(&mut self, now: Duration) -> Option<Utterance> {
        let idle = self.changed.map_or(Duration::MAX, |changed| now.saturating_sub(changed));
        if idle < SPACING {
            return None;
        }
        // Assertive first and alone.
        if let Some(text) = self.assertive.pop_front() {
            return Some(self.say([Region::AssertiveA, Region::AssertiveB], text, now));
        }
        let rested =
            self.messages.is_none_or(|spoken| MESSAGES_EVERY <= now.saturating_sub(spoken));
        let ready: Vec<_> =
            self.polite.extract_if(.., |waiting| rested || waiting.from.is_none()).collect();
        if !ready.is_empty() {
            if ready.iter().any(|waiting| waiting.from.is_some()) {
                self.messages = Some(now);
            }
            let interrupts = ready.iter().any(|waiting| waiting.interrupts);
            let text = ready.into_iter().map(merged).collect::<Vec<_>>().join(" ");
            let pair = if interrupts {
                [Region::AssertiveA, Region::AssertiveB]
            } else {
                [Region::PoliteA, Region::PoliteB]
            };
            return Some(self.say(pair, text, now));
        }
        if CLEARED_AFTER <= idle
            && let Some(region) = self.filled.pop_front()
        {
            self.changed = Some(now);
            return Some(Utterance { region, text: String::new() });
        }
        None
    }

    /// Whether `next` may still have something to do; a timer that finds nothing may stop.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.assertive.is_empty() || !self.polite.is_empty() || !self.filled.is_empty()
    }

    fn say(&mut self, pair: [Region; 2], text: String, now: Duration) -> Utterance {
        self.turn = !self.turn;
        let region = pair[usize::from(self.turn)];
        self.filled.retain(|filled| *filled != region);
        self.filled.push_back(region);
        self.changed = Some(now);
        Utterance { region, text }
    }
}

fn merged(waiting: Waiting) -> String {
    match &waiting.from {
        Some(from) if SPOKEN_MAX < waiting.count => {
            format!("{} new messages from {from}.", waiting.count)
        }
        Some(_) | None => {
            let sentence = |text: String| {
                if text.ends_with(['.', '!', '?']) { text } else { text + "." }
            };
            waiting.texts.into_iter().map(sentence).collect::<Vec<_>>().join(" ")
        }
    }
}

/// Between any two changes of the regions. At 200 ms Orca heard all of twelve, at 120 ms nine.
const SPACING: Duration = Duration::from_millis(300);
/// The first message is spoken at once; what follows it sooner than this is spoken together. Three
/// sentences take longer to hear than 300 ms.
const MESSAGES_EVERY: Duration = Duration::from_millis(1_500);
/// Long enough for a screen reader to have taken the text.
const CLEARED_AFTER: Duration = Duration::from_millis(1_200);
/// More than these of one person are counted and not read.
const SPOKEN_MAX: usize = 3;
/// Failures that wait at the same time; a person can follow no more, so the oldest is dropped.
const ASSERTIVE_MAX: usize = 8;
/// Different things that wait at the same time; the oldest is dropped.
const POLITE_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn speech(text: &str, from: Option<&str>, assertive: bool) -> Speech {
        Speech { text: text.into(), assertive, from: from.map(Into::into) }
    }

    /// Everything that is said from now on, with its time in milliseconds.
    fn heard(queue: &mut Queue, from_ms: u64) -> Vec<(u64, String)> {
        let mut heard = Vec::new();
        for ms in (from_ms..from_ms + 10_000).step_by(50) {
            if let Some(said) = queue.next(Duration::from_millis(ms)) {
                heard.push((ms, said.text));
            }
        }
        heard
    }

    #[test]
    fn fifty_messages_become_two_announcements() {
        let mut queue = Queue::default();
        queue.push(speech("Ann: 1", Some("Ann"), false));
        let first = queue.next(Duration::ZERO).unwrap();
        assert_eq!(first.text, "Ann: 1.");
        for number in 2..=50 {
            queue.push(speech(&format!("Ann: {number}"), Some("Ann"), false));
        }
        let heard = heard(&mut queue, 50);
        let said: Vec<_> = heard.iter().filter(|(_, text)| !text.is_empty()).collect();
        assert_eq!(said, [&(1_500, "49 new messages from Ann.".to_owned())]);
    }

    #[test]
    fn messages_that_interrupt_are_merged_all_the_same() {
        let mut queue = Queue::default();
        for number in 1..=5 {
            queue.push(speech(&format!("Ann: {number}"), Some("Ann"), true));
        }
        let said = queue.next(Duration::ZERO).unwrap();
        assert_eq!(said.text, "5 new messages from Ann.");
        assert!(matches!(said.region, Region::AssertiveA | Region::AssertiveB));
    }

    #[test]
    fn a_few_messages_are_read_and_people_are_not_mixed() {
        let mut queue = Queue::default();
        for (from, text) in [("Ann", "Ann: hi"), ("Bob", "Bob: really?"), ("Ann", "Ann: well")] {
            queue.push(speech(text, Some(from), false));
        }
        assert_eq!(queue.next(Duration::ZERO).unwrap().text, "Ann: hi. Ann: well. Bob: really?");
    }

    #[test]
    fn an_answer_does_not_wait_behind_messages() {
        let mut queue = Queue::default();
        for (from, text) in [(Some("Ann"), "Ann: hi"), (Some("Ann"), "Ann: well"), (None, "Saved")]
        {
            queue.push(speech(text, from, false));
            if text == "Ann: hi" {
                assert!(queue.next(Duration::ZERO).is_some());
            }
        }
        let heard = heard(&mut queue, 50);
        let said: Vec<_> = heard.iter().map(|(at, text)| (*at, text.as_str())).take(2).collect();
        assert_eq!(said, [(300, "Saved."), (1_500, "Ann: well.")]);
    }

    #[test]
    fn what_is_urgent_comes_first_and_alone() {
        let mut queue = Queue::default();
        queue.push(speech("Ann: hi", Some("Ann"), false));
        queue.push(speech("The connection is lost.", None, true));
        let heard = heard(&mut queue, 0);
        let said: Vec<_> = heard.iter().map(|(at, text)| (*at, text.as_str())).take(2).collect();
        assert_eq!(said, [(0, "The connection is lost."), (300, "Ann: hi.")]);
    }

    #[test]
    fn nothing_ever_follows_sooner_than_a_screen_reader_can_hear() {
        let mut queue = Queue::default();
        let mut last: Option<u64> = None;
        for ms in (0..20_000).step_by(10) {
            if ms % 70 == 0 && ms < 9_000 {
                queue.push(speech("Something happened", None, ms % 140 == 0));
            }
            if queue.next(Duration::from_millis(ms)).is_some() {
                assert!(last.is_none_or(|last| 300 <= ms - last), "{last:?} {ms}");
                last = Some(ms);
            }
        }
        assert!(!queue.is_busy());
    }

    #[test]
    fn the_same_words_twice_use_another_region_and_end_cleared() {
        let mut queue = Queue::default();
        let mut regions = Vec::new();
        for ms in [0, 300] {
            queue.push(speech("Saved.", None, false));
            regions.push(queue.next(Duration::from_millis(ms)).unwrap().region);
        }
        assert_ne!(regions[0], regions[1]);
        let texts: Vec<_> = heard(&mut queue, 350).into_iter().map(|(_, text)| text).collect();
        assert_eq!(texts, ["", ""]);
    }
}
