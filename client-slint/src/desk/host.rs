//! The windows about the host: its answers to admins.

use super::Desk;
use crate::adapters::shell::{Input, Shown};
use crate::bridge::HostNews;
use crate::keys::{Command, Place};

/// A window of this theme.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Host {}

impl Host {
    pub const ALL: &[Self] = &[];

    #[must_use]
    pub fn place(self) -> Place {
        match self {}
    }
}

/// The windows of this theme that are open.
#[derive(Debug, Default)]
pub struct Counter {}

impl Counter {
    pub(super) fn shown(&self, window: Host) -> Option<&dyn Shown> {
        match window {}
    }

    /// Closes one; where the focus was in the window behind, it still is.
    pub(super) fn close(&mut self, window: Host) {
        match window {}
    }
}

impl Desk {
    pub(super) fn host_command(&mut self, window: Host, command: Command) {
        match window {}
    }

    pub(super) fn move_in_host(&mut self, window: Host, input: &Input) {
        match window {}
    }

    /// F6 in one of them.
    pub(super) fn go_host_region(&self, window: Host, forward: bool) {
        match window {}
    }

    pub(super) fn hear_host(&mut self, news: HostNews) {
        match news {}
    }
}
