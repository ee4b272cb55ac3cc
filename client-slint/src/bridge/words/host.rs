//! Wishes and news about the host.

use thrive_client::Failure;
use thrive_client::admin::{AdminAnswer, AdminCommand};

/// What a person wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HostWish {
    /// An order of an admin. Whether somebody may give it is for the server to say.
    Order(AdminCommand),
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum HostNews {
    Answered(Result<AdminAnswer, Failure>),
}
