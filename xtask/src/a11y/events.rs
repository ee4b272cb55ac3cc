//! What happens on the accessibility bus while we listen.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use super::desk::Desk;
use crate::children::Child;
use crate::deadline;

/// One thing that a screen reader is told.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Event {
    /// For example `object:state-changed:focused`.
    pub(super) kind: String,
    pub(super) role: String,
    pub(super) name: String,
    /// Depends on the kind; for an announcement how urgent it is.
    pub(super) detail: i64,
    /// The words of an announcement.
    pub(super) said: String,
}

/// How urgent an announcement is that interrupts what is being spoken.
const ASSERTIVE: i64 = 2;

impl Event {
    fn read(line: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(line).ok()?;
        let text = |field: &str| value[field].as_str().unwrap_or_default().to_owned();
        value.is_object().then(|| Self {
            kind: text("kind"),
            role: text("role"),
            name: text("name"),
            detail: value["detail"].as_i64().unwrap_or(0),
            said: text("said"),
        })
    }

    /// The keys go elsewhere, or the user is taken elsewhere in what is being written.
    pub(super) fn moves_somebody(&self) -> bool {
        let gained = self.detail == 1 && self.kind == "object:state-changed:focused";
        gained
            || self.kind.starts_with("window:activate")
            || self.kind.starts_with("object:text-caret-moved")
            || self.kind.starts_with("object:text-selection-changed")
    }

    /// Words that are spoken. A live region that is emptied says nothing.
    pub(super) fn is_heard(&self) -> bool {
        self.kind.starts_with("object:announcement") && !self.said.trim().is_empty()
    }

    pub(super) fn is_assertive(&self) -> bool {
        self.is_heard() && self.detail == ASSERTIVE
    }
}

/// Somebody who listens and takes notes.
pub(super) struct Listener {
    _process: Child,
    notes: PathBuf,
}

impl Listener {
    /// Begins to listen; nothing that happens after this is missed.
    pub(super) fn start(desk: &Desk) -> Result<Self> {
        let notes = desk.logs.join("events.log");
        let mut process = Child::logged("events.py", &mut desk.script("events.py"), &notes)?;
        deadline::wait("the listener", Duration::from_secs(30), || {
            process.still_there()?;
            let noted = fs::read_to_string(&notes).unwrap_or_default();
            Ok(noted.lines().any(|line| line == "\"ready\"").then_some(()))
        })?;
        Ok(Self { _process: process, notes })
    }

    /// Everything that happened so far.
    pub(super) fn heard(&self) -> Result<Vec<Event>> {
        let noted = fs::read_to_string(&self.notes).context("the listener's notes")?;
        // The last line may be half written.
        let whole = noted.rsplit_once('\n').map_or("", |(whole, _)| whole);
        Ok(whole.lines().filter_map(Event::read).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, detail: i64) -> Event {
        let json = serde_json::json!({ "kind": kind, "detail": detail, "said": "Hello" });
        Event::read(&json.to_string()).expect("it is an event")
    }

    #[test]
    fn focus_that_is_gained_moves_somebody_and_focus_that_is_lost_does_not() {
        assert!(event("object:state-changed:focused", 1).moves_somebody());
        assert!(!event("object:state-changed:focused", 0).moves_somebody());
        assert!(event("window:activate", 0).moves_somebody());
        assert!(!event("object:announcement", 1).moves_somebody());
    }

    #[test]
    fn an_announcement_knows_how_urgent_it_is() {
        assert!(event("object:announcement", 2).is_assertive());
        assert!(!event("object:announcement", 1).is_assertive());
    }

    #[test]
    fn the_first_line_of_the_notes_is_no_event() {
        assert_eq!(Event::read("\"ready\""), None);
    }
}
