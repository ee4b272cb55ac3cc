//! Which passwords may be chosen. Length counts, composition does not; what everybody tries first is
//! refused.

use thrive_protocol::limits::{PASSWORD_MAX, PASSWORD_MIN};
use thrive_protocol::name::Username;
use thrive_protocol::secret::Secret;

#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WeakPassword {
    #[error("the password has fewer than {PASSWORD_MIN} bytes")]
    TooShort,
    #[error("the password has more than {PASSWORD_MAX} bytes")]
    TooLong,
    #[error("the password is one that everybody tries first")]
    TooCommon,
}

/// # Errors
/// It is too short, too long, the user name, or all too common.
pub fn check(password: &Secret, username: &Username) -> Result<(), WeakPassword> {
    let password = password.expose();
    if password.len() < PASSWORD_MIN {
        return Err(WeakPassword::TooShort);
    }
    if PASSWORD_MAX < password.len() {
        return Err(WeakPassword::TooLong);
    }
    let folded = password.to_lowercase();
    let name = username.as_str();
    let named = folded.trim_matches(|c: char| !c.is_alphabetic()) == name || folded == name;
    let common = COMMON.contains(&folded.as_str()) || COMMON.contains(&base(&folded));
    if named || common || is_run(&folded) {
        return Err(WeakPassword::TooCommon);
    }
    Ok(())
}

/// Without the digits and marks that people hang on at the end: "password2024!" is "password".
fn base(folded: &str) -> &str {
    let word = folded.trim_end_matches(|c: char| c.is_ascii_digit() || "!.?*#@$-_".contains(c));
    if word.is_empty() { folded } else { word }
}

/// One character again and again, two by turns, or a row of neighbors such as "23456789".
fn is_run(folded: &str) -> bool {
    let bytes = folded.as_bytes();
    let every = |step: usize, same: fn(u8, u8) -> bool| {
        bytes.windows(step + 1).all(|window| same(window[0], window[step]))
    };
    every(1, |a, b| a == b)
        || every(2, |a, b| a == b)
        || every(1, |a, b| a.wrapping_add(1) == b)
        || every(1, |a, b| b.wrapping_add(1) == a)
}

/// As they are, or with a tail that [`base`] takes off. By theme; all in lower case.
#[rustfmt::skip]
const COMMON: [&str; 215] = [
    // Rows of keys and digits.
    "1234567890", "0987654321", "12341234", "11223344", "1122334455", "12344321", "123123123", "123321123", "147258369",
    "741852963", "789456123", "159357456", "10203040", "1q2w3e4r", "1q2w3e4r5t", "1q2w3e4r5t6y", "1qaz2wsx", "1qaz2wsx3edc",
    "q1w2e3r4", "q1w2e3r4t5", "qwer", "qwert", "qwerty", "qwertyu", "qwertyui", "qwertyuiop", "qwertz", "qwertzui", "qwertzuiop",
    "azerty", "azertyuiop", "asdf", "asdfg", "asdfgh", "asdfghjk", "asdfghjkl", "asdfasdf", "asdfqwer", "qwerasdf", "qwerqwer",
    "qweasd", "qweasdzxc", "qweqwe", "qazwsx", "qazwsxedc", "zaq12wsx", "zaqwsx", "zxcvbnm", "zxcvbn", "zxcvzxcv", "poiuytrewq",
    "lkjhgfdsa", "mnbvcxz", "abcd", "abc", "abcabc", "abcdabcd", "a1b2c3d4", "abc123abc", "abcd1234abcd", "aaaabbbb",
    // The word itself.
    "pass", "passw", "passwd", "passwor", "password", "passwort", "passpass", "passpassword", "passphrase", "password1password",
    "passwordpassword", "p@ssw0rd", "p@ssword", "passw0rd", "pa$$word", "pa$$w0rd", "p4ssw0rd", "mypassword", "mypass", "newpassword",
    "thepassword", "nopassword", "yourpassword", "secret", "secretpassword", "topsecret", "mysecret", "verysecret", "keyword", "codeword",
    "login", "letmein", "letmeinnow", "letmeinplease", "openup", "opensesame", "changeme", "changeit", "changethis", "default",
    "guest", "guestguest", "tester", "testing", "testtest", "test", "testuser", "testpassword", "temp", "temporary", "example", "sample", "demo",
    "administrator", "admin", "adminadmin", "adminpassword", "root", "rootroot", "toor", "master", "superuser", "supervisor", "user", "username",
    // Words to like and people to love.
    "iloveyou", "iloveu", "ilovegod", "iloveme", "ilovemyself", "loveyou", "loveme", "lovelove", "lovely", "babygirl", "babyboy", "sweetheart",
    "darling", "princess", "sunshine", "sunflower", "butterfly", "rainbow", "chocolate", "cookie", "cupcake", "strawberry", "blueberry",
    "banana", "pineapple", "cheesecake", "welcome", "welcomehome", "hello", "hellohello", "helloworld", "goodmorning", "whatever", "nothing",
    "trustno", "forever", "freedom", "friends", "friendship", "family", "happiness", "blessed", "blessing", "jesus", "jesuschrist", "godisgood",
    // Games, heroes, teams, animals.
    "football", "soccer", "baseball", "basketball", "hockey", "volleyball", "liverpool", "arsenal", "chelsea", "barcelona", "realmadrid",
    "juventus", "superman", "batman", "spiderman", "ironman", "starwars", "skywalker", "pokemon", "pikachu", "minecraft", "fortnite", "nintendo",
    "playstation", "dragon", "dragonball", "monkey", "elephant", "tiger", "dolphin", "unicorn", "shadow",
    // Computers, and us.
    "computer", "internet", "samsung", "facebook", "google", "microsoft", "windows", "linux", "messenger", "thrivemessenger", "thrive",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(password: &str) -> Result<(), WeakPassword> {
        check(&Secret::new(password.into()), &Username::parse("annabella").unwrap())
    }

    #[test]
    fn length_is_counted_in_bytes_and_has_two_ends() {
        assert_eq!(verdict("x7-kq_p"), Err(WeakPassword::TooShort));
        assert_eq!(verdict("x7-kq_pa"), Ok(()));
        assert_eq!(verdict(&"gut näh ".repeat(28)), Ok(()));
        assert_eq!(verdict(&"7k".repeat(129)), Err(WeakPassword::TooLong));
    }

    #[test]
    fn what_everybody_tries_first_is_refused_also_with_a_tail() {
        for common in [
            "12345678",
            "87654321",
            "11111111",
            "abababab",
            "abcdefgh",
            "password",
            "Password1",
            "PASSWORD2024!",
            "qwertyuiop",
            "iloveyou",
            "letmein123",
            "1q2w3e4r",
            "1234567890",
            "thrive2005",
            "annabella",
            "Annabella",
            "annabella99",
        ] {
            assert_eq!(verdict(common), Err(WeakPassword::TooCommon), "{common}");
        }
    }

    #[test]
    fn a_sentence_of_ones_own_is_welcome() {
        assert_eq!(verdict("the cat reads at night"), Ok(()));
        assert_eq!(verdict("my password is long"), Ok(()));
        assert_eq!(verdict("annabella likes tea"), Ok(()));
    }

    #[test]
    fn every_entry_of_the_list_is_folded_and_is_there_once() {
        for (i, entry) in COMMON.iter().enumerate() {
            assert_eq!(entry.to_lowercase(), *entry);
            assert!(!COMMON[..i].contains(entry), "{entry} is there twice");
        }
    }
}
