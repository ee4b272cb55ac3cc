//! What a login began: coming back with its token, the list of devices, and ending them.

use std::net::{IpAddr, Ipv6Addr};

use thrive_protocol::Event;
use thrive_protocol::ids::{SessionId, UserId};
use thrive_protocol::limits::PASSWORD_MAX;
use thrive_protocol::people::Session;
use thrive_protocol::reply::LoggedIn;
use thrive_protocol::request::{ChangePassword, Resume};

use super::Caller;
use super::accounts::{AccountError, Accounts};
use super::token;
use crate::clock;
use crate::domain::password;
use crate::news::{Audience, Done};

impl Accounts {
    /// Logs in with a token, as every reconnect does. It costs one look-up and no password hash.
    ///
    /// # Errors
    /// The token belongs to no session any more.
    pub async fn resume(&self, request: Resume) -> Result<(Caller, LoggedIn), AccountError> {
        let hash = token::hash_of(&request.token).ok_or(AccountError::SessionEnded)?;
        let found = self.database.find_session(hash).await?.ok_or(AccountError::SessionEnded)?;
        let now = clock::now();
        if found.last_seen.0 + TOUCH_EVERY_MS <= now.0 {
            self.database.touch_session(found.session, now).await?;
        }
        let caller = Caller::admitted(found.user, found.username, found.session);
        let reply = self.logged_in(&caller, None);
        Ok((caller, reply))
    }

    /// The version of the caller's contacts; `None` when their session was ended since it logged in or
    /// came back. Ask it once the connection can hear of its end: what ends a session in between tells
    /// nobody.
    ///
    /// # Errors
    /// The store failed.
    pub async fn contacts_version(&self, caller: &Caller) -> Result<Option<i64>, AccountError> {
        Ok(self.database.contacts_version(caller.user, caller.session).await?)
    }

    /// Notes that the session is in use now. Nobody waits for this and nothing hangs on it, so a
    /// failure ends here.
    pub async fn touch(&self, caller: &Caller) {
        if let Err(error) = self.database.touch_session(caller.session, clock::now()).await {
            tracing::error!(
                session.id = %caller.session,
                error = &error as &dyn std::error::Error,
                "A session in use could not be noted"
            );
        }
    }

    /// Ends the session of the caller; its token is void.
    ///
    /// # Errors
    /// The store failed.
    pub async fn log_out(&self, caller: &Caller) -> Result<Done<()>, AccountError> {
        self.database.end_session(caller.user, caller.session).await?;
        tracing::info!(user.id = %caller.user, session.id = %caller.session, "User logged out");
        Ok(ended(caller.user, [caller.session]))
    }

    /// # Errors
    /// The store failed.
    pub async fn list_sessions(&self, caller: &Caller) -> Result<Vec<Session>, AccountError> {
        Ok(self.database.list_sessions(caller.user, caller.session).await?)
    }

    /// Ends one of the caller's sessions, wherever it is connected.
    ///
    /// # Errors
    /// The caller has no such session.
    pub async fn revoke_session(
        &self,
        caller: &Caller,
        session: SessionId,
    ) -> Result<Done<()>, AccountError> {
        if !self.database.end_session(caller.user, session).await? {
            return Err(AccountError::NoSuchSession);
        }
        tracing::info!(user.id = %caller.user, session.id = %session, "A session was revoked");
        Ok(ended(caller.user, [session]))
    }

    /// # Errors
    /// The old password is wrong, or the new one is not allowed.
    pub async fn change_password(
        &self,
        caller: &Caller,
        request: ChangePassword,
    ) -> Result<Done<()>, AccountError> {
        password::check(&request.new, &caller.username)?;
        if PASSWORD_MAX < request.old.expose().len() {
            return Err(AccountError::WrongCredentials);
        }
        let from = address_of(caller.user);
        let proven = self.prove(&self.changes, from, &caller.username, request.old).await?;
        let verified = proven.password_hash;
        let hash = self.hasher.hash(request.new).await?;

        let keep = request.end_other_sessions.then_some(caller.session);
        let sessions = self.database.change_password(caller.user, &verified, &hash, keep).await?;
        let sessions = sessions.ok_or(AccountError::WrongCredentials)?;
        tracing::info!(user.id = %caller.user, "A password was changed");
        self.tell_of_password(caller.user);
        Ok(ended(caller.user, sessions))
    }
}

/// The throttle counts by name and by address. Whoever is logged in is counted by the account, so
/// that a household behind one address does not share a count.
pub(super) fn address_of(user: UserId) -> IpAddr {
    Ipv6Addr::from_bits(u128::from(user.0.unsigned_abs()) << 64).into()
}

fn ended(user: UserId, sessions: impl IntoIterator<Item = SessionId>) -> Done<()> {
    sessions.into_iter().fold(Done::quietly(()), |done, session| {
        done.and(Audience::EndSession(user, session), Event::SessionEnded {}, None)
    })
}

/// "Last seen" is for people who look for a lost device: a minute is exact enough, and a storm of
/// reconnects writes nothing.
const TOUCH_EVERY_MS: i64 = 60_000;
