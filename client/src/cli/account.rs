//! `thrive account`, `login`, `logout`, `whoami`, `sessions`, `password`.

use serde_json::json;
use thrive_client::{Client, Code, Failure, Secret, SessionId, SignedUp};

use super::Trouble;
use super::args::{AccountCommand, PasswordCommand, PasswordFrom, SessionsCommand};
use super::context::{CONNECT, Context, username};
use super::email;
use super::password::{Ask, password as ask_password};
use super::records;

pub(crate) async fn account(context: &Context, command: AccountCommand) -> Result<(), Trouble> {
    match command {
        AccountCommand::Create { username, email, password, login, invite } => {
            create(context, &username, email.as_deref(), invite, &password, login).await
        }
        AccountCommand::Verify { username, code, resend: _ } => {
            email::verify(context, &username, code).await
        }
        AccountCommand::Forgot { who } => email::forgot(context, &who).await,
        AccountCommand::Reset { username, code, password } => {
            email::reset(context, &username, code, &password).await
        }
        AccountCommand::Email { command } => {
            email::email(context, command.unwrap_or_default()).await
        }
    }
}

async fn create(
    context: &Context,
    name: &str,
    email: Option<&str>,
    invite: Option<String>,
    password: &PasswordFrom,
    login: bool,
) -> Result<(), Trouble> {
    let name = username(name)?;
    let from = context.environment.password.as_ref();
    let secret = ask_password("New password", password.password_file.as_deref(), from, Ask::Twice)?;
    let client = context.client().await?;
    let made =
        client.sign_up(name.as_str(), secret.clone(), email, invite.map(Secret::new)).await?;
    let (verified, next) = match made {
        SignedUp::Ready => (true, String::new()),
        SignedUp::CodeSent => {
            let next = format!(
                " A code is on its way to the e-mail address. Enter it with: thrive account verify {name} CODE"
            );
            (false, next)
        }
    };
    let record = json!({ "type": "account", "username": name.as_str(), "verified": verified });
    context.output.say(&format!("The account {name} is made.{next}"), &record)?;
    if !login {
        client.close().await;
        return Ok(());
    }
    if !verified {
        email::verify_now(context, &client, name.as_str()).await?;
    }
    enter(context, client, name.as_str(), secret).await
}

pub(crate) async fn log_in(
    context: &Context,
    name: &str,
    password: &PasswordFrom,
) -> Result<(), Trouble> {
    let name = username(name)?;
    let from = context.environment.password.as_ref();
    let client = context.client().await?;
    let greeting = client.greeting().await?;
    if !greeting.text.is_empty() {
        context.output.note(&greeting.text);
    }
    let secret = ask_password("Password", password.password_file.as_deref(), from, Ask::Once)?;
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
    let text = format!("Logged in as {} on {}.", account.username, context.server);
    let welcome = client.welcome_text();
    let record = json!({
        "type": "login",
        "username": account.username.as_str(),
        "user": account.user.0,
        "server": context.server.to_string(),
        "welcome": welcome,
    });
    context.output.say(&text, &record)?;
    if !welcome.is_empty() {
        context.output.note(&welcome);
    }
    // Whoever logs in wants to know what came. They are logged in, whether that can be read now or not.
    if client.online(CONNECT).await.is_ok() {
        context.tell_missed(&client);
    }
    client.close().await;
    Ok(())
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
