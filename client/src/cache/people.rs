//! The contact list on the disk, and the few single values about the account itself.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use thrive_protocol::ids::{Epoch, UserId};
use thrive_protocol::people::Relation;

use super::chats::{self, username_of};
use super::files;
use crate::types::{Contact, Presence};

fn value(db: &Connection, name: &str) -> rusqlite::Result<Option<i64>> {
    let mut select = db.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    let text: Option<String> = select.query_row([name], |row| row.get(0)).optional()?;
    Ok(text.and_then(|text| text.parse().ok()))
}

fn set_value(db: &Connection, name: &str, value: i64) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO meta (name, value) VALUES (?1, ?2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )?
    .execute(params![name, value.to_string()])?;
    Ok(())
}

/// Whose cache this is; `None` before the first login.
pub(crate) fn me(db: &Connection) -> rusqlite::Result<Option<UserId>> {
    Ok(value(db, "me")?.map(UserId))
}

/// Says whose cache this is. If it was another account's of the same name, everything of theirs goes.
pub(crate) fn set_me(db: &mut Connection, me: UserId) -> rusqlite::Result<()> {
    let change = db.transaction()?;
    if value(&change, "me")?.is_some_and(|before| before != me.0) {
        change.execute_batch(
            "DELETE FROM meta; DELETE FROM person; DELETE FROM chat; DELETE FROM message;
             DELETE FROM bookmark; DELETE FROM file; DELETE FROM file_state;",
        )?;
    }
    set_value(&change, "me", me.0)?;
    change.commit()
}

pub(crate) fn epoch(db: &Connection) -> rusqlite::Result<Option<Epoch>> {
    Ok(value(db, "epoch")?.map(Epoch))
}

pub(super) fn set_epoch(db: &Connection, epoch: Epoch) -> rusqlite::Result<()> {
    set_value(db, "epoch", epoch.0)
}

/// Forgets the server's history, because it is another one now. What waits to be sent stays, and
/// drafts do.
pub(super) fn forget_history(change: &Transaction<'_>) -> rusqlite::Result<()> {
    change.execute_batch(
        "DELETE FROM message WHERE seq IS NOT NULL;
         UPDATE chat SET conversation = NULL, position = NULL, floor = 1, origin = 1, read = 0,
             read_told = 0, delivered_told = 0, peer_read = 0, peer_delivered = 0;
         DELETE FROM bookmark; DELETE FROM file_state;",
    )?;
    files::forget(change)
}

/// Everybody in the list, and everybody there is a chat with.
pub(crate) fn all(db: &Connection) -> rusqlite::Result<Vec<Contact>> {
    let mut select = db.prepare_cached(
        "SELECT user, username, relation, blocked, nickname, request, in_group FROM person
         UNION ALL
         SELECT peer, username, 'none', 0, '', '', '' FROM chat
         WHERE peer NOT IN (SELECT user FROM person)",
    )?;
    let people = select.query_map([], |row| {
        let user = UserId(row.get("user")?);
        let relation: String = row.get("relation")?;
        Ok(Contact {
            user,
            username: username_of(row, "username")?,
            nickname: row.get("nickname")?,
            group: row.get("in_group")?,
            relation: relation_of(&relation),
            blocked: row.get("blocked")?,
            request: row.get("request")?,
            presence: Presence::default(),
            unread: chats::unread(db, user)?,
            typing: false,
            // Told anew with each list.
            admin: false,
        })
    })?;
    people.collect()
}

/// Replaces the list.
pub(crate) fn replace(db: &mut Connection, people: &[Contact]) -> rusqlite::Result<()> {
    let change = db.transaction()?;
    change.execute("DELETE FROM person", [])?;
    for contact in people {
        put(&change, contact)?;
    }
    change.commit()
}

/// One of the list is new or changed.
pub(crate) fn put(db: &Connection, contact: &Contact) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT OR REPLACE INTO person (user, username, relation, blocked, nickname, request, in_group)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        contact.user.0,
        contact.username.as_str(),
        relation_word(contact.relation),
        contact.blocked,
        contact.nickname,
        contact.request,
        contact.group,
    ])?;
    Ok(())
}

/// These people stand in another group.
pub(crate) fn regroup(db: &mut Connection, users: &[UserId], group: &str) -> rusqlite::Result<()> {
    let change = db.transaction()?;
    for user in users {
        change
            .prepare_cached("UPDATE person SET in_group = ?2 WHERE user = ?1")?
            .execute(params![user.0, group])?;
    }
    change.commit()
}

pub(crate) fn remove(db: &Connection, user: UserId) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM person WHERE user = ?1")?.execute([user.0])?;
    Ok(())
}

fn relation_word(relation: Relation) -> &'static str {
    match relation {
        Relation::None => "none",
        Relation::Asked => "asked",
        Relation::AsksMe => "asks_me",
        Relation::Contact => "contact",
    }
}

fn relation_of(word: &str) -> Relation {
    match word {
        "asked" => Relation::Asked,
        "asks_me" => Relation::AsksMe,
        "contact" => Relation::Contact,
        _ => Relation::None,
    }
}
