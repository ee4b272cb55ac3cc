//! Where passwords come from: a file, the environment, or a person; never an argument.

use std::io::IsTerminal as _;
use std::path::Path;

use thrive_client::Secret;

use super::Trouble;

/// Whether a person has to type it twice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ask {
    Once,
    /// A new one: a slip of the finger would lock its owner out.
    Twice,
}

pub(crate) fn password(
    what: &str,
    file: Option<&Path>,
    environment: Option<&Secret>,
    ask: Ask,
) -> Result<Secret, Trouble> {
    if let Some(file) = file {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Trouble::Local(format!("{}: {error}", file.display())))?;
        return Ok(Secret::new(text.lines().next().unwrap_or_default().to_owned()));
    }
    if let Some(secret) = environment {
        return Ok(secret.clone());
    }
    if !std::io::stdin().is_terminal() {
        let why = "no password: say --password-file FILE, set THRIVE_PASSWORD, or use a terminal";
        return Err(Trouble::Usage(why.to_owned()));
    }
    let first = prompt(&format!("{what}: "))?;
    if ask == Ask::Twice && prompt("The same again: ")? != first {
        return Err(Trouble::Usage("the two passwords differ".to_owned()));
    }
    Ok(first)
}

fn prompt(words: &str) -> Result<Secret, Trouble> {
    let typed = rpassword::prompt_password(words);
    typed.map(Secret::new).map_err(|error| Trouble::Local(format!("the terminal: {error}")))
}
