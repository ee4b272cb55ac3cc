//! Codes, passwords and addresses that somebody types around an account: what is missing, and where to
//! put it right.

use thrive_client::{Code, Failure, Secret, ServerAddress};

use super::login;
use crate::bridge::DoorWish;
use crate::words;

/// Which field is wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Spot {
    Account,
    Username,
    Code,
    OldPassword,
    Password,
    Confirmation,
    Address,
    /// No field: there it stands, and the focus stays where it is.
    Nowhere,
}

/// Why it was not even sent, and the field to go to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Slip {
    pub at: Spot,
    pub sentence: String,
}

impl Slip {
    pub(crate) fn new(at: Spot, sentence: impl Into<String>) -> Self {
        Self { at, sentence: sentence.into() }
    }
}

/// The code for a new account.
///
/// # Errors
/// There is none.
pub fn verify(server: ServerAddress, username: &str, typed: &str) -> Result<DoorWish, Slip> {
    let code = code(typed)?;
    Ok(DoorWish::Verify { server, username: username.to_owned(), code })
}

/// A code for another password.
///
/// # Errors
/// Nobody is named, or that can be no name.
pub fn ask_reset(server: ServerAddress, account: &str) -> Result<DoorWish, Slip> {
    let account = account.trim();
    if account.is_empty() {
        return Err(Slip::new(Spot::Account, "Enter your user name or your e-mail address."));
    }
    if !account.contains('@') {
        login::username(account).map_err(|it| Slip::new(Spot::Account, it.sentence))?;
    }
    Ok(DoorWish::AskReset { server, account: account.to_owned() })
}

/// What stands in the lower half of "Forgot password".
#[derive(Clone, Debug)]
pub struct Reset {
    pub username: String,
    pub code: String,
    pub password: Secret,
    pub confirmation: Secret,
}

/// Another password by a code.
///
/// # Errors
/// A field is empty or cannot be right.
pub fn reset(server: ServerAddress, form: Reset) -> Result<DoorWish, Slip> {
    let username =
        login::username(&form.username).map_err(|it| Slip::new(Spot::Username, it.sentence))?;
    let code = code(&form.code)?;
    let password = twice(form.password, &form.confirmation)?;
    Ok(DoorWish::Reset { server, username: username.as_str().to_owned(), code, password })
}

/// Another password for whoever knows the present one.
///
/// # Errors
/// A field is empty or cannot be right.
pub fn change_password(
    old: Secret,
    new: Secret,
    confirmation: &Secret,
    others: bool,
) -> Result<DoorWish, Slip> {
    if old.expose().is_empty() {
        return Err(Slip::new(Spot::OldPassword, "Enter your current password."));
    }
    let new = twice(new, confirmation)?;
    Ok(DoorWish::ChangePassword { old, new, others })
}

/// Another address.
///
/// # Errors
/// A field is empty or cannot be right.
pub fn change_email(address: &str, password: Secret) -> Result<DoorWish, Slip> {
    let address = email(address).ok_or_else(|| Slip::new(Spot::Address, no_email()))?;
    if password.expose().is_empty() {
        let sentence = "Enter your password, so that nobody else changes your address.";
        return Err(Slip::new(Spot::Password, sentence));
    }
    Ok(DoorWish::ChangeEmail { address, password })
}

/// The code for another address.
///
/// # Errors
/// There is none.
pub fn confirm_email(typed: &str) -> Result<DoorWish, Slip> {
    code(typed).map(DoorWish::ConfirmEmail)
}

/// Something that may be an address; the server knows better.
pub(crate) fn email(raw: &str) -> Option<String> {
    let raw = raw.trim();
    let (name, host) = raw.split_once('@')?;
    (!name.is_empty() && !host.is_empty()).then(|| raw.to_owned())
}

pub(crate) fn no_email() -> String {
    let code = Code::EmailInvalid;
    words::failure(&Failure::Refused { code, retry_after_ms: None, limit: None })
}

fn code(typed: &str) -> Result<Secret, Slip> {
    let typed = typed.trim();
    match typed.is_empty() {
        true => Err(Slip::new(Spot::Code, "Enter the code from the e-mail.")),
        false => Ok(Secret::new(typed.to_owned())),
    }
}

fn twice(password: Secret, confirmation: &Secret) -> Result<Secret, Slip> {
    if password.expose().is_empty() {
        return Err(Slip::new(Spot::Password, "Choose a new password."));
    }
    if confirmation.expose().is_empty() {
        return Err(Slip::new(Spot::Confirmation, "Enter the same password a second time."));
    }
    if password != *confirmation {
        return Err(Slip::new(Spot::Confirmation, "The two passwords are not the same."));
    }
    Ok(password)
}

