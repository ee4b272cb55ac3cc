//! Verifying accounts, forgotten passwords, and the address of an account. Whatever can be asked without
//! a login is answered alike for everybody, whether there is such an account or not: the mail is an
//! errand for later, and a code is compared also where there is none.

use std::net::IpAddr;
use std::time::Duration;

use thrive_protocol::Event;
use thrive_protocol::ids::UserId;
use thrive_protocol::limits::{ACCOUNTS_PER_EMAIL, CODE_TRIES, PASSWORD_MAX};
use thrive_protocol::mail::{
    ChangeEmail, EmailAddress, EmailShown, RequestReset, ResendCode, ResetPassword, VerifyAccount,
    typed_code,
};
use thrive_protocol::name::Username;
use thrive_protocol::secret::Secret;
use tokio::time::{Instant, sleep_until};

use super::Caller;
use super::accounts::{AccountError, Accounts};
use super::sessions::address_of;
use crate::clock;
use crate::domain::password;
use crate::mail::{Account, Errand, Mailer};
use crate::news::{Audience, Done};
use crate::rate::Rate;
use crate::store::addresses::Redeemed;
use crate::store::codes::{Claimed, Purpose, Try};
use crate::throttle::{AddressThrottle, Network};

#[derive(Clone)]
pub struct Emails {
    accounts: Accounts,
    mails: AddressThrottle,
    codes: AddressThrottle,
}

/// A wrong code is answered no sooner. What the store has to do for one that exists, and not for one
/// that does not, takes less.
const EVEN: Duration = Duration::from_millis(200);

impl Emails {
    pub(super) fn new(accounts: Accounts, mails: Rate, codes: Rate) -> Self {
        Self { accounts, mails: AddressThrottle::new(mails), codes: AddressThrottle::new(codes) }
    }

    /// Sends another code to an account that waits for it.
    ///
    /// # Errors
    /// The server sends no mail, or was asked too often.
    pub fn resend(&self, from: IpAddr, request: ResendCode) -> Result<(), AccountError> {
        let mailer = self.mailer()?;
        let username = Username::parse(&request.username)?;
        self.mails.take(from, now()).map_err(AccountError::TooOften)?;
        Ok(mailer.send(Errand::Verify(username))?)
    }

    /// Lets an account in whose code has come back.
    ///
    /// # Errors
    /// The code is wrong, or the address has too many accounts.
    pub async fn verify(&self, from: IpAddr, request: VerifyAccount) -> Result<(), AccountError> {
        self.mailer()?;
        let username = Username::parse(&request.username)?;
        self.codes.take(from, now()).map_err(AccountError::TooOften)?;
        let right = self.compare(from, &username, Purpose::Verify, &request.code).await?;
        self.redeem_address(right, Purpose::Verify).await?;
        Ok(())
    }

    /// Sends a code for another password to the account of this name, or all of this address.
    ///
    /// # Errors
    /// It can be neither; the server sends no mail, or was asked too often.
    pub fn request_reset(&self, from: IpAddr, request: RequestReset) -> Result<(), AccountError> {
        let mailer = self.mailer()?;
        let named = request.account.expose();
        let account = if named.contains('@') {
            Account::Of(EmailAddress::parse(named)?)
        } else {
            Account::Named(Username::parse(named)?)
        };
        self.mails.take(from, now()).map_err(AccountError::TooOften)?;
        Ok(mailer.send(Errand::Reset { account, from: Network::of(from) })?)
    }

    /// Gives an account another password and ends all its sessions.
    ///
    /// # Errors
    /// The code is wrong, or the password is not allowed.
    pub async fn reset_password(
        &self,
        from: IpAddr,
        request: ResetPassword,
    ) -> Result<Done<()>, AccountError> {
        let mailer = self.mailer()?;
        let username = Username::parse(&request.username)?;
        password::check(&request.password, &username)?;
        self.codes.take(from, now()).map_err(AccountError::TooOften)?;
        // Before the code is looked at, so that the time tells nothing about it.
        let password_hash = self.accounts.hasher.hash(request.password).await?;
        let right = self.compare(from, &username, Purpose::Reset, &request.code).await?;
        let Claimed { user, hash } = right;
        let database = &self.accounts.database;
        let now = database.time(clock::now()).await?;
        let ended = database.redeem_reset(user, &hash, &password_hash, now).await?;
        let ended = ended.ok_or(AccountError::WrongCode)?;
        self.accounts.renewed(&username, from);
        tracing::info!(user.id = %user, "A forgotten password was replaced");
        mailer.offer(Errand::PasswordChanged(user));
        Ok(ended.into_iter().fold(Done::quietly(()), |done, session| {
            done.and(Audience::EndSession(user, session), Event::SessionEnded {}, None)
        }))
    }

