//! `thrive status`.

use serde_json::json;
use thrive_client::{Availability, Presence, Preset};

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
        let presence = Presence { text: text.unwrap_or_default(), ..chosen(word) };
        client.set_presence(presence).await?;
    }
    let presence = client.own_presence();
    client.close().await;
    let record = json!({
        "type": "status",
        "availability": words::availability_code(presence.availability),
        "preset": presence.preset.map(Preset::word),
        "status": presence.text,
    });
    context.output.say(&words::presence(&presence), &record)
}

/// A preset comes with the availability that it usually has.
fn chosen(word: StatusWord) -> Presence {
    let plain = |availability| Presence { availability, ..Presence::default() };
    let preset = |preset: Preset| Presence {
        availability: preset.usual_availability(),
        preset: Some(preset),
        ..Presence::default()
    };
    match word {
        StatusWord::Online => plain(Availability::Online),
        StatusWord::Away => plain(Availability::Away),
        StatusWord::Busy => plain(Availability::Busy),
        StatusWord::Dnd => plain(Availability::DoNotDisturb),
        StatusWord::Invisible => plain(Availability::Invisible),
        StatusWord::OnThePhone => preset(Preset::OnThePhone),
        StatusWord::DoingHomework => preset(Preset::DoingHomework),
        StatusWord::InTheShower => preset(Preset::InTheShower),
        StatusWord::WatchingTv => preset(Preset::WatchingTv),
        StatusWord::HidingFromTheParents => preset(Preset::HidingFromTheParents),
        StatusWord::FixingMyPc => preset(Preset::FixingMyPc),
        StatusWord::BatteryAboutToDie => preset(Preset::BatteryAboutToDie),
    }
}
