//! `thrive account verify`, `forgot`, `reset` and `email`.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use serde_json::json;
use thrive_client::{Client, Code, Failure, Secret};

use super::Trouble;
use super::args::{EmailCommand, PasswordFrom};
use super::context::{Context, username};
use super::password::{Ask, password as ask_password};
use super::words;

/// Without a code: another one is sent.
pub(crate) async fn verify(
    context: &Context,
    name: &str,
    code: Option<String>,
) -> Result<(), Trouble> {
    let name = username(name)?;
    let client = context.client().await?;
    let (text, record) = match code {
        Some(code) => {
            client.verify_account(name.as_str(), Secret::new(code)).await?;
            let text = format!("The account {name} is verified. Log in with: thrive login {name}");
            (text, json!({ "type": "verified", "username": name.as_str() }))
        }
        None => {
            client.resend_code(name.as_str()).await?;
            let text = format!("If {name} waits for a code, another one is on its way.");
            (text, json!({ "type": "code_requested", "account": name.as_str() }))
        }
    };
    client.close().await;
    context.output.say(&text, &record)
}

/// Asks the person at the terminal for the code of the account that was just made.
pub(crate) async fn verify_now(
    context: &Context,
    client: &Client,
    name: &str,
) -> Result<(), Trouble> {
    if !std::io::stdin().is_terminal() {
        let unverified = Code::AccountUnverified;
        let refused = Failure::Refused { code: unverified, retry_after_ms: None, limit: None };
        return Err(refused.into());
    }
    loop {
        match client.verify_account(name, Secret::new(ask_code()?)).await {
            Err(Failure::Refused { code: code @ Code::WrongCode, .. }) => {
                context.output.note(&format!("That did not work: {}.", words::code(code)));
            }
            done => return Ok(done?),
        }
    }
}

fn ask_code() -> Result<String, Trouble> {
    let local = |error: std::io::Error| Trouble::Local(format!("the terminal: {error}"));
    let mut err = std::io::stderr();
    write!(err, "The code from the e-mail: ").and_then(|()| err.flush()).map_err(local)?;
    let mut line = String::new();
    match std::io::stdin().lock().read_line(&mut line).map_err(local)? {
        0 => Err(Trouble::Usage("no code was given".to_owned())),
        _ => Ok(line),
    }
}

pub(crate) async fn forgot(context: &Context, account: &str) -> Result<(), Trouble> {
    let client = context.client().await?;
    client.request_reset(account).await?;
    client.close().await;
    let text = "If there is such an account with an e-mail address, a code is on its way there. \
                Choose another password with: thrive account reset NAME CODE";
    context.output.say(text, &json!({ "type": "code_requested", "account": account }))
}

pub(crate) async fn reset(
    context: &Context,
    name: &str,
    code: String,
    password: &PasswordFrom,
) -> Result<(), Trouble> {
    let name = username(name)?;
    let environment = &context.environment;
    let given = environment.new_password.as_ref().or(environment.password.as_ref());
    let file = password.password_file.as_deref();
    let new = ask_password("New password", file, given, Ask::Twice)?;
    let client = context.client().await?;
    client.reset_password(name.as_str(), Secret::new(code), new).await?;
    client.close().await;
    let text = format!(
        "The password of {name} is changed, and all logins have ended. Log in with: thrive login {name}"
    );
    context.output.say(&text, &json!({ "type": "password_reset", "username": name.as_str() }))
}

pub(crate) async fn email(context: &Context, command: EmailCommand) -> Result<(), Trouble> {
    match command {
        EmailCommand::Show => show(context).await,
        EmailCommand::Change { address, password } => change(context, &address, &password).await,
        EmailCommand::Confirm { code } => {
            let client = context.online().await?;
            client.confirm_email(Secret::new(code)).await?;
            client.close().await;
            context
                .output
                .say("The e-mail address is changed.", &json!({ "type": "email_changed" }))
        }
    }
}

async fn show(context: &Context) -> Result<(), Trouble> {
    let client = context.online().await?;
    let own = client.email().await?;
    client.close().await;
    let mut text = match &own.address {
        Some(address) => address.clone(),
        None => "This account has no e-mail address.".to_owned(),
    };
    if let Some(changing_to) = &own.changing_to {
        text.push_str(&format!(" (waiting for the code that was sent to {changing_to})"));
    }
    let record = json!({
        "type": "email",
        "address": own.address,
        "changing_to": own.changing_to,
    });
    context.output.say(&text, &record)
}

async fn change(context: &Context, address: &str, from: &PasswordFrom) -> Result<(), Trouble> {
    let file = from.password_file.as_deref();
    let given = context.environment.password.as_ref();
    let password = ask_password("Password", file, given, Ask::Once)?;
    let client = context.online().await?;
    client.change_email(address, password).await?;
    client.close().await;
    let text = "A code is on its way to the new address. Enter it with: \
                thrive account email confirm CODE";
    context.output.say(text, &json!({ "type": "code_requested", "account": null }))
}
