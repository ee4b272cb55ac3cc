//! Accounts by e-mail: signing up with an address, codes, forgotten passwords, one's own address.

use thrive_protocol::code::Code;
use thrive_protocol::mail::{
    ChangeEmail, EmailAddress, EmailShown, RequestReset, ResendCode, ResetPassword, VerifyAccount,
};
use thrive_protocol::reply::Reply;
use thrive_protocol::request::{CreateAccount, Request};

use crate::engine::asking::Effect;
use crate::handle::{Client, parse_username};
use crate::session::{greet, strange};
use crate::types::{Failure, Secret};

/// How a sign-up goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignedUp {
    /// The account can log in.
    Ready,
    /// A code is on its way to the address; [`Client::verify_account`] takes it.
    CodeSent,
}

/// My address as the server shows it, with most of it hidden.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct OwnEmail {
    /// `None`: the account has none.
    pub address: Option<String>,
    /// The one that waits for its code.
    pub changing_to: Option<String>,
}

impl Client {
    /// Makes an account; `email` is needed where [`crate::ServerInfo::email_required`] says so, and may be
    /// given nowhere else. It does not log in. Before the code has come back, the same name and password
    /// with another address correct the address. `invite` is the code of an invitation, where the server takes
    /// accounts by invitation only.
    ///
    /// # Errors
    /// The name, the password or the address is refused, the server takes nobody, or it cannot be reached.
    pub async fn sign_up(
        &self,
        username: &str,
        password: Secret,
        email: Option<&str>,
        invite: Option<Secret>,
    ) -> Result<SignedUp, Failure> {
        let username = parse_username(username)?.to_string();
        let email = email.map(parse_email).transpose()?;
        let request = Request::CreateAccount(CreateAccount { username, password, email, invite });
        let options = &self.options;
        let mut greeted = greet(&options.server, &self.pins, &options.program).await?;
        let next =
            if greeted.welcome.email_required { SignedUp::CodeSent } else { SignedUp::Ready };
        let reply = greeted.ask(request).await;
        greeted.leave().await;
        reply.map(|_done| next)
    }

    /// Has another code sent for a new account.
    ///
    /// # Errors
    /// The server sends no mail, was asked too often, or cannot be reached. Not that there is no such
    /// account, which is told to nobody.
    pub async fn resend_code(&self, username: &str) -> Result<(), Failure> {
        let username = parse_username(username)?.to_string();
        self.ask_once(Request::ResendCode(ResendCode { username })).await.map(drop)
    }

    /// Gives the code that was sent for a new account. It does not log in.
    ///
    /// # Errors
    /// The code is wrong, the address has too many accounts, or the server cannot be reached.
    pub async fn verify_account(&self, username: &str, code: Secret) -> Result<(), Failure> {
        let username = parse_username(username)?.to_string();
        self.ask_once(Request::VerifyAccount(VerifyAccount { username, code })).await.map(drop)
    }

    /// Has a code sent for another password; `account` is a user name or an address.
    ///
    /// # Errors
    /// As [`Self::resend_code`].
    pub async fn request_reset(&self, account: &str) -> Result<(), Failure> {
        let account = if account.contains('@') {
            parse_email(account)?
        } else {
            Secret::new(parse_username(account)?.to_string())
        };
        self.ask_once(Request::RequestReset(RequestReset { account })).await.map(drop)
    }

    /// Chooses another password with the code that was sent. Every session of the account ends.
    ///
    /// # Errors
    /// The code is wrong, the password is refused, or the server cannot be reached.
    pub async fn reset_password(
        &self,
        username: &str,
        code: Secret,
        password: Secret,
    ) -> Result<(), Failure> {
        let username = parse_username(username)?.to_string();
        let request = ResetPassword { username, code, password };
        self.ask_once(Request::ResetPassword(request)).await.map(drop)
    }

    /// The address of whoever is logged in.
    ///
    /// # Errors
    /// There is no connection.
    pub async fn email(&self) -> Result<OwnEmail, Failure> {
        let reply = self.request(Request::ShowEmail {}, Effect::None).await?;
        let Reply::Email(EmailShown { address, changing_to }) = reply else {
            return Err(strange("the e-mail address"));
        };
        Ok(OwnEmail { address, changing_to })
    }

    /// Has a code sent to another address of whoever is logged in.
    ///
    /// # Errors
    /// The password is wrong, that is no address, or there is no connection.
    pub async fn change_email(&self, email: &str, password: Secret) -> Result<(), Failure> {
        let email = parse_email(email)?;
        let request = Request::ChangeEmail(ChangeEmail { email, password });
        self.request(request, Effect::None).await.map(drop)
    }

    /// Gives that code: the address is the new one now.
    ///
    /// # Errors
    /// The code is wrong, the address has too many accounts, or there is no connection.
    pub async fn confirm_email(&self, code: Secret) -> Result<(), Failure> {
        self.request(Request::ConfirmEmail { code }, Effect::None).await.map(drop)
    }
}

/// The same words for what is no address whether this program or the server found it.
fn parse_email(raw: &str) -> Result<Secret, Failure> {
    let refused = Failure::Refused { code: Code::EmailInvalid, retry_after_ms: None, limit: None };
    let email = EmailAddress::parse(raw).map_err(|_| refused)?;
    Ok(Secret::new(email.as_str().to_owned()))
}
