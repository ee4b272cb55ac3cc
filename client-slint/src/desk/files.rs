//! The windows about files.

use super::Desk;
use crate::adapters::shell::{Input, Shown};
use crate::bridge::FileNews;
use crate::keys::{Command, Place};

/// A window of this theme.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Files {}

impl Files {
    pub const ALL: &[Self] = &[];

    #[must_use]
    pub fn place(self) -> Place {
        match self {}
    }
}

/// The windows of this theme that are open.
#[derive(Debug, Default)]
pub struct Shelf {}

impl Shelf {
    pub(super) fn shown(&self, window: Files) -> Option<&dyn Shown> {
        match window {}
    }

    /// Closes one; where the focus was in the window behind, it still is.
    pub(super) fn close(&mut self, window: Files) {
        match window {}
    }
}

impl Desk {
    pub(super) fn files_command(&mut self, window: Files, command: Command) {
        match window {}
    }

    pub(super) fn move_in_files(&mut self, window: Files, input: &Input) {
        match window {}
    }

    /// F6 in one of them.
    pub(super) fn go_files_region(&self, window: Files, forward: bool) {
        match window {}
    }

    pub(super) fn hear_files(&mut self, news: FileNews) {
        match news {}
    }
}
