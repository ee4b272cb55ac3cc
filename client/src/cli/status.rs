//! `thrive status`.

use serde_json::json;
use thrive_client::{Availability, Presence};

use super::Trouble;
use super::args::StatusWord;
use super::context::Context;
use super::words;

pub(crate) async fn status(
    context: &Context,
    availability: Option<StatusWord>,
    text: Option<String>,
) -> Result<(), Trouble> {
    let client = context.online().await?;
    if let Some(word) = availability {
        let availability = match word {
            StatusWord::Online => Availability::Online,
            StatusWord::Away => Availability::Away,
            StatusWord::Busy => Availability::Busy,
            StatusWord::Dnd => Availability::DoNotDisturb,
            StatusWord::Invisible => Availability::Invisible,
        };
        client.set_presence(Presence { availability, text: text.unwrap_or_default() }).await?;
    }
    let presence = client.own_presence();
    client.close().await;
    let record = json!({
        "type": "status",
        "availability": words::availability_code(presence.availability),
        "status": presence.text,
    });
    context.output.say(&words::presence(&presence), &record)
}
