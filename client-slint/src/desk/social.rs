//! The windows about people beyond the contact list: directory, conversations, what was missed.

use super::Desk;
use crate::adapters::shell::{Input, Shown};
use crate::bridge::SocialNews;
use crate::keys::{Command, Place};

/// A window of this theme.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Social {}

impl Social {
    pub const ALL: &[Self] = &[];

    #[must_use]
    pub fn place(self) -> Place {
        match self {}
    }
}

/// The windows of this theme that are open.
#[derive(Debug, Default)]
pub struct Circle {}

impl Circle {
    pub(super) fn shown(&self, window: Social) -> Option<&dyn Shown> {
        match window {}
    }

    /// Closes one; where the focus was in the window behind, it still is.
    pub(super) fn close(&mut self, window: Social) {
        match window {}
    }
}

impl Desk {
    pub(super) fn social_command(&mut self, window: Social, command: Command) {
        match window {}
    }

    pub(super) fn move_in_social(&mut self, window: Social, input: &Input) {
        match window {}
    }

    /// F6 in one of them.
    pub(super) fn go_social_region(&self, window: Social, forward: bool) {
        match window {}
    }

    pub(super) fn hear_social(&mut self, news: SocialNews) {
        match news {}
    }
}
