//! Runs one errand: looks up whom it is for, makes what is needed, and delivers it until it is delivered,
//! of no use any more, or too late. What does not concern anybody ends here, in silence.

use std::time::{Duration, Instant};

use thrive_protocol::ids::{Time, UserId};
use thrive_protocol::limits::{ACCOUNTS_PER_EMAIL, MAILS_PER_HOUR};
use thrive_protocol::mail::EmailAddress;
use thrive_protocol::name::Username;
use thrive_protocol::secret::Secret;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::letter::{self, Letter};
use super::post::Undelivered;
use super::{Account, Errand, HOUR_MS, Means, Notice, code};
use crate::clock;
use crate::outage::Outage;
use crate::password::HashError;
use crate::random;
use crate::store::StoreError;
use crate::store::addresses::Addressee;
use crate::store::codes::{Counted, Issue, NewCode, Purpose};
use crate::throttle::Network;

pub(super) struct Office {
    means: Means,
    stop: CancellationToken,
    /// Of the mail server.
    outage: Outage,
}

/// Why an errand came to nothing, through no fault of whoever asked.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Hash(#[from] HashError),
}

/// Tries of one code by everybody together, of whom each has [`CODE_TRIES`]. A stranger needs twenty addresses
/// to use them up, and then has found the code with a chance of one in ten thousand million.
///
/// [`CODE_TRIES`]: thrive_protocol::limits::CODE_TRIES
const ALL_TRIES: usize = 100;
/// Mails in an hour to one address about forgotten passwords, whoever asks; from one site it is
/// [`MAILS_PER_HOUR`]. Four sites have to ask in somebody's name to keep its owner from them.
const RESETS_PER_HOUR: usize = 12;
/// How long a code is valid.
const CODE_MS: i64 = 10 * 60 * 1_000;
/// How long a code is tried to be delivered: whoever gets it needs the rest of its time.
const CODE_PATIENCE: Duration = Duration::from_secs(5 * 60);
/// How long a notice is.
const NOTICE_PATIENCE: Duration = Duration::from_secs(15 * 60);
/// Between two attempts, at first and at most.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// How often an errand is prepared anew when the store or the hashing has too much to do.
const ATTEMPTS: u32 = 5;

/// What is known of a letter in the end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Sent {
    Delivered,
    /// It counts as delivered, though nobody can be sure.
    Perhaps,
    Not,
}

impl Office {
    pub(super) fn new(means: Means, stop: CancellationToken) -> Self {
        Self { means, stop, outage: Outage::default() }
    }

    /// `asked`: when it was asked for. One that has waited too long for its turn is of no use any more.
    pub(super) async fn run(&self, errand: Errand, asked: Instant) {
        if patience(&errand) < asked.elapsed() {
            return tracing::warn!("A mail was given up: too many were before it");
        }
        for attempt in 1.. {
            let Err(error) = Box::pin(self.attempt(&errand)).await else { return };
            let last = ATTEMPTS <= attempt || self.stop.is_cancelled();
            if last {
                let error = &error as &dyn std::error::Error;
                return tracing::error!(error, "A mail could not be written");
            }
            self.pause(PAUSES.0 * attempt).await;
        }
    }

    async fn attempt(&self, errand: &Errand) -> Result<(), Failed> {
        match errand {
            Errand::Verify(username) => self.verify(username).await,
            Errand::Reset { account, from } => self.reset(account, *from).await,
            Errand::Change { user, to } => self.change(*user, to).await,
            Errand::PasswordChanged(user) => {
                self.password_changed(*user).await?;
                Ok(())
            }
            Errand::AddressChanged { username, before } => {
                let letter = letter::address_changed(&self.means.server, before.clone(), username);
                self.notify(letter).await?;
                Ok(())
            }
        }
    }

