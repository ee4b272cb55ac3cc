//! Notices where this program does not know how to show any. The settings do not offer them there.

use std::path::Path;

use thrive_client::UserId;
use tokio::sync::mpsc::Sender;

use super::words::News;
use crate::announce::Notice;

#[derive(Debug)]
pub(super) struct Notices;

impl Notices {
    pub(super) fn start(_: &Path, _: Sender<News>) -> Self {
        Self
    }

    pub(super) fn show(&self, _: Option<UserId>, _: Notice) {}

    pub(super) fn close(&self, _: UserId) {}
}
