//! `thrive directory`, `thrive privacy` and `thrive conversations`.

use serde_json::json;
use thrive_client::{Found, Privacy, Relation, SetPrivacy, Tab, Talk};

use super::Trouble;
use super::args::{DirectoryOptions, PrivacyOptions, YesNo};
use super::context::Context;
use super::output::indented;
use super::{records, words};

pub(crate) async fn directory(context: &Context, options: DirectoryOptions) -> Result<(), Trouble> {
    let client = context.online().await?;
    let tab = match (options.online, options.offline, options.admins) {
        (true, _, _) => Tab::Online,
        (_, true, _) => Tab::Offline,
        (_, _, true) => Tab::Admins,
        (false, false, false) => Tab::Everyone,
    };
    let search = options.search.unwrap_or_default();
    let (mut after, mut left) = (None, options.limit);
    loop {
        let page = client.directory(tab, &search, after).await?;
        let people = page.people.len();
        for found in page.people.iter().take(left) {
            let (text, record) = found_record(found);
            context.output.say(&text, &record)?;
        }
        left = left.saturating_sub(people);
        after = page.next;
        if after.is_none() || left == 0 {
            break;
        }
    }
    client.close().await;
    Ok(())
}

fn found_record(found: &Found) -> (String, serde_json::Value) {
    let mut text = found.username.to_string();
    if found.admin {
        text.push_str(" (Admin)");
    }
    text.push_str(&format!(", {}", words::presence(&found.presence)));
    if let Some(seen) = found.presence.last_seen_ms {
        text.push_str(&format!(", last seen {}", records::minute(seen)));
    }
    if found.you {
        text.push_str(", you");
    }
    text.push_str(match found.relation {
        Relation::Contact => ", contact",
        Relation::Asked => ", you asked them",
        Relation::AsksMe => ", asks to be your contact",
        Relation::None => "",
    });
    if found.blocked {
        text.push_str(", blocked");
    }
    let record = json!({
        "type": "person",
        "user": found.user.0,
        "username": found.username.as_str(),
        "availability": words::availability_code(found.presence.availability),
        "preset": found.presence.preset.map(thrive_client::Preset::word),
        "status": found.presence.text,
        "last_seen": found.presence.last_seen_ms.map(records::instant),
        "relation": words::relation_code(found.relation),
        "blocked": found.blocked,
        "you": found.you,
        "admin": found.admin,
    });
    (text, record)
}

pub(crate) async fn privacy(context: &Context, options: PrivacyOptions) -> Result<(), Trouble> {
    let client = context.online().await?;
    let yes = |word: Option<YesNo>| word.map(|word| matches!(word, YesNo::Yes));
    let set = SetPrivacy {
        listed: yes(options.listed),
        presence_to_strangers: yes(options.presence_to_strangers),
        last_seen_to_contacts: yes(options.last_seen),
    };
    let privacy = match set == SetPrivacy::default() {
        true => client.privacy().await?,
        false => client.set_privacy(set).await?,
    };
    client.close().await;
    let Privacy { listed, presence_to_strangers, last_seen_to_contacts } = privacy;
    let word = |yes| if yes { "yes" } else { "no" };
    let text = format!(
        "in the directory: {}\npresence shown to people who are no contacts: {}\n\
         last seen shown to contacts: {}",
        word(listed),
        word(presence_to_strangers),
        word(last_seen_to_contacts),
    );
    let record = json!({
        "type": "privacy",
        "listed": listed,
        "presence_to_strangers": presence_to_strangers,
        "last_seen_to_contacts": last_seen_to_contacts,
    });
    context.output.say(&text, &record)
}

pub(crate) async fn conversations(context: &Context, all: bool) -> Result<(), Trouble> {
    let client = context.online().await?;
    for talk in client.conversations().await? {
        if all || talk.is_stranger() {
            let (text, record) = talk_record(&talk);
            context.output.say(&text, &record)?;
        }
    }
    client.close().await;
    Ok(())
}

fn talk_record(talk: &Talk) -> (String, serde_json::Value) {
    let Talk { contact, last } = talk;
    let unread = match contact.unread {
        0 => String::new(),
        unread => format!(", {unread} unread"),
    };
    let text = format!(
        "{}{unread}, {}  {}: {}",
        contact.display_name(),
        records::time(last.time_ms),
        last.sender,
        indented(&last.text),
    );
    let record = json!({
        "type": "conversation",
        "with": contact.username.as_str(),
        "user": contact.user.0,
        "relation": words::relation_code(contact.relation),
        "blocked": contact.blocked,
        "unread": contact.unread,
        "last": records::message(last, contact.username.as_str(), true).1,
    });
    (text, record)
}
