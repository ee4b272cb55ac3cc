//! Asking about the server, making accounts, managing one's own.

use thrive_protocol::reply::{Reply, SignUp};
use thrive_protocol::request::{ChangePassword, Request};

use crate::engine::asking::Effect;
use crate::handle::Client;
use crate::session::{greet, strange};
use crate::types::{Device, Failure, Greeting, Secret, ServerInfo, SessionId};

impl Client {
    /// About the server; needs no account.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn server_info(&self) -> Result<ServerInfo, Failure> {
        let reply = match self.is_online() {
            true => self.request(Request::ServerInfo {}, Effect::None).await?,
            false => self.ask_once(Request::ServerInfo {}).await?,
        };
        let Reply::ServerInfo(info) = reply else { return Err(strange("the server information")) };
        Ok(ServerInfo {
            name: info.server,
            host: info.host.unwrap_or_else(|| self.options.server.host.clone()),
            port: info.port.unwrap_or(self.options.server.port),
            encrypted: true,
            software: info.software,
            accounts: info.accounts,
            online: info.online,
            started_ms: info.started.0,
            sign_up_open: is_open(info.sign_up),
            sign_up_by_invite: info.sign_up == SignUp::Invite,
            text_chars: info.limits.text_chars,
            status_chars: info.limits.status_chars,
            password_min: info.limits.password_min,
            email_required: info.email_required,
            files: info.limits.files,
        })
    }

    /// What the server says to everybody who comes; needs no account.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn greeting(&self) -> Result<Greeting, Failure> {
        let options = &self.options;
        let mut greeted = greet(&options.server, &self.pins, &options.program).await?;
        let people = match greeted.ask(Request::ServerInfo {}).await {
            Ok(Reply::ServerInfo(info)) => Some((info.accounts, info.online)),
            // What it says of itself has come; that it does not count is no reason to say nothing.
            Ok(_) | Err(_) => None,
        };
        let welcome = greeted.welcome.clone();
        greeted.leave().await;
        Ok(Greeting {
            name: welcome.server,
            sign_up_open: is_open(welcome.sign_up),
            sign_up_by_invite: welcome.sign_up == SignUp::Invite,
            email_required: welcome.email_required,
            text: welcome.text.as_str().to_owned(),
            people,
        })
    }

    /// What the operator says to people who have logged in; empty before that, and often after it.
    #[must_use]
    pub fn welcome_text(&self) -> String {
        self.shared.state.lock().welcome.clone()
    }

    /// Makes an account where no address of e-mail is needed; [`Self::sign_up`] is for everywhere. It does
    /// not log in.
    ///
    /// # Errors
    /// The name or the password is refused, the server takes nobody, or it cannot be reached.
    pub async fn create_account(&self, username: &str, password: Secret) -> Result<(), Failure> {
        self.sign_up(username, password, None, None).await.map(drop)
    }

    /// The same with the code of an invitation.
    ///
    /// # Errors
    /// As [`Self::create_account`], or the code is good for nothing any more.
    pub async fn create_account_invited(
        &self,
        username: &str,
        password: Secret,
        code: Secret,
    ) -> Result<(), Failure> {
        self.sign_up(username, password, None, Some(code)).await.map(drop)
    }

    /// Changes the password of whoever is logged in.
    ///
    /// # Errors
    /// The old one is wrong, the new one is refused, or there is no connection.
    pub async fn change_password(
        &self,
        old: Secret,
        new: Secret,
        end_other_sessions: bool,
    ) -> Result<(), Failure> {
        let change = ChangePassword { old, new, end_other_sessions };
        self.request(Request::ChangePassword(change), Effect::None).await?;
        Ok(())
    }

    /// Where I am logged in.
    ///
    /// # Errors
    /// There is no connection.
    pub async fn devices(&self) -> Result<Vec<Device>, Failure> {
        let reply = self.aside(Request::ListSessions {}).await?;
        let Reply::Sessions { sessions } = reply else { return Err(strange("the devices")) };
        let devices = sessions.into_iter().map(|session| Device {
            session: session.session,
            name: session.device.as_str().to_owned(),
            created_ms: session.created.0,
            last_seen_ms: session.last_seen.0,
            current: session.current,
        });
        Ok(devices.collect())
    }

    /// Ends one of my sessions.
    ///
    /// # Errors
    /// There is no such session, or no connection.
    pub async fn revoke_device(&self, session: SessionId) -> Result<(), Failure> {
        self.request(Request::RevokeSession { session }, Effect::None).await?;
        Ok(())
    }

    /// One request on a short connection of its own.
    pub(crate) async fn ask_once(&self, request: Request) -> Result<Reply, Failure> {
        let options = &self.options;
        let mut greeted = greet(&options.server, &self.pins, &options.program).await?;
        let reply = greeted.ask(request).await;
        greeted.leave().await;
        reply
    }
}

fn is_open(sign_up: SignUp) -> bool {
    match sign_up {
        SignUp::Open => true,
        SignUp::Invite | SignUp::Closed => false,
    }
}
