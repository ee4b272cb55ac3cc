//! Where one is logged in.

use thrive_client::{Device, SessionId};

use crate::rows::{Listed, RowChange, Rows, Step};

/// A device with the words for its times.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    pub device: Device,
    pub created: String,
    pub seen: String,
}

/// The one in the hands of the person first, then the one that was used last.
impl Listed for Entry {
    type Id = SessionId;
    type Place = (bool, std::cmp::Reverse<i64>, SessionId);

    fn id(&self) -> SessionId {
        self.device.session
    }

    fn place(&self) -> Self::Place {
        let Device { session, last_seen_ms, current, .. } = &self.device;
        (!current, std::cmp::Reverse(*last_seen_ms), *session)
    }

    fn letters(&self) -> String {
        self.device.name.clone()
    }
}

impl Entry {
    #[must_use]
    pub fn name(&self) -> String {
        match (self.device.name.as_str(), self.device.current) {
            ("", true) => "this device".into(),
            ("", false) => "a device without a name".into(),
            (name, true) => format!("{name}, this device"),
            (name, false) => name.to_owned(),
        }
    }

    #[must_use]
    pub fn detail(&self) -> String {
        format!("last used {}, logged in {}", self.seen, self.created)
    }
}

#[derive(Debug, Default)]
pub struct Devices {
    rows: Rows<Entry>,
}

impl Devices {
    /// Takes the whole list anew. Somebody is chosen as soon as there is somebody.
    pub fn reload(&mut self, all: Vec<Entry>) -> Vec<RowChange> {
        let gone: Vec<_> = self
            .rows
            .rows()
            .iter()
            .map(Listed::id)
            .filter(|id| !all.iter().any(|entry| entry.id() == *id))
            .collect();
        let mut changes: Vec<_> = gone.into_iter().flat_map(|id| self.rows.remove(id)).collect();
        changes.extend(all.into_iter().flat_map(|entry| self.rows.put(entry)));
        if self.rows.current().is_none() {
            self.rows.walk(Step::First);
        }
        changes
    }

    pub fn gone(&mut self, session: SessionId) -> Vec<RowChange> {
        self.rows.remove(session)
    }

    #[must_use]
    pub fn rows(&self) -> &Rows<Entry> {
        &self.rows
    }

    pub fn rows_mut(&mut self) -> &mut Rows<Entry> {
        &mut self.rows
    }

    /// The session that is to end.
    ///
    /// # Errors
    /// A sentence: nothing is chosen, or it is this device.
    pub fn revoke(&self) -> Result<SessionId, &'static str> {
        match self.rows.chosen() {
            None => Err("No device is chosen."),
            Some(entry) if entry.device.current => {
                Err("This is the device that you are using. Log out in the main window.")
            }
            Some(entry) => Ok(entry.device.session),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: i64, seen: i64, current: bool) -> Entry {
        let device = Device {
            session: SessionId(id),
            name: format!("device {id}"),
            created_ms: 0,
            last_seen_ms: seen,
            current,
        };
        Entry { device, created: "then".into(), seen: "now".into() }
    }

    #[test]
    fn this_device_is_first_and_is_not_logged_out_here() {
        let mut devices = Devices::default();
        assert!(devices.revoke().is_err());
        devices.reload(vec![entry(1, 5, false), entry(2, 1, true), entry(3, 9, false)]);
        let names: Vec<_> = devices.rows().rows().iter().map(Entry::name).collect();
        assert_eq!(names, ["device 2, this device", "device 3", "device 1"]);
        assert!(devices.revoke().unwrap_err().contains("main window"));
        devices.rows_mut().walk(Step::Down);
        assert_eq!(devices.revoke(), Ok(SessionId(3)));
        devices.gone(SessionId(3));
        assert_eq!(devices.revoke(), Ok(SessionId(1)), "the next one takes its place");
    }
}