    async fn verify(&self, username: &Username) -> Result<(), Failed> {
        let store = &self.means.database;
        let waiting = store.waiting_account(username, self.now().await?).await?;
        let Some(Addressee { user, email, .. }) = waiting else { return Ok(()) };
        let others = store.accounts_of(&email).await?;
        if ACCOUNTS_PER_EMAIL <= others.len() {
            let names: Vec<_> = others.into_iter().map(|it| it.username).collect();
            let letter = letter::full(&self.means.server, email.clone(), username, &names);
            let counted =
                store.issue_codes(&email, &[], self.issue(Purpose::Verify).await?).await?;
            if let Some(mail) = counted {
                self.deliver(mail, &letter, CODE_PATIENCE, &[], Purpose::Verify).await;
            }
            return Ok(());
        }
        let (code, stored) = self.code(user).await?;
        let counted =
            store.issue_codes(&email, &stored, self.issue(Purpose::Verify).await?).await?;
        if let Some(mail) = counted {
            let letter = letter::verify(&self.means.server, email, username, &code);
            self.deliver(mail, &letter, CODE_PATIENCE, &stored, Purpose::Verify).await;
        }
        Ok(())
    }

    async fn reset(&self, account: &Account, from: Network) -> Result<(), Failed> {
        let store = &self.means.database;
        let concerned = match account {
            Account::Named(username) => {
                store.addressee_named(username).await?.into_iter().collect()
            }
            Account::Of(email) => store.accounts_of(email).await?,
        };
        // As one of its owners has typed it, not as somebody else has.
        let Some(email) = concerned.first().map(|it| it.email.clone()) else { return Ok(()) };
        let (mut codes, mut stored) = (Vec::new(), Vec::new());
        for Addressee { user, username, .. } in concerned {
            let (code, [new]) = self.code(user).await?;
            codes.push((username, code));
            stored.push(new);
        }
        // Whoever is elsewhere and asks in somebody's name leaves the owner their own.
        let requester = &from.site().to_string();
        let rules =
            Issue { at_most: RESETS_PER_HOUR, requester, ..self.issue(Purpose::Reset).await? };
        if let Some(mail) = store.issue_codes(&email, &stored, rules).await? {
            let letter = letter::reset(&self.means.server, email, &codes);
            self.deliver(mail, &letter, CODE_PATIENCE, &stored, Purpose::Reset).await;
        }
        Ok(())
    }

    async fn change(&self, user: UserId, to: &EmailAddress) -> Result<(), Failed> {
        let store = &self.means.database;
        let Some(username) = store.username(user).await? else { return Ok(()) };
        let (code, stored) = self.code(user).await?;
        if let Some(mail) =
            store.issue_codes(to, &stored, self.issue(Purpose::Change).await?).await?
        {
            let letter = letter::change(&self.means.server, to.clone(), &username, &code);
            self.deliver(mail, &letter, CODE_PATIENCE, &stored, Purpose::Change).await;
        }
        Ok(())
    }

    pub(super) async fn password_changed(&self, user: UserId) -> Result<Notice, StoreError> {
        let addressee = self.means.database.addressee(user).await?;
        let Some(addressee) = addressee else { return Ok(Notice::NoNeed) };
        let Addressee { username, email, .. } = addressee;
        self.notify(letter::password_changed(&self.means.server, email, &username)).await
    }

    /// Notices are counted for themselves: whoever has used an address's codes up must not keep its
    /// owner from hearing what they did.
    async fn notify(&self, letter: Letter) -> Result<Notice, StoreError> {
        let now = self.now().await?;
        let since = an_hour_before(now);
        let counted =
            self.means.database.may_notify(&letter.to, now, since, MAILS_PER_HOUR).await?;
        let Some(mail) = counted else { return Ok(Notice::NoNeed) };
        let delivered = self.deliver(mail, &letter, NOTICE_PATIENCE, &[], Purpose::Verify).await;
        Ok(if delivered { Notice::Delivered } else { Notice::Undelivered })
    }

    /// A new code, and what the store keeps of it.
    async fn code(&self, user: UserId) -> Result<(Secret, [NewCode; 1]), Failed> {
        let code = code::fresh();
        let hash = self.means.hasher.hash(code.clone()).await?;
        Ok((code, [NewCode { user, hash }]))
    }

