//! Who asks.

use thrive_protocol::ids::{SessionId, UserId};
use thrive_protocol::name::Username;

/// Proof of a login: only [`super::accounts::Accounts`] makes one, from a password or a token. Whatever
/// a request says about its sender, this is who it is.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Caller {
    pub user: UserId,
    pub username: Username,
    pub session: SessionId,
}

impl Caller {
    pub(super) fn admitted(user: UserId, username: Username, session: SessionId) -> Self {
        Self { user, username, session }
    }
}
