//! Making accounts, and logging in with a password. What a login begins is in `sessions`.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thrive_protocol::ids::{Epoch, Time};
use thrive_protocol::limits::{ACCOUNTS_PER_EMAIL, PASSWORD_MAX, PASSWORD_MIN, SESSIONS};
use thrive_protocol::mail::{EmailAddress, InvalidEmail};
use thrive_protocol::name::{InvalidUsername, Username};
use thrive_protocol::reply::{LoggedIn, SignUp};
use thrive_protocol::request::{CreateAccount, LogIn};
use thrive_protocol::secret::Secret;
use thrive_protocol::text::{DeviceName, WelcomeText};
use thrive_protocol::{Code, Event, Refusal};

use super::counted::Counted;
use super::token::{Token, hash_of_invitation};
use super::{Caller, Settings};
use crate::clock;
use crate::domain::password::{self, WeakPassword};
use crate::mail::{Errand, Mailer, NoRoom};
use crate::news::{Answer, Audience, Done, Fault};
use crate::password::{HashError, Hasher};
use crate::store::accounts::{CreateAccountError, Credentials, Holder, NewAccount, NewAddress};
use crate::store::bans::BanInForce;
use crate::store::sessions::NewSession;
use crate::store::{Database, StoreError};
use crate::throttle::{AddressThrottle, LoginThrottle};

#[derive(Clone)]
pub struct Accounts {
    pub(super) database: Database,
    pub(super) hasher: Hasher,
    pub(super) epoch: Epoch,
    sign_up: SignUp,
    pub(super) first_is_admin: bool,
    welcome: WelcomeText,
    sign_ups: AddressThrottle,
    logins: LoginThrottle,
    /// Old passwords that were given for a change. On its own, so that a guess made with a stolen
    /// session does not lock the owner out.
    pub(super) changes: LoginThrottle,
    /// Without it, no account needs an address.
    pub(super) mailer: Option<Mailer>,
    counted: Arc<Counted>,
}

