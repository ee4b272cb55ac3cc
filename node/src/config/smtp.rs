//! How mail is sent. Without it, no account needs an address, and a forgotten password is lost.

use std::net::IpAddr;
use std::path::PathBuf;

use thrive_protocol::mail::EmailAddress;

use crate::config::reader::Reader;

/// The server that takes our mail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Smtp {
    /// A host name or an IP address; over TLS, the name in its certificate.
    pub server: String,
    pub port: u16,
    pub security: SmtpSecurity,
    pub login: Option<SmtpLogin>,
    /// The certificate authority of the server, as PEM. Without it, those of the system.
    pub ca: Option<PathBuf>,
    /// What stands as the sender.
    pub from: Sender,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SmtpSecurity {
    /// To a server on this machine only.
    None,
    /// TLS is asked for, and nothing is said without it.
    StartTls,
    /// TLS from the first byte.
    Tls,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SmtpLogin {
    pub user: String,
    /// So that the password is neither in the configuration nor in the environment.
    pub password_file: PathBuf,
}

/// `noreply@example.org`, or `Our club <noreply@example.org>`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Sender {
    pub name: Option<String>,
    pub address: EmailAddress,
}

impl SmtpSecurity {
    /// The port that servers use for it.
    fn port(self) -> u16 {
        match self {
            Self::None => 25,
            Self::StartTls => 587,
            Self::Tls => 465,
        }
    }
}

pub(super) fn smtp(reader: &mut Reader) -> Option<Smtp> {
    let enabled = reader.truth("smtp.enabled", false);
    let server = reader.optional("smtp.server", "a host name or an IP address", host);
    let port = reader.optional("smtp.port", "a port from 1 to 65535", |it| {
        it.trim().parse().ok().filter(|port: &u16| 0 < *port)
    });
    let allowed = "starttls, tls, or none, which is for a server on this machine only";
    let security = reader.text("smtp.security", "starttls", allowed, |it| match it {
        "none" => Some(SmtpSecurity::None),
        "starttls" => Some(SmtpSecurity::StartTls),
        "tls" => Some(SmtpSecurity::Tls),
        _ => None,
    });
    let user = reader.optional("smtp.user", "a user name of the mail server", one_line);
    let password_file = reader.path("smtp.password_file");
    let ca = reader.path("smtp.ca");
    let allowed = "an address, such as noreply@example.org, or Our club <noreply@example.org>";
    let from = reader.optional("smtp.from", allowed, sender);

    if security == SmtpSecurity::None && server.as_deref().is_some_and(|it| !is_here(it)) {
        let why = "without TLS, anybody on the way could read the codes and the password";
        reader.contradiction("smtp.security", why, "starttls or tls, for a server elsewhere");
    }
    if user.is_some() && password_file.is_none() {
        reader.missing("smtp.password_file", "the file with the password", "smtp.user");
    }
    if user.is_none() && password_file.is_some() {
        reader.missing("smtp.user", "the user whose password that is", "smtp.password_file");
    }
    if !enabled {
        return None;
    }
    if server.is_none() {
        reader.missing("smtp.server", "the host name of the mail server", "smtp.enabled");
    }
    if from.is_none() {
        reader.missing("smtp.from", "the address that mails come from", "smtp.enabled");
    }
    let login =
        user.zip(password_file).map(|(user, password_file)| SmtpLogin { user, password_file });
    let port = port.unwrap_or_else(|| security.port());
    Some(Smtp { server: server?, port, security, login, ca, from: from? })
}

/// Loopback, by number or by name.
fn is_here(server: &str) -> bool {
    server == "localhost" || server.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

fn host(raw: &str) -> Option<String> {
    let raw = raw.trim();
    let label = |it: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        (1..=63).contains(&it.len()) && it.bytes().all(plain)
    };
    let fits = raw.parse::<IpAddr>().is_ok() || (raw.len() <= 253 && raw.split('.').all(label));
    fits.then(|| raw.to_ascii_lowercase())
}

fn one_line(raw: &str) -> Option<String> {
    let fits = (1..=320).contains(&raw.len()) && !raw.chars().any(char::is_control);
    fits.then(|| raw.to_owned())
}

fn sender(raw: &str) -> Option<Sender> {
    let Some((name, rest)) = raw.split_once('<') else {
        return Some(Sender { name: None, address: EmailAddress::parse(raw).ok()? });
    };
    let name = one_line(name.trim().trim_matches('"'))?;
    let address = EmailAddress::parse(rest.trim().strip_suffix('>')?).ok()?;
    Some(Sender { name: Some(name), address })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        let plain = sender("noreply@example.org").unwrap();
        assert_eq!((plain.name, plain.address.as_str()), (None, "noreply@example.org"));
        let named = sender("\"Our club\" <noreply@example.org>").unwrap();
        assert_eq!(named.name.as_deref(), Some("Our club"));
        for raw in ["", "Our club", "<noreply@example.org>", "Our club <noreply@example.org"] {
            assert_eq!(sender(raw), None, "{raw}");
        }
    }

    #[test]
    fn loopback_is_known_by_number_and_by_name() {
        assert!(["127.0.0.1", "::1", "localhost", "127.8.8.8"].iter().all(|it| is_here(it)));
        assert!(
            !["10.0.0.1", "mail.example.org", "localhost.example.org"].iter().any(|it| is_here(it))
        );
    }
}
