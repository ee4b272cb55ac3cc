//! What somebody at the machine of the server can do without a client: `thrive-node user|admin|ban|invite`.
//! A node may be running or not; one that runs finds what changed by its own checks within seconds.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use thrive_protocol::Refusal;
use thrive_protocol::admin::dates;
use thrive_protocol::admin::{AdminAnswer, AdminCommand, Ban, CreateUser, Until};
use thrive_protocol::ids::UserId;
use thrive_protocol::limits::AUDIT_PAGE;
use thrive_protocol::secret::Secret;

use thrive_node::cli::host::{AdminsCommand, BanCommand, InviteCommand, UserCommand};
use thrive_node::config::Config;
use thrive_node::data_dir::{DataDir, DataDirError};
use thrive_node::mail::{self, Means, Notice, Post};
use thrive_node::news::Answer as _;
use thrive_node::password::Hasher;
use thrive_node::presence::Online;
use thrive_node::service::Around;
use thrive_node::service::admins::{AdminError, Admins};
use thrive_node::store::{Database, Place, bans, invites};
use thrive_node::{clock, console};

/// The store of the configuration, and the deeds on it.
struct Host {
    database: Database,
    hasher: Hasher,
    admins: Admins,
    /// Held when no node is running, so that none starts meanwhile.
    _data: Option<DataDir>,
}

/// Accounts that are read at once.
const PAGE: usize = 500;

/// # Errors
/// It was not done; why.
pub(crate) async fn user(config: &Config, command: UserCommand) -> Result<String> {
    let host = Host::open(config).await?;
    let said = match command {
        UserCommand::List => host.list(|_| true).await,
        UserCommand::Create { name, password_file } => {
            let password = password(password_file.as_deref())?;
            host.create(name, password).await
        }
        UserCommand::Delete { name } => {
            host.order(AdminCommand::DeleteUser { username: name }).await
        }
        UserCommand::Password { name, password_file } => {
            let password = password(password_file.as_deref())?;
            host.set_password(config, &name, password).await
        }
    };
    host.database.close().await;
    said
}

/// # Errors
/// It was not done; why.
pub(crate) async fn admin(config: &Config, command: AdminsCommand) -> Result<String> {
    let host = Host::open(config).await?;
    let said = match command {
        AdminsCommand::Create { name, password_file } => host.make_admin(name, password_file).await,
        AdminsCommand::List => host.list(|is_admin| is_admin).await,
        AdminsCommand::Remove { name } => host.order(AdminCommand::Demote { username: name }).await,
        AdminsCommand::Audit { lines } => {
            let limit = lines.clamp(1, AUDIT_PAGE as u32);
            host.order(AdminCommand::Audit { before: None, limit }).await
        }
    };
    host.database.close().await;
    said
}

/// # Errors
/// It was not done; why.
pub(crate) async fn ban(config: &Config, command: BanCommand) -> Result<String> {
    let command = match command {
        BanCommand::Add { name, until, reason } => {
            let (until, reason) = (end(&until)?, reason.join(" "));
            AdminCommand::Ban(Ban { username: name, until, reason })
        }
        BanCommand::List => AdminCommand::Bans {},
        BanCommand::Remove { name } => AdminCommand::Unban { username: name },
    };
    let host = Host::open(config).await?;
    let said = host.order(command).await;
    host.database.close().await;
    said
}

/// # Errors
/// It was not done; why.
pub(crate) async fn invite(config: &Config, command: InviteCommand) -> Result<String> {
    let host = Host::open(config).await?;
    let said = match command {
        InviteCommand::Create { uses, until } => host.invite(uses, end(&until)?).await,
        InviteCommand::List => host.invites().await,
        InviteCommand::Revoke { id } => {
            let revoked = host.admins.host_revokes_invite(id).await.map_err(refused);
            revoked.map(|()| format!("The invitation {id} is void."))
        }
    };
    host.database.close().await;
    said
}

impl Host {
    async fn open(config: &Config) -> Result<Self> {
        let file = DataDir::database_in(&config.data);
        let place = config.database.as_ref().map_or(Place::File(&file), Place::Server);
        let data = match &config.database {
            Some(_) => None,
            None => match DataDir::open(&config.data) {
                Ok(data) => Some(data),
                // A node runs on it. SQLite lets two programs write one after the other.
                Err(DataDirError::InUse { .. }) => None,
                Err(error) => return Err(error).context("open the data folder"),
            },
        };
        if data.is_none() {
            // Nodes that run must not find a database that they do not know.
            let missing = Database::missing_steps(place).await?;
            ensure!(missing.is_empty(), "the database is not up to date: thrive-node migrate");
        }
        let database = Database::at(place).await.context("open the database")?;
        let hasher = Hasher::start().context("start the threads that hash passwords")?;
        let around = Around { has_mail: config.smtp.is_some(), ..Around::default() };
        let admins = Admins::new(database.clone(), hasher.clone(), Online::default(), around);
        Ok(Self { database, hasher, admins, _data: data })
    }

