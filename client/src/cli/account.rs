//! `thrive account`, `login`, `logout`, `whoami`, `sessions`, `password`.

use serde_json::json;
use thrive_client::{Client, Code, Failure, Secret, SessionId};

use super::Trouble;
use super::args::{AccountCommand, PasswordCommand, PasswordFrom, SessionsCommand};
use super::context::{Context, username};
use super::password::{Ask, password as ask_password};
use super::records;

pub(crate) async fn account(context: &Context, command: AccountCommand) -> Result<(), Trouble> {
    let AccountCommand::Create { username: name, password, login, invite } = command;
    let name = username(&name)?;
    let from = context.environment.password.as_ref();
    let secret = ask_password("New password", password.password_file.as_deref(), from, Ask::Twice)?;
    let client = context.client().await?;
    match invite.map(Secret::new) {
        Some(code) => client.create_account_invited(name.as_str(), secret.clone(), code).await?,
        None => client.create_account(name.as_str(), secret.clone()).await?,
    }
    let text = format!("The account {name} is made.");
    context.output.say(&text, &json!({ "type": "account", "username": name.as_str() }))?;
    if login {
        return enter(context, client, name.as_str(), secret).await;
    }
    client.close().await;
    Ok(())
}

pub(crate) async fn log_in(
    context: &Context,
    name: &str,
    password: &PasswordFrom,
) -> Result<(), Trouble> {
    let name = username(name)?;
    let from = context.environment.password.as_ref();
    let secret = ask_password("Password", password.password_file.as_deref(), from, Ask::Once)?;
    let client = context.client().await?;
    enter(context, client, name.as_str(), secret).await
}

async fn enter(
    context: &Context,
    client: Client,
    name: &str,
    secret: Secret,
) -> Result<(), Trouble> {
    let account = client.log_in(name, secret).await?;
    context.vault.save(&context.server, &account.username, &account.token).await?;
    context.set_account(&account.username)?;
    client.close().await;
    let text = format!("Logged in as {} on {}.", account.username, context.server);
    let record = json!({
        "type": "login",
        "username": account.username.as_str(),
        "user": account.user.0,
        "server": context.server.to_string(),
    });
    context.output.say(&text, &record)
}

pub(crate) async fn log_out(context: &Context) -> Result<(), Trouble> {
    let account = context.account()?;
    let told = match context.online().await {
        Ok(client) => {
            let told = client.log_out().await;
            client.close().await;
            told
        }
        Err(Trouble::Failure(failure)) => Err(failure),
        Err(trouble) => return Err(trouble),
    };
    context.vault.remove(&context.server, &account).await?;
    let told = match told {
        Ok(()) | Err(Failure::Refused { code: Code::SessionEnded, .. }) => true,
        Err(failure) => {
            context.output.note(&format!("The server could not be told: {failure}"));
            false
        }
    };
    let record = json!({ "type": "logout", "username": account.as_str(), "server_told": told });
    context.output.say(&format!("{account} is logged out here."), &record)
}

pub(crate) async fn who_am_i(context: &Context) -> Result<(), Trouble> {
    let client = context.online().await?;
    let account = client.account().ok_or(Failure::NotLoggedIn)?;
    client.close().await;
    let text = format!("{} on {}", account.username, context.server);
    let record = json!({
        "type": "login",
        "username": account.username.as_str(),
        "user": account.user.0,
        "server": context.server.to_string(),
    });
    context.output.say(&text, &record)
}

pub(crate) async fn sessions(context: &Context, command: SessionsCommand) -> Result<(), Trouble> {
    let client = context.online().await?;
    match command {
        SessionsCommand::List => {
            for device in client.devices().await? {
                let (text, record) = records::device(&device);
                context.output.say(&text, &record)?;
            }
        }
        SessionsCommand::Revoke { id } => {
            client.revoke_device(SessionId(id)).await?;
            let record = json!({ "type": "revoked", "id": id });
            context.output.say(&format!("Session {id} has ended."), &record)?;
        }
    }
    client.close().await;
    Ok(())
}

pub(crate) async fn password(context: &Context, command: PasswordCommand) -> Result<(), Trouble> {
    let PasswordCommand::Change { password, new_password_file, end_other_sessions } = command;
    let environment = &context.environment;
    let file = password.password_file.as_deref();
    let old = ask_password("Old password", file, environment.password.as_ref(), Ask::Once)?;
    let file = new_password_file.as_deref();
    let new = ask_password("New password", file, environment.new_password.as_ref(), Ask::Twice)?;
    let client = context.online().await?;
    client.change_password(old, new, end_other_sessions).await?;
    client.close().await;
    let record = json!({ "type": "password_changed", "other_sessions_ended": end_other_sessions });
    context.output.say("The password is changed.", &record)
}