#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    #[error("the server takes no new accounts")]
    SignUpClosed,
    #[error(transparent)]
    Username(#[from] InvalidUsername),
    #[error("the user name is taken")]
    UsernameTaken,
    #[error(transparent)]
    Password(#[from] WeakPassword),
    #[error("the server takes accounts by invitation only")]
    InviteRequired,
    #[error("nobody is invited by this code")]
    InviteInvalid,
    #[error("the account is banned")]
    Banned(BanInForce),
    #[error("wrong name or password")]
    WrongCredentials,
    #[error("the token belongs to no session")]
    SessionEnded,
    #[error("the caller has no such session")]
    NoSuchSession,
    #[error("too many attempts, the next in {0:?}")]
    TooOften(Duration),
    #[error("a new account needs an address")]
    EmailRequired,
    #[error(transparent)]
    Email(#[from] InvalidEmail),
    #[error("the server sends no mail")]
    EmailUnavailable,
    #[error("the code that was sent to the address has not come back yet")]
    Unverified,
    #[error("the code is wrong")]
    WrongCode,
    #[error("the address has too many accounts")]
    TooManyAccounts,
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    #[error("hash a password")]
    Hash(#[from] HashError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Accounts {
    pub(super) fn new(
        database: Database,
        hasher: Hasher,
        epoch: Epoch,
        settings: Settings,
    ) -> Self {
        Self {
            database,
            hasher,
            epoch,
            sign_up: settings.sign_up,
            first_is_admin: settings.first_is_admin,
            welcome: settings.welcome,
            sign_ups: AddressThrottle::new(settings.sign_ups),
            logins: LoginThrottle::new(settings.logins),
            changes: LoginThrottle::new(settings.logins),
            mailer: settings.mailer,
            counted: Arc::default(),
        }
    }

    /// Makes an account; it does not log in.
    ///
    /// # Errors
    /// The server, the name or the password does not allow it.
    pub async fn create(&self, from: IpAddr, request: CreateAccount) -> Result<(), AccountError> {
        if self.sign_up == SignUp::Closed {
            return Err(AccountError::SignUpClosed);
        }
        let username = new_username(&request.username)?;
        password::check(&request.password, &username)?;
        let email = self.email(request.email.as_ref())?;
        self.sign_ups.take(from, Instant::now()).map_err(AccountError::TooOften)?;
        // The store decides; asking first only saves the work of a hash that nobody needs.
        let now = self.database.time(clock::now()).await?;
        let holder = self.database.holder(&username, now).await?;
        let invite = match holder {
            // The invitation was used up by the sign-up that is corrected.
            Holder::Waiting => None,
            // Before the name: whoever is not invited does not learn who has it.
            Holder::Nobody | Holder::Somebody => self.invitation(request.invite.as_ref()).await?,
        };
        match holder {
            Holder::Nobody => {
                self.insert(username.clone(), request.password, email.clone(), invite).await?;
            }
            Holder::Waiting => {
                self.correct(from, &username, request.password, email.as_ref()).await?;
            }
            Holder::Somebody => return Err(AccountError::UsernameTaken),
        }
        if let (Some(mailer), Some(_)) = (&self.mailer, email) {
            // The account is made all the same: a code can be asked for once more.
            mailer.offer(Errand::Verify(username));
        }
        Ok(())
    }

    /// The address of a new account: needed where mail is sent, and only there.
    fn email(&self, given: Option<&Secret>) -> Result<Option<EmailAddress>, AccountError> {
        match (&self.mailer, given) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(AccountError::EmailUnavailable),
            (Some(_), None) => Err(AccountError::EmailRequired),
            (Some(_), Some(given)) => Ok(Some(EmailAddress::parse(given.expose())?)),
        }
    }

    async fn insert(
        &self,
        username: Username,
        password: Secret,
        email: Option<EmailAddress>,
        invite: Option<[u8; 32]>,
    ) -> Result<(), AccountError> {
        let password_hash = self.hasher.hash(password).await?;
        let created = self.database.time(clock::now()).await?;
        // Whoever waits for a code has no rights yet: `verify` sees who is the first.
        let address = email
            .map(|email| NewAddress { email, unverified_until: Time(created.0 + UNVERIFIED_MS) });
        let new = NewAccount {
            username,
            password_hash,
            created,
            freed_before: freed_before(created),
            first_is_admin: self.first_is_admin && address.is_none(),
            address,
            invite,
        };
        let created = self.database.create_account(new).await.map_err(|error| match error {
            CreateAccountError::Taken => AccountError::UsernameTaken,
            CreateAccountError::NotInvited => AccountError::InviteInvalid,
            CreateAccountError::Store(error) => error.into(),
        })?;
        let user = created.user;
        tracing::info!(user.id = %user, "An account was created");
        if created.is_admin {
            tracing::info!(user.id = %user, "It is the first of this server, and its admin");
        }
        Ok(())
    }

    /// Whoever signs up again with the same name and password before the code has come back has seen that
    /// the address was wrong. With another password it is somebody else: their password must not be the
    /// one of an account whose code the first one enters.
    async fn correct(
        &self,
        from: IpAddr,
        username: &Username,
        password: Secret,
        email: Option<&EmailAddress>,
    ) -> Result<(), AccountError> {
        let proven = match self.prove(&self.logins, from, username, password).await {
            Err(AccountError::WrongCredentials) => return Err(AccountError::UsernameTaken),
            proven => proven?,
        };
        let Credentials { user, password_hash, .. } = proven;
        let corrected = match email {
            Some(email) => self.database.readdress(user, &password_hash, email).await?,
            None => {
                let (now, first) = (clock::now(), self.first_is_admin);
                let admitted =
                    self.database.admit_without_mail(user, &password_hash, now, first).await?;
                if admitted == Some(true) {
                    tracing::info!(user.id = %user, "It is the first of this server, and its admin");
                }
                admitted.is_some()
            }
        };
        if corrected { Ok(()) } else { Err(AccountError::UsernameTaken) }
    }

    /// The hash of the code that is used up by a new account, where one is needed.
    async fn invitation(&self, code: Option<&Secret>) -> Result<Option<[u8; 32]>, AccountError> {
        match self.sign_up {
            SignUp::Invite => {}
            SignUp::Open | SignUp::Closed => return Ok(None),
        }
        let code = code.ok_or(AccountError::InviteRequired)?;
        let hash = hash_of_invitation(code).ok_or(AccountError::InviteInvalid)?;
        // The store decides; asking first only saves the work of a hash that nobody needs.
        match self.database.is_invited(hash, clock::now()).await? {
            true => Ok(Some(hash)),
            false => Err(AccountError::InviteInvalid),
        }
    }

    /// Logs in with a password. A name that nobody has and a wrong password look and cost the same.
    ///
    /// # Errors
    /// They do not fit, or there were too many attempts.
    pub async fn log_in(
        &self,
        from: IpAddr,
        request: LogIn,
    ) -> Result<Done<(Caller, LoggedIn)>, AccountError> {
        // What can be neither a name nor a password tells nothing about accounts.
        let username =
            Username::parse(&request.username).map_err(|_| AccountError::WrongCredentials)?;
        if PASSWORD_MAX < request.password.expose().len() {
            return Err(AccountError::WrongCredentials);
        }
        let proven = self.prove(&self.logins, from, &username, request.password).await?;
        if proven.unverified {
            return Err(AccountError::Unverified);
        }
        self.begin(username, proven, DeviceName::cut(&request.device)).await
    }

    /// # Errors
    /// They are banned, or the password that was proven is not the one of the account any more: whoever changed it and
    /// ended all sessions meant this one, too.
    pub(super) async fn begin(
        &self,
        username: Username,
        proven: Credentials,
        device: DeviceName,
    ) -> Result<Done<(Caller, LoggedIn)>, AccountError> {
        let user = proven.user;
        let token = Token::fresh();
        let new = NewSession {
            user,
            verified: proven.password_hash,
            token_hash: token.hash(),
            device,
            created: clock::now(),
            at_most: SESSIONS,
        };
        let Some(begun) = self.database.begin_session(&new).await? else {
            // The password was right a moment ago, so it may be said.
            let ban = self.database.ban(user, new.created).await?;
            return Err(ban.map_or(AccountError::WrongCredentials, AccountError::Banned));
        };
        tracing::info!(user.id = %user, session.id = %begun.session, "User {user} logged in");

        let caller = Caller::admitted(user, username, begun.session);
        let reply = self.logged_in(&caller, Some(token.text()));
        let end = |done: Done<_>, session| {
            done.and(Audience::EndSession(user, session), Event::SessionEnded {}, None)
        };
        Ok(begun.ended.into_iter().fold(Done::quietly((caller, reply)), end))
    }

    /// Accounts, all together, as they were a moment ago.
    ///
    /// # Errors
    /// The store failed.
    pub async fn count(&self) -> Result<u64, AccountError> {
        Ok(self.counted.get(async || self.database.count_accounts().await).await?)
    }

    pub(super) fn logged_in(&self, caller: &Caller, token: Option<Secret>) -> LoggedIn {
        LoggedIn {
            user: caller.user,
            username: caller.username.clone(),
            session: caller.session,
            token,
            epoch: self.epoch,
            text: self.welcome.clone(),
        }
    }

    /// Whose password it is, if attempts are allowed at all, and the hash that says so. It may be
    /// another one a moment later: whatever is done with it is done only while it holds.
    pub(super) async fn prove(
        &self,
        throttle: &LoginThrottle,
        from: IpAddr,
        username: &Username,
        password: Secret,
    ) -> Result<Credentials, AccountError> {
        throttle.check(username, from, Instant::now()).map_err(AccountError::TooOften)?;
        let even = tokio::time::Instant::now() + EVEN;
        let verdict = self.verify(username, password).await;
        let now = Instant::now();
        match &verdict {
            Ok(_) => throttle.succeeded(username, from, now),
            Err(AccountError::WrongCredentials) => throttle.failed(username, from, now),
            Err(_) => throttle.undecided(username, from, now),
        }
        if matches!(verdict, Err(AccountError::WrongCredentials)) {
            tokio::time::sleep_until(even).await;
        }
        verdict
    }

    /// The account has another password, by a code that was sent to its owner: what others tried does not
    /// keep them out.
    pub(super) fn renewed(&self, username: &Username, from: IpAddr) {
        let now = Instant::now();
        self.logins.renewed(username, from, now);
        self.changes.renewed(username, from, now);
    }

    async fn verify(
        &self,
        username: &Username,
        password: Secret,
    ) -> Result<Credentials, AccountError> {
        let known = self.compare(username, password.clone()).await?;
        if !self.hasher.needs_rehash(&known.password_hash) {
            return Ok(known);
        }
        let fresh = self.hasher.hash(password.clone()).await?;
        if self.database.renew_hash(known.user, &known.password_hash, &fresh).await? {
            return Ok(Credentials { password_hash: fresh, ..known });
        }
        // Another login has hashed the same password again, or it is another password now.
        self.compare(username, password).await
    }

    async fn compare(
        &self,
        username: &Username,
        password: Secret,
    ) -> Result<Credentials, AccountError> {
        let known = self.database.credentials(username).await?;
        let hash = known.as_ref().map(|it| it.password_hash.clone());
        let right = self.hasher.verify(password, hash).await?;
        known.filter(|_| right).ok_or(AccountError::WrongCredentials)
    }
}

/// A wrong password is answered no sooner. A hash that a former host has made costs what it was made at,
/// and not what it costs to hash for a name that nobody has; with the costs that are usual, both take less.
const EVEN: Duration = Duration::from_millis(500);

/// A day: as long as a name waits for the code of its sign-up.
const UNVERIFIED_MS: i64 = 24 * 60 * 60 * 1000;

/// When to come back to a queue of mails that is full.
const MAILS_AGAIN: Duration = Duration::from_secs(30);

/// Parses the name of a new account.
///
/// # Errors
/// It breaks the rules of names, or is one that deleted accounts get.
pub(super) fn new_username(raw: &str) -> Result<Username, InvalidUsername> {
    let username = Username::parse(raw)?;
    match username.as_str().starts_with(DELETED) {
        true => Err(InvalidUsername::Reserved),
        false => Ok(username),
    }
}

/// Names that were freed later than this rest at `now`.
pub(super) fn freed_before(now: Time) -> Time {
    Time(now.0 - NAME_REST_MS)
}

/// How the names of deleted accounts begin.
const DELETED: &str = "deleted-";

/// 90 days: as long as the friends of a former owner may take the new one for them.
const NAME_REST_MS: i64 = 90 * 24 * 60 * 60 * 1000;

impl Answer for AccountError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::SignUpClosed => Code::SignUpClosed.into(),
            Self::Username(InvalidUsername::Length | InvalidUsername::Characters) => {
                Code::UsernameInvalid.into()
            }
            Self::Username(InvalidUsername::Reserved) => Code::UsernameReserved.into(),
            Self::UsernameTaken => Code::UsernameTaken.into(),
            Self::InviteRequired => Code::InviteRequired.into(),
            Self::InviteInvalid => Code::InviteInvalid.into(),
            Self::Banned(BanInForce { until, reason }) => Refusal::banned(*until, reason.clone()),
            Self::Password(WeakPassword::TooShort) => {
                Refusal::over(Code::PasswordTooShort, PASSWORD_MIN)
            }
            Self::Password(WeakPassword::TooLong) => {
                Refusal::over(Code::PasswordTooLong, PASSWORD_MAX)
            }
            Self::Password(WeakPassword::TooCommon) => Code::PasswordTooCommon.into(),
            Self::WrongCredentials => Code::WrongCredentials.into(),
            Self::SessionEnded => Code::SessionEnded.into(),
            Self::NoSuchSession => Code::NoSuchSession.into(),
            Self::TooOften(wait) => Refusal::after(Code::SlowDown, *wait),
            Self::EmailRequired => Code::EmailRequired.into(),
            Self::Email(InvalidEmail) => Code::EmailInvalid.into(),
            Self::EmailUnavailable => Code::EmailUnavailable.into(),
            Self::Unverified => Code::AccountUnverified.into(),
            Self::WrongCode => Code::WrongCode.into(),
            Self::TooManyAccounts => Refusal::over(Code::TooManyAccounts, ACCOUNTS_PER_EMAIL),
            Self::NoRoom(NoRoom) => Refusal::after(Code::Busy, MAILS_AGAIN),
            Self::Hash(error) => error.refusal(),
            Self::Store(error) => error.refusal(),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Username(_) | Self::Email(_) | Self::Password(_) | Self::NoSuchSession => {
                Fault::Peer
            }
            Self::SignUpClosed
            | Self::InviteRequired
            | Self::InviteInvalid
            | Self::Banned(_)
            | Self::UsernameTaken
            | Self::WrongCredentials
            | Self::SessionEnded
            | Self::TooOften(_)
            | Self::EmailRequired
            | Self::EmailUnavailable
            | Self::Unverified
            | Self::WrongCode
            | Self::TooManyAccounts
            | Self::NoRoom(_) => Fault::Policy,
            Self::Hash(error) => error.fault(),
            Self::Store(error) => error.fault(),
        }
    }
}
