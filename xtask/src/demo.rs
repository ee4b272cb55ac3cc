//! Accounts to look at, made through the `thrive` command against the running server.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::person::Person;
use crate::run::Place;

/// Who is there. The first two are for people to log in as.
const PEOPLE: &[&str] = &["ann", "bob", "cleo", "dan"];

/// What was said, oldest first.
const TALK: &[(&str, &str, &str)] = &[
    ("ann", "bob", "Good morning! Are you coming to the quiz tonight?"),
    ("bob", "ann", "Yes, if we get the corner table."),
    ("ann", "bob", "Reserved since last week."),
    ("bob", "ann", "Then I will bring Cleo. She knows every capital."),
    ("cleo", "ann", "Bob says I have been volunteered."),
    ("ann", "cleo", "You have. Seven o'clock, corner table."),
];

/// Letters that nobody mixes up when reading a password aloud.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Makes the accounts unless they were made before, and says where the passwords are.
pub(crate) fn make(place: &Place, server: SocketAddr) -> Result<()> {
    let folder = folder(place);
    let done = folder.join("done");
    let listing = folder.join("passwords.txt");
    if !done.exists() {
        println!("Making demo accounts: {}", PEOPLE.join(", "));
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let mut people = Vec::new();
        let mut passwords = String::new();
        for name in PEOPLE {
            let password = folder.join(format!("{name}.password"));
            passwords.push_str(&format!("{name} {}\n", kept_password(&password)?));
            let folder = folder.join(name);
            let program = place.program("thrive");
            people.push(Person { name, program, folder, password, server });
        }
        write_private(&listing, &passwords)?;
        fill(&people)?;
        write_private(&done, "")?;
    }
    println!("Log in as ann or bob; the passwords stand in {}.", listing.display());
    Ok(())
}

/// Where the folders of the demo people are, and their passwords.
pub(crate) fn folder(place: &Place) -> PathBuf {
    place.data.join("demo")
}

/// Accounts, then contacts, then words.
fn fill(people: &[Person]) -> Result<()> {
    for person in people {
        // An earlier attempt that broke off may have made the account already; a wrong password is
        // heard of at the log-in.
        person.creates_account().ok();
        person.logs_in()?;
    }
    let [ann, bob, cleo, dan] = people else { return Ok(()) };
    for (asks, accepts) in [(ann, bob), (bob, cleo), (cleo, ann)] {
        asks.does(&["contacts", "add", accepts.name])?;
        accepts.does(&["contacts", "accept", asks.name])?;
    }
    dan.does(&["contacts", "add", "ann"])?;
    dan.does(&["contacts", "add", "bob"])?;
    for (sender, recipient, text) in TALK {
        if let Some(sender) = people.iter().find(|person| person.name == *sender) {
            sender.does(&["send", recipient, text])?;
        }
    }
    Ok(())
}

/// The password in this file; a new one if there is no file yet.
fn kept_password(file: &Path) -> Result<String> {
    if let Ok(kept) = fs::read_to_string(file) {
        return Ok(kept.trim().to_owned());
    }
    let password = password()?;
    write_private(file, &format!("{password}\n"))?;
    Ok(password)
}

/// 80 random bits in groups of four letters.
fn password() -> Result<String> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).context("the system gives random numbers")?;
    let letters = random.map(|byte| char::from(LETTERS[usize::from(byte) % LETTERS.len()]));
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    Ok(groups.join("-"))
}

/// Writes a file that nobody else on this machine can read.
pub(crate) fn write_private(file: &Path, text: &str) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(file)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_and_never_the_same() {
        let (one, other) = (password().expect("random"), password().expect("random"));
        assert_eq!(one.len(), 19);
        assert_ne!(one, other);
    }

    #[test]
    fn a_password_is_kept_for_the_next_start_and_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ann.password");
        let first = kept_password(&file).expect("it is made");
        assert_eq!(kept_password(&file).expect("it is read"), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = fs::metadata(&file).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn everybody_who_talks_is_there() {
        for (sender, recipient, _) in TALK {
            assert!(PEOPLE.contains(sender) && PEOPLE.contains(recipient));
        }
    }
}
