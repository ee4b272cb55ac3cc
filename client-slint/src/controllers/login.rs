//! Logging in: what is missing, and where to put it right.

use thrive_client::{Code, Failure, Presence, Secret, ServerAddress, Username};

use crate::bridge::Wish;
use crate::words;

/// What stands in the window.
#[derive(Clone, Debug)]
pub struct Form {
    pub server: String,
    pub username: String,
    pub password: Secret,
    pub remember: bool,
    /// The status to log in with; `None`: as it was left.
    pub presence: Option<Presence>,
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
    Email,
    Invite,
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
    let Form { password, remember, presence, .. } = form;
    Ok(Wish::LogIn { server, username: username.as_str().to_owned(), password, remember, presence })
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
        Failure::Refused { .. }
        | Failure::Banned { .. }
        | Failure::OverQuota { .. }
        | Failure::NotLoggedIn => Field::Password,
        Failure::Invalid(_) => Field::Username,
        Failure::Unreachable(_)
        | Failure::ServerChanged { .. }
        | Failure::NotThrive(_)
        | Failure::Local(_) => Field::Server,
    }
}

/// Whether logging in by itself cannot work any more: the password or the token is wrong. A server that is
/// away, or full, or another one, is no reason to give up.
#[must_use]
pub fn is_hopeless(failure: &Failure) -> bool {
    let Failure::Refused { code, .. } = failure else { return false };
    matches!(code, Code::WrongCredentials | Code::SessionEnded | Code::AccountDeleted)
}

/// Whether the account waits for its code.
#[must_use]
pub fn is_unverified(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused { code: Code::AccountUnverified, .. })
}

/// How many people a server has, as a sentence.
#[must_use]
pub fn people(people: Option<(u64, u64)>) -> String {
    let count = |many: u64| if many == 1 { "1 person".into() } else { format!("{many} people") };
    match people {
        None => String::new(),
        Some((accounts, online)) => {
            let has = if accounts == 1 { "has" } else { "have" };
            let are = if online == 1 { "is" } else { "are" };
            format!("{} {has} an account on this server, {online} {are} online.", count(accounts))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(username: &str, password: &str, server: &str) -> Form {
        let password = Secret::new(password.into());
        Form {
            server: server.into(),
            username: username.into(),
            password,
            remember: true,
            presence: None,
        }
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

    #[test]
    fn only_wrong_credentials_make_logging_in_by_itself_hopeless() {
        let refused = |code| Failure::Refused { code, retry_after_ms: None, limit: None };
        assert!(is_hopeless(&refused(Code::WrongCredentials)));
        assert!(is_hopeless(&refused(Code::SessionEnded)));
        assert!(!is_hopeless(&refused(Code::SlowDown)));
        assert!(!is_hopeless(&refused(Code::Busy)));
        assert!(!is_hopeless(&Failure::Unreachable("no".into())));
    }

    #[test]
    fn a_server_says_how_many_people_it_has() {
        assert_eq!(people(None), "");
        let sentence = "3 people have an account on this server, 1 is online.";
        assert_eq!(people(Some((3, 1))), sentence);
        let sentence = "1 person has an account on this server, 0 are online.";
        assert_eq!(people(Some((1, 0))), sentence);
    }
}
