//! Orders of an admin, and whether whoever is logged in is one.

pub use thrive_protocol::admin::grammar::{self, Line, NotUnderstood, Usage};
pub use thrive_protocol::admin::{
    Address, AdminAnswer, AdminCommand, AuditEntry, AuditText, Ban, BanEntry, BanFiles, CreateUser,
    Extension, OnlinePerson, Person, Until, dates, words,
};
pub use thrive_protocol::ids::Time;
use thrive_protocol::reply::Reply;
use thrive_protocol::request::{Request, Stream};

use crate::engine::asking::Effect;
use crate::handle::Client;
use crate::session::strange;
use crate::types::Failure;

impl Client {
    /// Gives an order. What it says is what really happened.
    ///
    /// # Errors
    /// The server refuses (whoever asks may be no admin), or there is no connection.
    pub async fn admin(&self, command: AdminCommand) -> Result<AdminAnswer, Failure> {
        let stream = command.stream();
        let request = Request::Admin(command);
        let reply = match stream {
            Stream::Control => self.request(request, Effect::None).await?,
            Stream::Bulk | Stream::Transfer => self.aside(request).await?,
        };
        let Reply::Admin(answer) = reply else { return Err(strange("the answer to an admin")) };
        Ok(answer)
    }

    /// Whether I am an admin, as the server last said.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.shared.state.lock().model.is_admin()
    }
}