/// Why the server said no, and where to change something. `wrong` is the field of the password that
/// proves who one is.
#[must_use]
pub fn slip(failure: &Failure, wrong: Spot) -> Slip {
    let sentence = words::failure(failure);
    let Failure::Refused { code, limit, .. } = failure else {
        return Slip::new(Spot::Nowhere, sentence);
    };
    let at = match code {
        Code::WrongCode => Spot::Code,
        Code::PasswordTooShort | Code::PasswordTooLong | Code::PasswordTooCommon => Spot::Password,
        Code::WrongCredentials => wrong,
        Code::EmailInvalid | Code::TooManyAccounts => Spot::Address,
        Code::UsernameInvalid | Code::UsernameReserved => Spot::Username,
        _ => Spot::Nowhere,
    };
    match (code, limit) {
        (Code::WrongCode, Some(1)) => Slip::new(at, format!("{sentence} You have one try left.")),
        (Code::WrongCode, Some(left)) => {
            Slip::new(at, format!("{sentence} You have {left} tries left."))
        }
        (Code::WrongCredentials, _) if wrong != Spot::Nowhere => {
            Slip::new(at, "The password is wrong.")
        }
        _ => Slip::new(at, sentence),
    }
}

/// The same whoever is asked for: who has an account is nobody's business.
pub const SENT: &str = "If there is such an account with an e-mail address, a code is on its way.";

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.into())
    }

    fn server() -> ServerAddress {
        ServerAddress::parse("localhost").unwrap()
    }

    fn refused(code: Code, limit: Option<u64>) -> Failure {
        Failure::Refused { code, retry_after_ms: None, limit }
    }

    #[test]
    fn a_code_is_taken_as_it_was_copied_and_not_when_there_is_none() {
        assert_eq!(verify(server(), "ann", "  ").unwrap_err().at, Spot::Code);
        let wish = verify(server(), "ann", " k7qm-r2xp ").unwrap();
        let DoorWish::Verify { code, .. } = wish else { panic!() };
        assert_eq!(code.expose(), "k7qm-r2xp");
        assert!(confirm_email("").is_err());
    }

    #[test]
    fn a_reset_is_asked_for_by_name_or_address() {
        let at = |account| ask_reset(server(), account).err().map(|slip| slip.at);
        assert_eq!(at(" "), Some(Spot::Account));
        assert_eq!(at("a b"), Some(Spot::Account));
        assert_eq!(at("ann"), None);
        assert_eq!(at("ann@example.org"), None);
    }

    #[test]
    fn every_slip_leads_to_its_field() {
        let reset = |username: &str, code: &str, password: &str, confirmation: &str| {
            let form = Reset {
                username: username.into(),
                code: code.into(),
                password: secret(password),
                confirmation: secret(confirmation),
            };
            reset(server(), form).err().map(|slip| slip.at)
        };
        assert_eq!(reset("", "x", "a", "a"), Some(Spot::Username));
        assert_eq!(reset("ann", "", "a", "a"), Some(Spot::Code));
        assert_eq!(reset("ann", "x", "", ""), Some(Spot::Password));
        assert_eq!(reset("ann", "x", "a", ""), Some(Spot::Confirmation));
        assert_eq!(reset("ann", "x", "a", "b"), Some(Spot::Confirmation));
        assert_eq!(reset("ann", "x", "a", "a"), None);
        let change = |old, new, again| {
            change_password(secret(old), secret(new), &secret(again), true).err().map(|it| it.at)
        };
        assert_eq!(change("", "a", "a"), Some(Spot::OldPassword));
        assert_eq!(change("o", "a", "b"), Some(Spot::Confirmation));
        assert_eq!(change("o", "a", "a"), None);
        let email = |raw, password| change_email(raw, secret(password)).err().map(|it| it.at);
        assert_eq!(email("ann", "p"), Some(Spot::Address));
        assert_eq!(email("@b", "p"), Some(Spot::Address));
        assert_eq!(email("ann@b", ""), Some(Spot::Password));
        assert_eq!(email("ann@b", "p"), None);
    }

    #[test]
    fn a_refusal_leads_to_its_field_and_says_how_many_tries_are_left_if_that_is_known() {
        let wrong = slip(&refused(Code::WrongCode, Some(2)), Spot::Nowhere);
        assert_eq!(wrong.at, Spot::Code);
        assert!(wrong.sentence.ends_with("You have 2 tries left."));
        assert!(!slip(&refused(Code::WrongCode, None), Spot::Nowhere).sentence.contains("left"));
        let old = slip(&refused(Code::WrongCredentials, None), Spot::OldPassword);
        assert_eq!(old, Slip::new(Spot::OldPassword, "The password is wrong."));
        let away = slip(&Failure::Unreachable("no".into()), Spot::OldPassword);
        assert_eq!(away.at, Spot::Nowhere);
    }
}
