//! A node as clients see it: an address, and the words of people who come in.

use std::net::SocketAddr;

use anyhow::{Context as _, Result, bail};
use thrive_protocol::ids::{ConversationId, UserId};
use thrive_protocol::reply::LoggedIn;
use thrive_protocol::request::{CreateAccount, LogIn, RequestContact, Resume};
use thrive_protocol::secret::Secret;
use thrive_protocol::{Event, Refusal, Reply, Request};

use crate::dial::{self, Dialer};
use crate::raw::RawClient;

/// The password of everybody whom the testkit makes.
pub const PASSWORD: &str = "a long enough password";

/// With two nodes, the chance to miss one of them so often is that of a broken machine.
const ATTEMPTS: usize = 64;

/// Where a node is, and a socket to reach it from. A cheap handle.
#[derive(Clone)]
pub struct Door {
    pub address: SocketAddr,
    pub dialer: Dialer,
    /// Only a node that calls itself so will do: behind a router, one tries until it is there.
    pub wanted: Option<String>,
}

/// Two people who are contacts, and their conversation.
pub struct Pair {
    pub ann: RawClient,
    pub bob: RawClient,
    pub chat: ConversationId,
}

impl Door {
    /// # Errors
    /// There is no socket to be had.
    pub fn new(address: SocketAddr) -> Result<Self> {
        Ok(Self { address, dialer: Dialer::new()?, wanted: None })
    }

    /// The same node, reached in another way.
    #[must_use]
    pub fn by(&self, dialer: Dialer) -> Self {
        Self { dialer, ..self.clone() }
    }

    /// The same, and only to the node that calls itself so.
    #[must_use]
    pub fn to(&self, server: &str) -> Self {
        Self { wanted: Some(server.to_owned()), ..self.clone() }
    }

    /// Connected, and nothing said yet.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn connect(&self) -> Result<RawClient> {
        RawClient::open(self.dialer.connect(self.address).await?).await
    }

    /// Connected and welcome.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn guest(&self) -> Result<RawClient> {
        for _ in 0..ATTEMPTS {
            let mut client = self.connect().await?;
            client.hello().await?;
            if self.wanted.as_ref().is_none_or(|it| *it == client.server) {
                return Ok(client);
            }
            client.connection.close(0_u32.into(), b"");
        }
        bail!("{ATTEMPTS} times at another node than {:?}", self.wanted)
    }

    /// Makes an account with [`PASSWORD`].
    ///
    /// # Errors
    /// The node refuses.
    pub async fn sign_up(&self, username: &str) -> Result<()> {
        self.guest().await?.ok(create_account(username, None)).await.map(drop)
    }

    /// Makes an account with [`PASSWORD`] and an address, which waits for its code then.
    ///
    /// # Errors
    /// The node refuses.
    pub async fn sign_up_with(&self, username: &str, email: &str) -> Result<()> {
        self.guest().await?.ok(create_account(username, Some(email))).await.map(drop)
    }

    /// Logs in with [`PASSWORD`].
    ///
    /// # Errors
    /// The node refuses.
    pub async fn log_in(&self, username: &str) -> Result<RawClient> {
        let mut client = self.guest().await?;
        let answer = self.try_log_in(&mut client, username, PASSWORD).await?;
        client.me = Some(answer.map_err(|no| anyhow::anyhow!("{username} may not in: {no:?}"))?);
        Ok(client)
    }

    /// One attempt to log in on a connection that is welcome.
    ///
    /// # Errors
    /// There is no answer.
    pub async fn try_log_in(
        &self,
        client: &mut RawClient,
        username: &str,
        password: &str,
    ) -> Result<Result<LoggedIn, Refusal>> {
        let password = Secret::new(password.into());
        let log_in = LogIn {
            username: username.into(),
            password,
            device: format!("{username}'s device"),
            presence: None,
        };
        match client.ask(Request::LogIn(log_in)).await? {
            Ok(Reply::LoggedIn(me)) => Ok(Ok(me)),
            Ok(other) => bail!("no login but {other:?}"),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Comes back with a token.
    ///
    /// # Errors
    /// The node refuses.
    pub async fn resume(&self, token: &Secret) -> Result<RawClient> {
        let mut client = self.guest().await?;
        match client.ok(Request::Resume(Resume { token: token.clone() })).await? {
            Reply::LoggedIn(me) => client.me = Some(me),
            other => bail!("no login but {other:?}"),
        }
        Ok(client)
    }

    /// A new account, logged in.
    ///
    /// # Errors
    /// The node refuses.
    pub async fn newcomer(&self, username: &str) -> Result<RawClient> {
        self.sign_up(username).await?;
        self.log_in(username).await
    }

    /// Ann and Bob, who are new, contacts, and have an empty conversation.
    ///
    /// # Errors
    /// The node refuses something.
    pub async fn pair(&self) -> Result<Pair> {
        self.pair_of("ann", "bob").await
    }

    /// Two people who are new, contacts, and have an empty conversation.
    ///
    /// # Errors
    /// The node refuses something.
    pub async fn pair_of(&self, one: &str, other: &str) -> Result<Pair> {
        self.pair_across(one, self, other).await
    }

    /// The same, with the other one at another node.
    ///
    /// # Errors
    /// A node refuses something.
    pub async fn pair_across(&self, one: &str, there: &Self, other: &str) -> Result<Pair> {
        let mut ann = self.newcomer(one).await?;
        let mut bob = there.newcomer(other).await?;
        ann.ok(request_contact(other, "")).await?;
        bob.ok(Request::AcceptContact { user: ann.user()? }).await?;
        let chat = ann.open_chat(other).await?.conversation;
        // From here on both hear what is said in it.
        bob.open_chat(one).await?;
        Ok(Pair { ann, bob, chat })
    }

    /// The fingerprint of the certificate that the node shows.
    ///
    /// # Errors
    /// The node does not answer.
    pub async fn fingerprint(&self) -> Result<String> {
        dial::fingerprint(&self.dialer.connect(self.address).await?)
    }
}

impl RawClient {
    /// Who is logged in here.
    ///
    /// # Errors
    /// Nobody is.
    pub fn user(&self) -> Result<UserId> {
        Ok(self.me.as_ref().context("somebody is logged in")?.user)
    }

    /// The token of this login.
    ///
    /// # Errors
    /// Nobody has logged in with a password here.
    pub fn token(&self) -> Result<Secret> {
        let me = self.me.as_ref().context("somebody is logged in")?;
        me.token.clone().context("a login by password brings a token")
    }

    /// Waits until `user` is shown with a presence that `pick` likes.
    ///
    /// # Errors
    /// It does not come in time.
    pub async fn sees<T>(
        &mut self,
        user: UserId,
        mut pick: impl FnMut(thrive_protocol::people::Presence) -> Option<T>,
    ) -> Result<T> {
        self.event(|event| match event {
            Event::Presence { user: who, presence } if who == user => pick(presence),
            _ => None,
        })
        .await
    }
}

/// The request that makes an account with [`PASSWORD`].
#[must_use]
pub fn create_account(username: &str, email: Option<&str>) -> Request {
    let email = email.map(|it| Secret::new(it.into()));
    let password = Secret::new(PASSWORD.into());
    Request::CreateAccount(CreateAccount {
        username: username.into(),
        password,
        email,
        invite: None,
    })
}

/// The request that asks somebody to be a contact.
#[must_use]
pub fn request_contact(username: &str, text: &str) -> Request {
    Request::RequestContact(RequestContact { username: username.into(), text: text.into() })
}
