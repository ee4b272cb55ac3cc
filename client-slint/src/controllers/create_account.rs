//! A new account: what is missing, and where to put it right.

use thrive_client::{Code, Failure, Greeting, Secret, ServerAddress};

use super::codes;
use super::login::{Field, Mistake, username};
use crate::bridge::Wish;

#[derive(Clone, Debug)]
pub struct Form {
    pub username: String,
    pub password: Secret,
    pub confirmation: Secret,
    /// `None` where the server asks for none.
    pub email: Option<String>,
    /// `None` where the server asks for none.
    pub invite: Option<Secret>,
}

/// The wish that the form stands for.
///
/// # Errors
/// A field is empty or cannot be right.
pub fn submit(form: Form, server: ServerAddress) -> Result<Wish, Mistake> {
    let username = username(&form.username)?;
    if form.password.expose().is_empty() {
        return Err(Mistake::new(Field::Password, "Choose a password."));
    }
    if form.confirmation.expose().is_empty() {
        return Err(Mistake::new(Field::Confirmation, "Enter the same password a second time."));
    }
    if form.password != form.confirmation {
        return Err(Mistake::new(Field::Confirmation, "The two passwords are not the same."));
    }
    let email = match form.email {
        Some(raw) => {
            Some(codes::email(&raw).ok_or_else(|| Mistake::new(Field::Email, codes::no_email()))?)
        }
        None => None,
    };
    if form.invite.as_ref().is_some_and(|code| code.expose().trim().is_empty()) {
        return Err(Mistake::new(Field::Invite, "Enter the code of your invitation."));
    }
    let Form { password, invite, .. } = form;
    let username = username.as_str().to_owned();
    Ok(Wish::CreateAccount { server, username, password, email, invite })
}

/// What a server says before anybody tries; empty when everybody is welcome.
#[must_use]
pub fn welcome(greeting: &Greeting) -> &'static str {
    match (greeting.sign_up_open, greeting.sign_up_by_invite) {
        (true, _) => "",
        (false, true) => "This server takes new accounts by invitation only.",
        (false, false) => "This server takes no new accounts.",
    }
}

/// Where the person has to change something after the server said no.
#[must_use]
pub fn field_of(failure: &Failure) -> Field {
    let Failure::Refused { code, .. } = failure else { return Field::Username };
    match code {
        Code::PasswordTooShort | Code::PasswordTooLong | Code::PasswordTooCommon => Field::Password,
        Code::EmailRequired | Code::EmailInvalid | Code::TooManyAccounts => Field::Email,
        Code::InviteRequired | Code::InviteInvalid => Field::Invite,
        _ => Field::Username,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mistake_leads_to_its_field() {
        let check = |username: &str, password: &str, confirmation: &str, field| {
            let form = Form {
                username: username.into(),
                password: Secret::new(password.into()),
                confirmation: Secret::new(confirmation.into()),
                email: None,
                invite: None,
            };
            let server = ServerAddress::parse("localhost").unwrap();
            assert_eq!(submit(form, server).map_err(|mistake| mistake.field).err(), field);
        };
        check("", "secret", "secret", Some(Field::Username));
        check("ann", "", "", Some(Field::Password));
        check("ann", "secret", "", Some(Field::Confirmation));
        check("ann", "secret", "sacred", Some(Field::Confirmation));
        check("ann", "secret", "secret", None);
    }

    #[test]
    fn a_password_that_the_server_refuses_leads_back_to_the_password() {
        let refused = |code| Failure::Refused { code, retry_after_ms: None, limit: None };
        assert_eq!(field_of(&refused(Code::PasswordTooShort)), Field::Password);
        assert_eq!(field_of(&refused(Code::UsernameTaken)), Field::Username);
    }

    #[test]
    fn what_the_server_asks_for_has_to_be_there() {
        let field = |email: Option<&str>, invite: Option<&str>| {
            let form = Form {
                username: "ann".into(),
                password: Secret::new("secret".into()),
                confirmation: Secret::new("secret".into()),
                email: email.map(str::to_owned),
                invite: invite.map(|code| Secret::new(code.into())),
            };
            let server = ServerAddress::parse("localhost").unwrap();
            submit(form, server).map_err(|mistake| mistake.field).err()
        };
        assert_eq!(field(Some(""), None), Some(Field::Email));
        assert_eq!(field(Some("ann"), None), Some(Field::Email));
        assert_eq!(field(Some(" ann@example.org "), Some(" ")), Some(Field::Invite));
        assert_eq!(field(Some("ann@example.org"), Some("abc")), None);
    }
}
