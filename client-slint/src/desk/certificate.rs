//! A server that shows another certificate than before: the question about it, before a log-in and while
//! somebody is logged in.

use thrive_client::{Connection, Failure, ServerAddress};

use super::Desk;
use super::people::Question;
use crate::adapters::dialogs::ConfirmView;
use crate::bridge::Wish;
use crate::keys::{Command, Place};
use crate::words;

impl Desk {
    /// A changed certificate is explained, never ignored.
    pub(super) fn is_certificate(&mut self, server: &ServerAddress, failure: &Failure) -> bool {
        let Failure::ServerChanged { host, known, offered } = failure else { return false };
        let question = format!(
            "The certificate of {host} is not the one that this computer has seen before. Either \
             the host has made a new one, or somebody stands between you and the server and wants \
             to read along. Ask the host before you trust it.\n\nSeen before: {known}\n\nOffered \
             now: {offered}"
        );
        let view = ConfirmView::open(
            "The server has another certificate",
            &question,
            &[("Do not connect", "Escape"), ("Trust the new certificate", "Alt+T")],
            0,
            &self.settings,
            &self.tell,
        );
        let asked = Question::Certificate { server: server.clone(), fingerprint: offered.clone() };
        self.login.iter().for_each(|view| {
            view.say("The certificate of the server has changed. Nothing was sent.", true);
        });
        self.ask_person(view, asked);
        true
    }

    /// Whoever is logged in is told once, and goes on with what they do; the key for information about the
    /// server asks the question.
    pub(super) fn hear_certificate(&mut self, connection: &Connection) {
        match connection {
            Connection::Connecting { last_error: Some(failure), .. }
                if matches!(failure, Failure::ServerChanged { .. })
                    && self.changed.as_ref() != Some(failure) =>
            {
                let key = self.keys.label(Place::Contacts, Command::Server);
                let sentence = words::certificate_changed(failure, &key);
                self.changed = Some(failure.clone());
                self.fail_and_show(sentence);
            }
            Connection::Online | Connection::Idle => {
                if self.changed.take().is_some() {
                    self.show("");
                }
            }
            Connection::Connecting { .. } => {}
        }
    }

    /// The key for information about the server.
    pub(super) fn ask_server(&mut self) {
        let server = self.session.as_ref().map(|session| session.server.clone());
        match (self.changed.clone(), server) {
            (Some(failure), Some(server)) => drop(self.is_certificate(&server, &failure)),
            (_, _) => self.ask(Wish::ServerInfo),
        }
    }

    pub(super) fn server_accepted(&mut self, result: Result<(), Failure>) {
        if let Err(failure) = result {
            return self.problem(words::failure(&failure));
        }
        if self.session.is_some() {
            return self.answer("The new certificate is trusted.");
        }
        let Some(login) = &self.login else { return };
        // Whoever typed a password typed it for this server.
        if self.settings.automatic && login.form().password.expose().is_empty() {
            self.answer("The new certificate is trusted. Logging in.");
            return self.resume();
        }
        let sentence = "The new certificate is trusted. Log in again.";
        login.say(sentence, false);
        self.answer(sentence);
    }
}
