//! Logging in: what is missing, and where to put it right.

use thrive_client::{Failure, Secret, ServerAddress, Username};

use crate::bridge::Wish;
use crate::words;

/// What stands in the window.
#[derive(Clone, Debug)]
pub struct Form {
    pub server: String,
    pub username: String,
    pub password: Secret,
    pub remember: bool,
}

/// Why it was not even sent, and the field to go to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mistake {
    pub field: Field,
    pub sentence: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Field {
    Username,
    Password,
    Confirmation,
    Server,
}

impl Mistake {
    pub(crate) fn new(field: Field, sentence: impl Into<String>) -> Self {
        Self { field, sentence: sentence.into() }
    }
}

/// The wish that the form stands for.
///
/// # Errors
/// A field is empty or cannot be right.
pub fn submit(form: Form) -> Result<Wish, Mistake> {
    let username = username(&form.username)?;
    if form.password.expose().is_empty() {
        return Err(Mistake::new(Field::Password, "Enter your password."));
    }
    let server = server(&form.server)?;
    let (password, remember) = (form.password, form.remember);
    Ok(Wish::LogIn { server, username: username.as_str().to_owned(), password, remember })
}

pub(crate) fn username(raw: &str) -> Result<Username, Mistake> {
    if raw.trim().is_empty() {
        return Err(Mistake::new(Field::Username, "Enter a user name."));
    }
    Username::parse(raw).map_err(|why| Mistake::new(Field::Username, words::invalid_username(why)))
}

pub(crate) fn server(raw: &str) -> Result<ServerAddress, Mistake> {
    if raw.trim().is_empty() {
        return Err(Mistake::new(Field::Server, "Enter the name of a server."));
    }
    ServerAddress::parse(raw).map_err(|why| Mistake::new(Field::Server, words::failure(&why)))
}

/// Where the person has to change something after the server said no.
#[must_use]
pub fn field_of(failure: &Failure) -> Field {
    match failure {
        Failure::Refused { .. } | Failure::Banned { .. } | Failure::NotLoggedIn => Field::Password,
        Failure::Invalid(_) => Field::Username,
        Failure::Unreachable(_)
        | Failure::ServerChanged { .. }
        | Failure::NotThrive(_)
        | Failure::Local(_) => Field::Server,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(username: &str, password: &str, server: &str) -> Form {
        let password = Secret::new(password.into());
        Form { server: server.into(), username: username.into(), password, remember: true }
    }

    #[test]
    fn every_mistake_has_its_field_and_a_sentence_of_its_own() {
        let cases = [
            (form(" ", "secret", "s"), Field::Username),
            (form("a", "secret", "s"), Field::Username),
            (form("a b c", "secret", "s"), Field::Username),
            (form("admin", "secret", "s"), Field::Username),
            (form("ann", "", "s"), Field::Password),
            (form("ann", "secret", ""), Field::Server),
            (form("ann", "secret", "a b"), Field::Server),
        ];
        let mut sentences = Vec::new();
        for (form, field) in cases {
            let mistake = submit(form).unwrap_err();
            assert_eq!(mistake.field, field, "{}", mistake.sentence);
            assert!(!sentences.contains(&mistake.sentence), "{}", mistake.sentence);
            sentences.push(mistake.sentence);
        }
    }

    #[test]
    fn a_whole_form_becomes_a_wish() {
        let wish = submit(form(" Ann ", "secret", "chat.example.org")).unwrap();
        let Wish::LogIn { server, username, remember: true, .. } = wish else { panic!() };
        assert_eq!(
            (server.to_string().as_str(), username.as_str()),
            ("chat.example.org:2005", "ann")
        );
    }
}
