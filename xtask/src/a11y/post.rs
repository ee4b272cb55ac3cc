//! A server that wants a confirmed e-mail address: an account with a code out of a real mail, and a
//! forgotten password. With keys only.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use thrive_services::OwnSmtp;

use super::desk::Desk;
use super::snapshot::Snapshots;
use super::tree::Node;
use super::window::Window;
use super::{ANYWHERE, PASSWORD, Seat, start_server};
use crate::deadline;

/// What a mail may take on a busy machine.
const CARRIED: Duration = Duration::from_secs(30);

const NAME: &str = "erik";
const ADDRESS: &str = "erik@example.org";
const ANOTHER_PASSWORD: &str = "silver spoon 84";

struct Walker<'a> {
    window: Window<'a>,
    smtp: OwnSmtp,
    snapshots: &'a Snapshots,
    complaints: Vec<String>,
}

/// Walks, and gives what was not as it should be.
pub(super) fn walk(desk: &Desk, logs: &Path, snapshots: &Snapshots) -> Result<Vec<String>> {
    let folder = tempfile::Builder::new().prefix("thrive-post-").tempdir()?;
    let smtp = OwnSmtp::start()?;
    let settings = [
        ("THRIVE_NODE_SMTP__ENABLED", "true".to_owned()),
        ("THRIVE_NODE_SMTP__SERVER", "127.0.0.1".to_owned()),
        ("THRIVE_NODE_SMTP__PORT", smtp.port().to_string()),
        ("THRIVE_NODE_SMTP__SECURITY", "none".to_owned()),
        ("THRIVE_NODE_SMTP__FROM", "noreply@example.org".to_owned()),
    ];
    let data = folder.path().join("server");
    let (_node, server) = start_server(&data, logs, "server-with-mail", ANYWHERE, &settings)?;
    let window = Window::open(desk, &Seat::new(server, folder.path().join("desktop")))?;
    let mut walker = Walker { window, smtp, snapshots, complaints: Vec::new() };
    walker.makes_account().context("an account")?;
    walker.forgets_password().context("a forgotten password")?;
    Ok(walker.complaints)
}

impl Walker<'_> {
    fn makes_account(&mut self) -> Result<()> {
        self.field("User name")?;
        self.window.press(&["alt+c"])?;
        // The field is there once the server has said that it wants an address.
        self.window.find("the field for the address", |node| node.name == "E-mail address")?;
        self.snapshot("create_account_with_mail")?;
        for (label, text) in [
            ("User name", NAME),
            ("Password", PASSWORD),
            ("The same password again", PASSWORD),
            ("E-mail address", ADDRESS),
        ] {
            self.field(label)?;
            self.window.write(text)?;
            self.window.press(&["Tab"])?;
        }
        self.window.press(&["alt+c"])?;
        self.field("Code sent to your e-mail")?;
        self.snapshot("verify")?;
        let code = self.code(1)?;
        self.window.write(&code)?;
        self.window.press(&["Return"])?;
        self.window.focus("the contacts, which are empty", |node| node.name == "Contacts")?;
        self.window.press(&["alt+o"])?;
        self.field("User name").map(drop)
    }

    fn forgets_password(&mut self) -> Result<()> {
        self.window.press(&["alt+f"])?;
        self.field("User name or e-mail address")?;
        self.window.write(ADDRESS)?;
        self.window.press(&["Return"])?;
        let code = self.code(2)?;
        self.field("User name")?;
        self.snapshot("forgot_password_sent")?;
        for (label, text) in [
            ("User name", NAME),
            ("Code from the e-mail", code.as_str()),
            ("New password", ANOTHER_PASSWORD),
            ("The same password again", ANOTHER_PASSWORD),
        ] {
            self.field(label)?;
            self.window.write(text)?;
            self.window.press(&["Tab"])?;
        }
        self.window.press(&["alt+c"])?;
        self.window.find("the log-in, again", |node| node.name == "Log in to Thrive")?;
        self.field("Password")?;
        self.window.press(&["alt+x"])?;
        self.window.ended_well()
    }

    /// The code in the mail with this number, counted from 1.
    fn code(&self, number: usize) -> Result<String> {
        let mail = deadline::wait("a mail", CARRIED, || {
            Ok(self.smtp.mails()?.into_iter().nth(number - 1))
        })?;
        let halves = |it: &&str| it.len() == 9 && it.as_bytes()[4] == b'-';
        let found = mail.text.split_whitespace().find(|it| halves(it) && it.to_uppercase() == **it);
        Ok(found.with_context(|| format!("a code in {}", mail.text))?.to_owned())
    }

    fn field(&mut self, label: &str) -> Result<Node> {
        self.window.focus(label, |node| node.name == label)
    }

    fn snapshot(&mut self, screen: &str) -> Result<()> {
        self.complaints.extend(self.snapshots.complaint(screen, &mut self.window)?);
        Ok(())
    }
}
