//! `thrive send` and `thrive history`.

use std::io::Read as _;
use std::time::Duration;

use thrive_client::Failure;
use tokio::time::timeout;

use super::Trouble;
use super::context::{Context, known, name_of};
use super::records;

/// For a definite answer; longer than any restart of a server should take.
const STORED: Duration = Duration::from_secs(60);
/// More than the longest message, in bytes.
const INPUT: u64 = 64 * 1024;

pub(crate) async fn send(
    context: &Context,
    user: &str,
    text: Option<String>,
) -> Result<(), Trouble> {
    let text = match text.as_deref() {
        None | Some("-") => read_input()?,
        Some(text) => text.to_owned(),
    };
    let client = context.online().await?;
    let peer = client.open_chat(user).await?;
    let message = match timeout(STORED, client.send_and_wait(peer, &text)).await {
        Ok(message) => message?,
        Err(_) => {
            client.close().await;
            let why =
                "no answer yet; the message is in the outbox and goes out with the next command";
            return Err(Failure::Unreachable(why.to_owned()).into());
        }
    };
    let with = name_of(&client, peer);
    client.close().await;
    let (line, record) = records::message(&message, &with, true);
    context.output.say(&line, &record)
}

fn read_input() -> Result<String, Trouble> {
    let mut bytes = Vec::new();
    std::io::stdin()
        .take(INPUT)
        .read_to_end(&mut bytes)
        .map_err(|error| Trouble::Local(format!("standard input: {error}")))?;
    String::from_utf8(bytes).map_err(|_| Trouble::Usage("the input is not UTF-8 text".to_owned()))
}

pub(crate) async fn history(
    context: &Context,
    user: &str,
    limit: usize,
    read: bool,
) -> Result<(), Trouble> {
    let client = context.online().await?;
    let peer = known(&client, user)?;
    let mut messages = client.messages(peer.user, limit).await?;
    if messages.len() < limit
        && let Some(first) = messages.first()
    {
        let (mut earlier, _) = client.earlier(peer.user, first.key, limit - messages.len()).await?;
        earlier.append(&mut messages);
        messages = earlier;
    }
    for message in &messages {
        let (line, record) = records::message(message, peer.username.as_str(), false);
        context.output.say(&line, &record)?;
    }
    if read {
        client.mark_read(peer.user).await?;
    }
    client.close().await;
    Ok(())
}
