//! What every command needs: folder, server, account; and a client that is logged in.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Map, Value, json};
use thrive_client::{
    Client, Code, Contact, Failure, Options, ServerAddress, UserId, Username, Vault,
};

use super::Trouble;
use super::args::Global;
use super::config::{self, Environment};
use super::output::Output;
use super::words;

/// How long a command waits for a server, a restart of it included.
pub(crate) const CONNECT: Duration = Duration::from_secs(20);
/// Which account was used last, for each server.
const CURRENT: &str = "current.json";

pub(crate) struct Context {
    pub(crate) dir: PathBuf,
    pub(crate) server: ServerAddress,
    pub(crate) vault: Vault,
    pub(crate) environment: Environment,
    pub(crate) output: Output,
    account: Option<Username>,
}

impl Context {
    pub(crate) fn new(
        global: Global,
        environment: Environment,
        output: Output,
    ) -> Result<Self, Trouble> {
        let server = config::server(global.server.as_deref(), &environment)?;
        let dir = config::data_dir(global.dir, &environment)?;
        let account = global.account.as_deref().map(username).transpose()?;
        let vault = Vault::in_file(&dir);
        Ok(Self { dir, server, vault, environment, output, account })
    }

    /// A client of the server; nobody is logged in.
    pub(crate) async fn client(&self) -> Result<Client, Trouble> {
        let options = Options {
            dir: self.dir.clone(),
            server: self.server.clone(),
            program: concat!("thrive ", env!("CARGO_PKG_VERSION")).to_owned(),
            device: config::device(),
        };
        let client = Client::open(options).await?;
        // Whoever started a command waits for it.
        client.attend(true);
        Ok(client)
    }

    /// The account that commands are for: the one named, else the one used last, else the only one.
    pub(crate) fn account(&self) -> Result<Username, Trouble> {
        if let Some(account) = &self.account {
            return Ok(account.clone());
        }
        let known = self.vault.in_file_for(&self.server);
        let last =
            self.current().get(&self.server.to_string()).and_then(Value::as_str).map(str::to_owned);
        if let Some(last) = last
            && let Some(account) = known.iter().find(|account| account.as_str() == last)
        {
            return Ok(account.clone());
        }
        match known.as_slice() {
            [] => Err(Failure::NotLoggedIn.into()),
            [only] => Ok(only.clone()),
            [_, ..] => {
                let names: Vec<_> = known.iter().map(Username::as_str).collect();
                let names = names.join(", ");
                Err(Trouble::Usage(format!(
                    "several accounts are logged in: {names}; say --account NAME"
                )))
            }
        }
    }

    /// Notes the account that commands are for from now on.
    pub(crate) fn set_account(&self, account: &Username) -> Result<(), Trouble> {
        let mut current = self.current();
        current.insert(self.server.to_string(), json!(account.as_str()));
        let path = self.dir.join(CURRENT);
        std::fs::write(&path, Value::Object(current).to_string())
            .map_err(|error| Trouble::Local(format!("{}: {error}", path.display())))
    }

    fn current(&self) -> Map<String, Value> {
        let text = std::fs::read_to_string(self.dir.join(CURRENT)).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// A client that comes back with the token of the account; it may not be connected yet.
    pub(crate) async fn resumed(&self) -> Result<Client, Trouble> {
        let client = self.client().await?;
        self.resume(&client).await?;
        Ok(client)
    }

    pub(crate) async fn resume(&self, client: &Client) -> Result<(), Trouble> {
        let account = self.account()?;
        let token = self.vault.load(&self.server, &account).await;
        let token = token.ok_or(Failure::NotLoggedIn)?;
        let resumed = client.resume(account.as_str(), token).await;
        self.checked(&account, resumed).await
    }

    /// A client that is connected and has read what it missed.
    pub(crate) async fn online(&self) -> Result<Client, Trouble> {
        let client = self.resumed().await?;
        let account = self.account()?;
        let online = client.online(CONNECT).await;
        self.checked(&account, online).await?;
        self.tell_missed(&client);
        Ok(client)
    }

    /// For people: programs find the unread messages in the list of contacts.
    pub(crate) fn tell_missed(&self, client: &Client) {
        if let Some(text) = words::missed(&client.missed()) {
            self.output.note(&text);
        }
    }

    /// Forgets a token that the server does not know any more.
    async fn checked(
        &self,
        account: &Username,
        result: Result<(), Failure>,
    ) -> Result<(), Trouble> {
        if let Err(Failure::Refused { code: Code::SessionEnded, .. }) = result {
            self.vault.remove(&self.server, account).await?;
        }
        Ok(result?)
    }
}

pub(crate) fn username(raw: &str) -> Result<Username, Trouble> {
    Username::parse(raw).map_err(|error| Trouble::Usage(format!("{raw:?}: {error}")))
}

/// Somebody who is known on this device or in the contact list.
pub(crate) fn known(client: &Client, raw: &str) -> Result<Contact, Trouble> {
    let unknown = Failure::Refused { code: Code::NoSuchUser, retry_after_ms: None, limit: None };
    Ok(client.find(&username(raw)?).ok_or(unknown)?)
}

/// The name of somebody by number.
pub(crate) fn name_of(client: &Client, user: UserId) -> String {
    client.contact(user).map_or_else(|| user.to_string(), |contact| contact.username.to_string())
}
