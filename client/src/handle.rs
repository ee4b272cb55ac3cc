//! The public face of the client: a cheap handle around one task.

use std::path::PathBuf;

use crate::types::*;

/// What a client needs to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Data folder of this client: cache, outbox, known servers.
    pub dir: PathBuf,
    pub server: ServerAddress,
    /// Program and version: `thrive 0.1.0`.
    pub program: String,
    /// What this device is called in the list of sessions.
    pub device: String,
}

/// News, in order. See [`Change`].
#[derive(Debug)]
pub struct Changes {}

impl Changes {
    /// The next change; `None` once the client is closed.
    pub async fn next(&mut self) -> Option<Change> {
        unimplemented!()
    }
}

/// One client of one server.
#[derive(Clone, Debug)]
pub struct Client {}

impl Client {
    pub async fn open(options: Options) -> Result<Self, Failure> {
        let _ = (&options);
        unimplemented!()
    }

    pub fn changes(&self) -> Changes {
        unimplemented!()
    }

    pub fn connection(&self) -> Connection {
        unimplemented!()
    }

    pub fn account(&self) -> Option<Account> {
        unimplemented!()
    }

    pub async fn accept_server(
        &self,
        server: &ServerAddress,
        fingerprint: &str,
    ) -> Result<(), Failure> {
        let _ = (&server, &fingerprint);
        unimplemented!()
    }

    pub async fn server_info(&self) -> Result<ServerInfo, Failure> {
        unimplemented!()
    }

    pub async fn create_account(&self, username: &str, password: Secret) -> Result<(), Failure> {
        let _ = (&username, &password);
        unimplemented!()
    }

    pub async fn log_in(&self, username: &str, password: Secret) -> Result<Account, Failure> {
        let _ = (&username, &password);
        unimplemented!()
    }

    pub async fn resume(&self, username: &str, token: Secret) -> Result<(), Failure> {
        let _ = (&username, &token);
        unimplemented!()
    }

    pub async fn log_out(&self) -> Result<(), Failure> {
        unimplemented!()
    }

    pub async fn close(self) {
        unimplemented!()
    }

    pub async fn change_password(
        &self,
        old: Secret,
        new: Secret,
        end_other_sessions: bool,
    ) -> Result<(), Failure> {
        let _ = (&old, &new, &end_other_sessions);
        unimplemented!()
    }

    pub async fn devices(&self) -> Result<Vec<Device>, Failure> {
        unimplemented!()
    }

    pub async fn revoke_device(&self, session: SessionId) -> Result<(), Failure> {
        let _ = (&session);
        unimplemented!()
    }

    pub fn contacts(&self) -> Vec<Contact> {
        unimplemented!()
    }

    pub fn contact(&self, user: UserId) -> Option<Contact> {
        let _ = (&user);
        unimplemented!()
    }

    pub fn find(&self, username: &Username) -> Option<Contact> {
        let _ = (&username);
        unimplemented!()
    }

    pub async fn add_contact(&self, username: &str, text: &str) -> Result<Contact, Failure> {
        let _ = (&username, &text);
        unimplemented!()
    }

    pub async fn accept_contact(&self, user: UserId) -> Result<Contact, Failure> {
        let _ = (&user);
        unimplemented!()
    }

    pub async fn decline_contact(&self, user: UserId) -> Result<(), Failure> {
        let _ = (&user);
        unimplemented!()
    }

    pub async fn remove_contact(&self, user: UserId) -> Result<(), Failure> {
        let _ = (&user);
        unimplemented!()
    }

    pub async fn block(&self, username: &str) -> Result<Contact, Failure> {
        let _ = (&username);
        unimplemented!()
    }

    pub async fn unblock(&self, user: UserId) -> Result<(), Failure> {
        let _ = (&user);
        unimplemented!()
    }

    pub async fn name_contact(&self, user: UserId, nickname: &str) -> Result<Contact, Failure> {
        let _ = (&user, &nickname);
        unimplemented!()
    }

    pub fn own_presence(&self) -> Presence {
        unimplemented!()
    }

    pub async fn set_presence(&self, presence: Presence) -> Result<(), Failure> {
        let _ = (&presence);
        unimplemented!()
    }

    pub async fn open_chat(&self, username: &str) -> Result<UserId, Failure> {
        let _ = (&username);
        unimplemented!()
    }

    pub async fn send(&self, peer: UserId, text: &str) -> Result<MessageKey, Failure> {
        let _ = (&peer, &text);
        unimplemented!()
    }

    pub async fn send_and_wait(&self, peer: UserId, text: &str) -> Result<Message, Failure> {
        let _ = (&peer, &text);
        unimplemented!()
    }

    pub async fn retry(&self, message: MessageKey) -> Result<(), Failure> {
        let _ = (&message);
        unimplemented!()
    }

    pub async fn discard(&self, message: MessageKey) -> Result<(), Failure> {
        let _ = (&message);
        unimplemented!()
    }

    pub async fn messages(&self, peer: UserId, limit: usize) -> Result<Vec<Message>, Failure> {
        let _ = (&peer, &limit);
        unimplemented!()
    }

    pub async fn earlier(
        &self,
        peer: UserId,
        before: MessageKey,
        limit: usize,
    ) -> Result<(Vec<Message>, bool), Failure> {
        let _ = (&peer, &before, &limit);
        unimplemented!()
    }

    pub async fn mark_read(&self, peer: UserId) -> Result<(), Failure> {
        let _ = (&peer);
        unimplemented!()
    }

    pub async fn typing(&self, peer: UserId, active: bool) {
        let _ = (&peer, &active);
        unimplemented!()
    }

    pub async fn draft(&self, peer: UserId) -> String {
        let _ = (&peer);
        unimplemented!()
    }

    pub async fn set_draft(&self, peer: UserId, text: &str) -> Result<(), Failure> {
        let _ = (&peer, &text);
        unimplemented!()
    }
}
