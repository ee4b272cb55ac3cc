//! `thrive server`.

use serde_json::json;
use thrive_client::{FileLimits, size_in_words};

use super::Trouble;
use super::args::ServerCommand;
use super::context::Context;
use super::records;

pub(crate) async fn server(context: &Context, command: ServerCommand) -> Result<(), Trouble> {
    let client = context.client().await?;
    match command {
        ServerCommand::Info => {
            let info = client.server_info().await?;
            let sign_up = match (info.sign_up_open, info.sign_up_by_invite) {
                (true, _) => "open",
                (false, true) => "by invitation",
                (false, false) => "closed",
            };
            let email = if info.email_required { ", with an e-mail address" } else { "" };
            let text = format!(
                "{} ({})\nhost: {}, port: {}\nencrypted: {}\naccounts: {}, online: {}\n\
                 sign-up: {sign_up}{email}\nrunning since: {}\n\
                 longest message: {} characters, longest status: {} characters\nfiles: {}",
                info.name,
                info.software,
                info.host,
                info.port,
                if info.encrypted { "yes" } else { "no" },
                info.accounts,
                info.online,
                records::time(info.started_ms),
                info.text_chars,
                info.status_chars,
                files(info.files.as_ref()),
            );
            let record = json!({
                "type": "server",
                "name": info.name,
                "software": info.software,
                "host": info.host,
                "port": info.port,
                "encrypted": info.encrypted,
                "accounts": info.accounts,
                "online": info.online,
                "started": records::instant(info.started_ms),
                "sign_up_open": info.sign_up_open,
                "sign_up_by_invite": info.sign_up_by_invite,
                "text_chars": info.text_chars,
                "status_chars": info.status_chars,
                "password_min": info.password_min,
                "email_required": info.email_required,
                "file_bytes": info.files.as_ref().map(|files| files.bytes),
                "refused_endings": info.files.as_ref().map(|files| files.refused.to_vec()),
            });
            context.output.say(&text, &record)?;
        }
        ServerCommand::Accept { fingerprint } => {
            client.accept_server(&context.server, &fingerprint).await?;
            let text =
                format!("{} is known by {} from now on.", context.server, fingerprint.trim());
            let record = json!({
                "type": "server_accepted",
                "server": context.server.to_string(),
                "fingerprint": fingerprint.trim(),
            });
            context.output.say(&text, &record)?;
        }
    }
    client.close().await;
    Ok(())
}

fn files(limits: Option<&FileLimits>) -> String {
    match limits {
        None => "none are taken".to_owned(),
        Some(limits) if limits.refused.is_empty() => {
            format!("up to {} each", size_in_words(limits.bytes))
        }
        Some(limits) => format!(
            "up to {} each, none that end in {}",
            size_in_words(limits.bytes),
            limits.refused.join(", ")
        ),
    }
}
