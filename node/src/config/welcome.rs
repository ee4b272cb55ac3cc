//! What the operator says to people, before and after they log in.

use thrive_protocol::limits::{WELCOME_CHARS, WELCOME_LINES};
use thrive_protocol::text::WelcomeText;

use crate::config::reader::Reader;

/// Both texts are empty unless the operator writes them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Welcome {
    /// Everybody who connects is shown this.
    pub before_login: WelcomeText,
    /// Whoever logs in is shown this.
    pub after_login: WelcomeText,
}

pub(super) fn read(reader: &mut Reader) -> Welcome {
    let allowed = format!("a text of up to {WELCOME_CHARS} characters in {WELCOME_LINES} lines");
    let mut text = |key| reader.text(key, "", &allowed, |it| WelcomeText::parse(it).ok());
    Welcome { before_login: text("welcome.before_login"), after_login: text("welcome.after_login") }
}
