//! What is printed for each kind of thing: a line for people, and a JSON object for programs.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use thrive_client::{
    Contact, Device, File, GroupRenamed, Message, MessageState, Preset, Relation, size_in_words,
};

use super::output::indented;
use super::words;

/// Local time for people: `2026-11-20 15:04:05`.
pub(crate) fn time(ms: i64) -> String {
    let time = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// The same without seconds, for what is not known so exactly.
pub(crate) fn minute(ms: i64) -> String {
    let time = Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH);
    time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// UTC for programs.
pub(crate) fn instant(ms: i64) -> String {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

/// `with`: the name of the other person, where it is not clear from the place.
pub(crate) fn message(message: &Message, with: &str, say_with: bool) -> (String, Value) {
    let sender = match (message.mine, say_with) {
        (true, true) => format!("{} to {with}", message.sender),
        (_, _) => message.sender.to_string(),
    };
    let state = match message.state {
        MessageState::Waiting => " (waiting)".to_owned(),
        MessageState::Refused(code) => format!(" (refused: {})", words::code(code)),
        MessageState::Stored | MessageState::Delivered | MessageState::Read => String::new(),
    };
    let said = match &message.file {
        Some(file) => format!("offers the file {} ({})", file.name, size_in_words(file.size)),
        None => indented(&message.text),
    };
    let text = format!("{}  {sender}: {said}{state}", time(message.time_ms));
    let refused = match message.state {
        MessageState::Refused(code) => Some(code.word()),
        MessageState::Waiting
        | MessageState::Stored
        | MessageState::Delivered
        | MessageState::Read => None,
    };
    let record = json!({
        "type": "message",
        "key": message.key.0,
        "with": with,
        "from": message.sender.as_str(),
        "mine": message.mine,
        "seq": message.seq,
        "time": instant(message.time_ms),
        "state": words::state_code(message.state),
        "refused": refused,
        "text": message.text,
        "file": message.file.as_ref().map(|file| self::file(file, with).1),
    });
    (text, record)
}

/// `with`: the name of the other person.
pub(crate) fn file(file: &File, with: &str) -> (String, Value) {
    let id = file.id.map_or_else(|| "-".to_owned(), |id| id.to_string());
    let who = if file.mine { format!("to {with}") } else { format!("from {with}") };
    let (name, size) = (&file.name, size_in_words(file.size));
    let mut text = format!("{id}  {who}: {name} ({size}), {}", words::file_state(file));
    if let Some(saved) = &file.saved {
        text.push_str(&format!(", saved as {}", saved.display()));
    }
    if let Some(failed) = &file.failed {
        text.push_str(&format!(", given up here: {}", words::given_up(failed)));
    }
    let record = json!({
        "type": "file",
        "id": file.id.map(|id| id.0),
        "message": file.message.0,
        "with": with,
        "mine": file.mine,
        "name": file.name,
        "size": file.size,
        "content_type": file.content_type,
        "state": words::file_state_code(file.state),
        "done": file.done,
        "expires": file.expires_ms.map(instant),
        "saved": file.saved,
        "failed": file.failed,
        "limit": file.limit,
        "left": file.left,
    });
    (text, record)
}

pub(crate) fn contact(contact: &Contact) -> (String, Value) {
    let mut text = contact.username.to_string();
    if !contact.nickname.is_empty() {
        text = format!("{} ({text})", contact.nickname);
    }
    if contact.admin {
        text.push_str(" (Admin)");
    }
    if 0 < contact.unread {
        text.push_str(&format!(", {} unread", contact.unread));
    }
    let said = |what: &str| match contact.request.as_str() {
        "" => format!(", {what}"),
        words => format!(", {what}: {words}"),
    };
    text.push_str(&match contact.relation {
        Relation::None => ", not a contact".to_owned(),
        Relation::Asked => said("you asked them"),
        Relation::AsksMe => said("asks to be your contact"),
        Relation::Contact => format!(", {}", words::presence(&contact.presence)),
    });
    if let Some(seen) = contact.presence.last_seen_ms {
        text.push_str(&format!(", last seen {}", minute(seen)));
    }
    if contact.blocked {
        text.push_str(", blocked");
    }
    if !contact.group.is_empty() {
        text.push_str(&format!(", in {}", contact.group));
    }
    let record = json!({
        "type": "contact",
        "user": contact.user.0,
        "username": contact.username.as_str(),
        "nickname": contact.nickname,
        "group": contact.group,
        "relation": words::relation_code(contact.relation),
        "blocked": contact.blocked,
        "admin": contact.admin,
        "request": contact.request,
        "availability": words::availability_code(contact.presence.availability),
        "preset": contact.presence.preset.map(Preset::word),
        "status": contact.presence.text,
        "last_seen": contact.presence.last_seen_ms.map(instant),
        "unread": contact.unread,
        "typing": contact.typing,
    });
    (text, record)
}

/// `before`: what it was called.
pub(crate) fn group_renamed(before: &str, renamed: &GroupRenamed) -> (String, Value) {
    let GroupRenamed { group, contacts } = renamed;
    let people = match contacts.len() {
        1 => "1 contact is".to_owned(),
        count => format!("{count} contacts are"),
    };
    let text = match group.as_str() {
        "" => format!("{before}: {people} in no group now"),
        group => format!("{before}: {people} in {group} now"),
    };
    let usernames: Vec<_> = contacts.iter().map(|it| it.username.as_str()).collect();
    let record = json!({
        "type": "group_renamed",
        "before": before,
        "group": group,
        "usernames": usernames,
    });
    (text, record)
}

pub(crate) fn device(device: &Device) -> (String, Value) {
    let here = if device.current { ", this one" } else { "" };
    let text = format!(
        "{}  {}{here}, since {}, last seen {}",
        device.session,
        device.name,
        time(device.created_ms),
        time(device.last_seen_ms),
    );
    let record = json!({
        "type": "session",
        "id": device.session.0,
        "device": device.name,
        "created": instant(device.created_ms),
        "last_seen": instant(device.last_seen_ms),
        "current": device.current,
    });
    (text, record)
}
