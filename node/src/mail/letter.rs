//! The words of every mail: short, plain text, in simple English. Each says why it came, and what to do
//! when it was not meant.

use thrive_protocol::mail::EmailAddress;
use thrive_protocol::name::Username;
use thrive_protocol::secret::Secret;

use super::code;

/// A mail, ready to be sent. Printed nowhere: there may be a code in it.
pub(super) struct Letter {
    pub(super) to: EmailAddress,
    pub(super) subject: String,
    pub(super) text: String,
}

const VALID: &str = "The code is valid for 10 minutes and can be used once.";

pub(super) fn verify(server: &str, to: EmailAddress, username: &Username, code: &Secret) -> Letter {
    let code = code::in_halves(code);
    let text = format!(
        "Somebody, most likely you, has made the account {username} on {server} with this address.\n\
         \n\
         To confirm the address, enter this code where you made the account:\n\
         \n\
         {code}\n\
         \n\
         {VALID}\n\
         \n\
         If it was not you, do nothing: without the code the account disappears by itself.\n"
    );
    Letter { to, subject: format!("Your code for {server}"), text }
}

/// The address cannot have one more account.
pub(super) fn full(
    server: &str,
    to: EmailAddress,
    username: &Username,
    accounts: &[Username],
) -> Letter {
    let text = format!(
        "Somebody, most likely you, has made the account {username} on {server} with this address.\n\
         \n\
         This address has as many accounts as one address may have: {}.\n\
         There is no code for another one. If you have forgotten a password, ask for another one\n\
         where you log in, or use another address.\n\
         \n\
         If it was not you, do nothing: the account disappears by itself.\n",
        names(accounts)
    );
    Letter { to, subject: format!("Your accounts on {server}"), text }
}

pub(super) fn reset(server: &str, to: EmailAddress, codes: &[(Username, Secret)]) -> Letter {
    let lines: Vec<_> = codes
        .iter()
        .map(|(username, code)| format!("{username}: {}", code::in_halves(code)))
        .collect();
    let text = format!(
        "Somebody, most likely you, has forgotten the password of an account on {server}.\n\
         \n\
         To choose another password, enter the user name and this code where you asked for it:\n\
         \n\
         {}\n\
         \n\
         {VALID}\n\
         Whoever has the code can take the account over, so give it to nobody.\n\
         \n\
         If it was not you, do nothing: the password stays as it is.\n",
        lines.join("\n")
    );
    Letter { to, subject: format!("Your code for another password on {server}"), text }
}

pub(super) fn change(server: &str, to: EmailAddress, username: &Username, code: &Secret) -> Letter {
    let code = code::in_halves(code);
    let text = format!(
        "This address is to become the one of the account {username} on {server}.\n\
         \n\
         To confirm it, enter this code where you changed the address:\n\
         \n\
         {code}\n\
         \n\
         {VALID}\n\
         \n\
         If it was not you, do nothing: the address is not used.\n"
    );
    Letter { to, subject: format!("Your code for {server}"), text }
}

pub(super) fn password_changed(server: &str, to: EmailAddress, username: &Username) -> Letter {
    let text = format!(
        "The password of your account {username} on {server} was changed.\n\
         \n\
         If it was you, there is nothing to do.\n\
         If it was not you, ask for another password where you log in (\"Forgot password\"), and tell\n\
         whoever runs the server.\n"
    );
    Letter { to, subject: format!("Your password on {server} was changed"), text }
}

pub(super) fn address_changed(server: &str, to: EmailAddress, username: &Username) -> Letter {
    let text = format!(
        "The account {username} on {server} has another e-mail address now. This one is not used\n\
         for it any more.\n\
         \n\
         If it was you, there is nothing to do.\n\
         If it was not you, tell whoever runs the server at once.\n"
    );
    Letter { to, subject: format!("Your address on {server} was changed"), text }
}

fn names(accounts: &[Username]) -> String {
    accounts.iter().map(Username::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_names_the_server_and_the_account_and_what_to_do_if_it_was_somebody_else() {
        let to = EmailAddress::parse("ann@example.org").unwrap();
        let ann = Username::parse("ann").unwrap();
        let code = Secret::new("K7QMR2XP".into());
        let server = "The Lighthouse";
        let with_code = [
            verify(server, to.clone(), &ann, &code),
            reset(server, to.clone(), &[(ann.clone(), code.clone())]),
            change(server, to.clone(), &ann, &code),
        ];
        assert!(with_code.iter().all(|it| it.text.contains("K7QM-R2XP")));
        assert!(with_code.iter().all(|it| it.text.contains("10 minutes")));
        assert!(
            with_code.iter().all(|it| !it.subject.contains("K7QM")),
            "it may be shown to others"
        );
        let without = [
            full(server, to.clone(), &ann, std::slice::from_ref(&ann)),
            password_changed(server, to.clone(), &ann),
            address_changed(server, to, &ann),
        ];
        for letter in with_code.iter().chain(&without) {
            assert!(letter.subject.contains(server) && letter.text.contains(server));
            assert!(letter.text.contains("ann") && letter.text.contains("not you"));
            assert!(letter.text.lines().all(|line| line.len() < 100), "{}", letter.text);
        }
    }
}