    async fn order(&self, command: AdminCommand) -> Result<String> {
        Ok(self.done(command).await?.to_string())
    }

    async fn done(&self, command: AdminCommand) -> Result<AdminAnswer> {
        // The news is for people who are connected; a node finds it by itself.
        self.admins.host(command).await.map(|done| done.reply).map_err(refused)
    }

    async fn create(&self, username: String, password: Secret) -> Result<String> {
        let create = CreateUser { username, password, email: None };
        self.order(AdminCommand::CreateUser(create)).await
    }

    /// The owner is told by mail, as of every other change of a password: no node does it for us.
    async fn set_password(&self, config: &Config, name: &str, password: Secret) -> Result<String> {
        let set = self.admins.host_sets_password(name, password).await;
        let (user, ended) = set.map_err(refused)?;
        let said = format!("{name} has another password now; {ended} sessions ended.");
        Ok(match self.tell(config, user).await {
            Ok(Notice::NoNeed) => said,
            Ok(Notice::Delivered) => format!("{said} They are told by mail."),
            Ok(Notice::Undelivered) => {
                format!("{said} The mail that tells them was not delivered.")
            }
            Err(error) => format!("{said} They could not be told by mail: {error:#}"),
        })
    }

    async fn tell(&self, config: &Config, user: UserId) -> Result<Notice> {
        let Some(smtp) = &config.smtp else { return Ok(Notice::NoNeed) };
        let means = Means {
            database: self.database.clone(),
            hasher: self.hasher.clone(),
            post: Post::new(smtp)?,
            server: config.name.clone(),
        };
        Ok(mail::tell_of_password(means, user).await?)
    }

    async fn make_admin(&self, name: String, password_file: Option<PathBuf>) -> Result<String> {
        let username = thrive_protocol::name::Username::parse(&name)
            .map_err(|error| anyhow!("{name}: {error}"))?;
        let mut said = Vec::new();
        if self.database.find_user(&username).await?.is_none() {
            let password = password(password_file.as_deref())?;
            said.push(self.create(name.clone(), password).await?);
        }
        said.push(self.order(AdminCommand::Promote { username: name }).await?);
        Ok(said.join("\n"))
    }

    async fn list(&self, wanted: impl Fn(bool) -> bool) -> Result<String> {
        let (mut lines, mut last) = (Vec::new(), String::new());
        loop {
            let page = self.database.accounts_after(&last, PAGE).await?;
            let Some(end) = page.last() else { break };
            end.username.as_str().clone_into(&mut last);
            for account in page.into_iter().filter(|it| wanted(it.is_admin)) {
                let admin = if account.is_admin { " (Admin)" } else { "" };
                let since = dates::shown(account.created);
                lines.push(format!("{}{admin}, since {since}", account.username));
            }
        }
        if lines.is_empty() {
            lines.push("There is nobody.".to_owned());
        }
        Ok(lines.join("\n"))
    }

    async fn invite(&self, uses: u32, until: Until) -> Result<String> {
        let (id, code) = self.admins.host_invites(uses, until).await.map_err(refused)?;
        Ok(format!("{}\nThis is invitation {id}. Its code is not shown again.", code.expose()))
    }

    async fn invites(&self) -> Result<String> {
        let invites = self.database.invites(clock::now()).await?;
        if invites.is_empty() {
            return Ok("Nobody is invited.".to_owned());
        }
        let line = |it: &invites::Invite| {
            let until = thrive_protocol::admin::words::end(bans::until(it.ends));
            format!("{}, for {} more, {until}", it.id, it.uses)
        };
        Ok(invites.iter().map(line).collect::<Vec<_>>().join("\n"))
    }
}

fn end(word: &str) -> Result<Until> {
    match dates::end(word) {
        Some(Ok(until)) => Ok(until),
        Some(Err(error)) => bail!("{word}: {error}"),
        None => bail!("{word} is neither a date (MM/DD/YYYY, YYYY-MM-DD) nor a duration (12h, 3d)"),
    }
}

fn refused(error: AdminError) -> anyhow::Error {
    match error {
        AdminError::Refused(refusal) => anyhow!(said(&refusal)),
        AdminError::TooOften(_) => anyhow!(said(&error.refusal())),
        AdminError::Hash(_) | AdminError::Store(_) => error.into(),
    }
}

fn said(refusal: &Refusal) -> String {
    console::why(refusal)
}

/// From a file, or from whoever is at the terminal; never from an argument, which others can see.
fn password(file: Option<&Path>) -> Result<Secret> {
    if let Some(file) = file {
        let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
        return Ok(Secret::new(text.lines().next().unwrap_or_default().to_owned()));
    }
    ensure!(
        std::io::IsTerminal::is_terminal(&std::io::stdin()),
        "no password: say --password-file FILE, or use a terminal"
    );
    let ask = |words| rpassword::prompt_password(words).map(Secret::new);
    let first = ask("New password: ")?;
    ensure!(ask("The same again: ")? == first, "the two passwords differ");
    Ok(first)
}
