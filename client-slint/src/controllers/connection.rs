//! When to speak of the connection. A short break is nobody's business: the first two seconds are
//! quiet, and so is the return from them.

use std::time::Duration;

use thrive_client::{Connection, Failure};

use crate::announce::Event;
use crate::words;

#[derive(Debug, Default)]
pub struct Watch {
    been_online: bool,
    lost: Option<Lost>,
}

#[derive(Debug)]
struct Lost {
    since: Duration,
    why: Option<Failure>,
    said: bool,
}

impl Watch {
    /// Hears how things stand; the time is on the clock of whoever calls.
    pub fn hear(&mut self, connection: &Connection, now: Duration) -> Option<Event> {
        match connection {
            Connection::Idle => {
                *self = Self::default();
                None
            }
            Connection::Online => {
                self.been_online = true;
                let lost = self.lost.take();
                lost.filter(|lost| lost.said).map(|_| Event::ConnectionBack)
            }
            Connection::Connecting { last_error, .. } => {
                let lost = self.lost.get_or_insert(Lost { since: now, why: None, said: false });
                if last_error.is_some() {
                    lost.why.clone_from(last_error);
                }
                self.tick(now)
            }
        }
    }

    /// Looks at the clock.
    pub fn tick(&mut self, now: Duration) -> Option<Event> {
        let lost = self.lost.as_mut().filter(|lost| !lost.said)?;
        if now.saturating_sub(lost.since) < QUIET {
            return None;
        }
        lost.said = true;
        let why = lost.why.as_ref().map(words::failure).unwrap_or_default();
        Some(Event::ConnectionLost { why })
    }

    /// Whether the clock may still bring something.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.lost.as_ref().is_some_and(|lost| !lost.said)
    }

    /// Whether it is time to show that there is no connection.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.lost.as_ref().is_some_and(|lost| lost.said)
    }

    /// True once there has been a connection since the log-in.
    #[must_use]
    pub fn been_online(&self) -> bool {
        self.been_online
    }
}

const QUIET: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    fn connecting() -> Connection {
        Connection::Connecting { attempt: 1, since_ms: 0, last_error: None }
    }

    #[test]
    fn a_break_of_a_moment_is_silent() {
        let mut watch = Watch::default();
        let at = Duration::from_millis;
        assert_eq!(watch.hear(&Connection::Online, at(0)), None);
        assert_eq!(watch.hear(&connecting(), at(1_000)), None);
        assert_eq!(watch.tick(at(2_900)), None);
        assert_eq!(watch.hear(&Connection::Online, at(2_950)), None);
    }

    #[test]
    fn a_long_break_is_said_once_and_so_is_its_end() {
        let mut watch = Watch::default();
        let at = Duration::from_millis;
        watch.hear(&connecting(), at(0));
        let lost = Event::ConnectionLost { why: String::new() };
        assert_eq!(watch.tick(at(2_000)), Some(lost));
        assert_eq!(watch.tick(at(9_000)), None);
        assert_eq!(watch.hear(&connecting(), at(9_500)), None);
        assert_eq!(watch.hear(&Connection::Online, at(9_900)), Some(Event::ConnectionBack));
    }
}
