//! Asking somebody to be a contact.

use thrive_client::{Code, Contact, Failure, Relation, Username};

use crate::bridge::Wish;
use crate::words;

/// The wish that the form stands for.
///
/// # Errors
/// A sentence: the name is missing, cannot be one, or is one's own.
pub fn submit(raw: &str, words: &str, own: &Username) -> Result<Wish, String> {
    if raw.trim().is_empty() {
        return Err("Enter the user name of the person.".into());
    }
    let username = Username::parse(raw).map_err(words::invalid_username)?;
    if username == *own {
        let refused = Failure::Refused { code: Code::Yourself, retry_after_ms: None, limit: None };
        return Err(words::failure(&refused));
    }
    Ok(Wish::AddContact { username: username.as_str().to_owned(), text: words.trim().to_owned() })
}

/// What came of it.
#[must_use]
pub fn outcome(contact: &Contact) -> String {
    let name = contact.display_name();
    match contact.relation {
        Relation::Contact => format!("{name} is now one of your contacts."),
        Relation::Asked | Relation::AsksMe | Relation::None => {
            format!("{name} was asked to be your contact.")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_can_ask_oneself_or_nobody() {
        let own = Username::parse("ann").unwrap();
        assert!(submit(" ", "", &own).is_err());
        assert_eq!(submit(" ANN", "", &own).unwrap_err(), "That is you.");
        let wish = submit("Bob", " hi ", &own).unwrap();
        assert_eq!(wish, Wish::AddContact { username: "bob".into(), text: "hi".into() });
    }
}
