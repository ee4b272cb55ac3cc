//! The windows of the ways in: codes by mail, forgotten passwords, the list of servers.

use super::Desk;
use crate::adapters::shell::{Input, Shown};
use crate::bridge::DoorNews;
use crate::keys::{Command, Place};

/// A window of this theme.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Door {}

impl Door {
    pub const ALL: &[Self] = &[];

    #[must_use]
    pub fn place(self) -> Place {
        match self {}
    }
}

/// The windows of this theme that are open.
#[derive(Debug, Default)]
pub struct Doors {}

impl Doors {
    pub(super) fn shown(&self, window: Door) -> Option<&dyn Shown> {
        match window {}
    }

    /// Closes one; where the focus was in the window behind, it still is.
    pub(super) fn close(&mut self, window: Door) {
        match window {}
    }
}

impl Desk {
    pub(super) fn doors_command(&mut self, window: Door, command: Command) {
        match window {}
    }

    pub(super) fn move_in_doors(&mut self, window: Door, input: &Input) {
        match window {}
    }

    /// F6 in one of them.
    pub(super) fn go_doors_region(&self, window: Door, forward: bool) {
        match window {}
    }

    pub(super) fn hear_doors(&mut self, news: DoorNews) {
        match news {}
    }
}