    /// Delivers a letter that was counted. What never went out does not count: with the mail server away
    /// for a while, whoever asks again once it is back gets their mail. What may have gone out counts.
    /// Whether it was delivered.
    async fn deliver(
        &self,
        mail: Counted,
        letter: &Letter,
        patience: Duration,
        codes: &[NewCode],
        purpose: Purpose,
    ) -> bool {
        let sent = self.try_to_deliver(letter, patience, codes, purpose).await;
        if sent == Sent::Not
            && let Err(error) = self.means.database.uncount(mail).await
        {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "A mail that was not sent counts all the same for an hour");
        }
        sent == Sent::Delivered
    }

    /// Tries until it is delivered, refused, of no use, or too late.
    async fn try_to_deliver(
        &self,
        letter: &Letter,
        patience: Duration,
        codes: &[NewCode],
        purpose: Purpose,
    ) -> Sent {
        let deadline = Instant::now() + patience;
        let mut pause = PAUSES.0;
        let mut so_far = Sent::Not;
        loop {
            match self.means.post.send(letter).await {
                Ok(()) => {
                    if let Some(failed) = self.outage.worked(Instant::now()) {
                        tracing::info!(failed, "The mail server takes mails again");
                    }
                    return Sent::Delivered;
                }
                Err(Undelivered::Refused { status }) => {
                    tracing::warn!(status, "The mail server has refused a mail for good");
                    return so_far;
                }
                Err(Undelivered::Later { why, perhaps }) => {
                    if perhaps {
                        so_far = Sent::Perhaps;
                    }
                    if self.outage.failed(Instant::now()) {
                        tracing::warn!(why, "The mail server takes no mails; trying again");
                    }
                }
            }
            if self.stop.is_cancelled() || deadline < Instant::now() + pause {
                tracing::warn!("A mail was given up: the mail server took none in time");
                return so_far;
            }
            self.pause(pause).await;
            pause = (pause * 2).min(PAUSES.1);
            if !self.is_current(codes, purpose).await {
                return so_far;
            }
        }
    }

    /// Whether the codes in a letter still count. A store that cannot say so has not replaced them.
    async fn is_current(&self, codes: &[NewCode], purpose: Purpose) -> bool {
        for code in codes {
            let current = async {
                let now = self.now().await?;
                self.means.database.is_current(code, purpose, now).await
            };
            if !current.await.unwrap_or(true) {
                return false;
            }
        }
        true
    }

    async fn issue(&self, purpose: Purpose) -> Result<Issue<'static>, StoreError> {
        let now = self.now().await?;
        Ok(Issue {
            purpose,
            now,
            expires: Time(now.0 + CODE_MS),
            tries: ALL_TRIES,
            since: an_hour_before(now),
            at_most: MAILS_PER_HOUR,
            requester: "",
            at_most_each: MAILS_PER_HOUR,
        })
    }

    /// The time by which codes live and mails count: the same for all nodes, since one makes a code and
    /// another one compares it.
    async fn now(&self) -> Result<Time, StoreError> {
        self.means.database.time(clock::now()).await
    }

    /// From a half to one and a half of it, or until the node stops.
    async fn pause(&self, about: Duration) {
        let share = 0.5 + f64::from(random::byte()) / 256.0;
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = sleep(about.mul_f64(share)) => {}
        }
    }
}

fn patience(errand: &Errand) -> Duration {
    match errand {
        Errand::Verify(_) | Errand::Reset { .. } | Errand::Change { .. } => CODE_PATIENCE,
        Errand::PasswordChanged(_) | Errand::AddressChanged { .. } => NOTICE_PATIENCE,
    }
}

fn an_hour_before(now: Time) -> Time {
    Time(now.0 - HOUR_MS)
}

#[cfg(test)]
mod tests {
    use thrive_protocol::limits::CODE_TRIES;

    use super::*;

    #[test]
    fn the_pages_name_the_limits_of_mails_as_they_are() {
        let protocol = include_str!("../../../docs/PROTOCOL.md");
        let (each, resets) = (MAILS_PER_HOUR, RESETS_PER_HOUR);
        let row = format!(
            "| mails to one address in an hour | {each} for new accounts and other addresses; {resets} for forgotten \
             passwords, of which {each} asked for from one address of a caller; {each} notices |"
        );
        assert!(protocol.contains(&row), "{row}");
        let tries =
            format!("{CODE_TRIES} tries from one address and {ALL_TRIES} from all together");
        assert!(protocol.contains(&tries), "{tries}");
        let runbook = include_str!("../../../docs/RUNBOOK.md");
        let words = format!(
            "at most {resets} for forgotten passwords, of which {each} that were asked for"
        );
        assert!(runbook.contains(&words), "{words}");
    }
}
