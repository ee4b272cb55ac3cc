//! A new account: what is missing, and where to put it right.

use thrive_client::{Code, Failure, Secret, ServerAddress};

use super::login::{Field, Mistake, username};
use crate::bridge::Wish;

#[derive(Clone, Debug)]
pub struct Form {
    pub username: String,
    pub password: Secret,
    pub confirmation: Secret,
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
    let password = form.password;
    Ok(Wish::CreateAccount { server, username: username.as_str().to_owned(), password })
}

/// Where the person has to change something after the server said no.
#[must_use]
pub fn field_of(failure: &Failure) -> Field {
    let Failure::Refused { code, .. } = failure else { return Field::Username };
    if matches!(code, Code::PasswordTooShort | Code::PasswordTooLong | Code::PasswordTooCommon) {
        Field::Password
    } else {
        Field::Username
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
}