    /// The address of the caller, with most of it hidden: whoever looks over a shoulder learns little.
    ///
    /// # Errors
    /// The store failed.
    pub async fn show(&self, caller: &Caller) -> Result<EmailShown, AccountError> {
        let database = &self.accounts.database;
        let now = database.time(clock::now()).await?;
        let (address, changing_to) = database.addresses(caller.user, now).await?;
        Ok(EmailShown {
            address: address.map(|it| it.masked()),
            changing_to: changing_to.map(|it| it.masked()),
        })
    }

    /// Sends a code to another address of the caller.
    ///
    /// # Errors
    /// The password is wrong, or that is no address.
    pub async fn change(
        &self,
        caller: &Caller,
        request: ChangeEmail,
    ) -> Result<Done<()>, AccountError> {
        let mailer = self.mailer()?;
        let to = EmailAddress::parse(request.email.expose())?;
        if PASSWORD_MAX < request.password.expose().len() {
            return Err(AccountError::WrongCredentials);
        }
        let (accounts, from) = (&self.accounts, address_of(caller.user));
        self.mails.take(from, now()).map_err(AccountError::TooOften)?;
        accounts.prove(&accounts.changes, from, &caller.username, request.password).await?;
        mailer.send(Errand::Change { user: caller.user, to })?;
        Ok(Done::quietly(()))
    }

    /// The code that was sent to the other address: it is the address of the caller now.
    ///
    /// # Errors
    /// The code is wrong, or the address has too many accounts.
    pub async fn confirm(&self, caller: &Caller, code: Secret) -> Result<Done<()>, AccountError> {
        let mailer = self.mailer()?;
        let from = address_of(caller.user);
        self.codes.take(from, now()).map_err(AccountError::TooOften)?;
        let right = self.compare(from, &caller.username, Purpose::Change, &code).await?;
        if let Some(before) = self.redeem_address(right, Purpose::Change).await? {
            let username = caller.username.clone();
            mailer.offer(Errand::AddressChanged { username, before });
        }
        Ok(Done::quietly(()))
    }

    fn mailer(&self) -> Result<&Mailer, AccountError> {
        self.accounts.mailer.as_ref().ok_or(AccountError::EmailUnavailable)
    }

    /// Takes one try of a code and compares it; the same work where there is none.
    async fn compare(
        &self,
        from: IpAddr,
        username: &Username,
        purpose: Purpose,
        typed: &Secret,
    ) -> Result<Claimed, AccountError> {
        let even = Instant::now() + EVEN;
        let verdict = self.compare_unevenly(from, username, purpose, typed).await;
        if matches!(verdict, Err(AccountError::WrongCode)) {
            sleep_until(even).await;
        }
        verdict
    }

    async fn compare_unevenly(
        &self,
        from: IpAddr,
        username: &Username,
        purpose: Purpose,
        typed: &Secret,
    ) -> Result<Claimed, AccountError> {
        // What can be no code is no try.
        let typed = typed_code(typed).ok_or(AccountError::WrongCode)?;
        let Accounts { database, hasher, .. } = &self.accounts;
        let requester = &Network::of(from).to_string();
        let now = database.time(clock::now()).await?;
        let claim = Try { username, purpose, requester, at_most: CODE_TRIES, now };
        let claimed = database.claim_try(claim).await?;
        let hash = claimed.as_ref().map(|it| it.hash.clone());
        let right = hasher.verify(typed, hash).await?;
        claimed.filter(|_| right).ok_or(AccountError::WrongCode)
    }

    /// The address that the account had before, if it had another one.
    async fn redeem_address(
        &self,
        right: Claimed,
        purpose: Purpose,
    ) -> Result<Option<EmailAddress>, AccountError> {
        let Claimed { user, hash } = right;
        let database = &self.accounts.database;
        let now = database.time(clock::now()).await?;
        let (most, first_is_admin) = (ACCOUNTS_PER_EMAIL, self.accounts.first_is_admin);
        match database.redeem_address(user, purpose, &hash, now, most, first_is_admin).await? {
            Redeemed::Done { before, is_first_admin } => {
                tracing::info!(user.id = %user, "An address of e-mail was verified");
                if is_first_admin {
                    tracing::info!(user.id = %user, "It is the first of this server, and its admin");
                }
                Ok(before)
            }
            Redeemed::Void => Err(AccountError::WrongCode),
            Redeemed::Full => Err(AccountError::TooManyAccounts),
        }
    }
}

impl Accounts {
    /// Tells the owner that the password is another one now, if they have an address.
    pub(super) fn tell_of_password(&self, user: UserId) {
        if let Some(mailer) = &self.mailer {
            mailer.offer(Errand::PasswordChanged(user));
        }
    }
}

fn now() -> std::time::Instant {
    std::time::Instant::now()
}
