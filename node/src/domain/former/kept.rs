//! What else a former host knew of its people: their addresses of mail, who was an admin, who was kept out.

use std::collections::BTreeSet;

use thrive_protocol::admin::{Until, dates, words};
use thrive_protocol::ids::Time;
use thrive_protocol::limits::ACCOUNTS_PER_EMAIL;
use thrive_protocol::mail::EmailAddress;
use thrive_protocol::text::Reason;

use super::{Ban, BanOfFiles, Former, Found, Here, People, Plan};
use crate::domain::admin;

/// Only an address whose owner has proved it: whoever has it can set another password.
pub(super) fn addresses(plan: &mut Plan, former: &Former, people: &People<'_>, here: &Here) {
    let mut kept = here.addresses.clone();
    for user in former.users.iter().filter(|it| !it.email.expose().trim().is_empty()) {
        let person = people.find(&user.name);
        let why_not = match (person, &mut kept, EmailAddress::parse(user.email.expose().trim())) {
            (Found::LeftOut(why), _, _) => why,
            (_, None, _) => "this server sends no mail",
            (_, _, Err(_)) => "it is none",
            _ if !user.has_proved_email => "it was never proved",
            (Found::Person(person), Some(kept), Ok(email)) => {
                let accounts = kept.entry(email.folded()).or_default();
                if *accounts < ACCOUNTS_PER_EMAIL {
                    *accounts += 1;
                    plan.people[person].email = Some(email);
                    ""
                } else {
                    "it has as many accounts as it may"
                }
            }
        };
        tell(plan, &format!("address of {:?}", user.name), why_not, "imported");
    }
}

/// A name there had to be written as that of the account. A right is for nobody else.
pub(super) fn admins(plan: &mut Plan, former: &Former, people: &People<'_>) {
    let mut seen = BTreeSet::new();
    for name in former.admins.iter().map(|it| it.trim()).filter(|it| !it.is_empty()) {
        let found = people.exact.get(name).copied();
        let why_not = match found.unwrap_or(Found::LeftOut("there is no such user")) {
            Found::LeftOut(why) => why,
            Found::Person(person) if !seen.insert(person) => "it stands there twice",
            Found::Person(person) => {
                plan.admins.push(person);
                ""
            }
        };
        tell(plan, &format!("admin {name:?}"), why_not, "imported");
    }
}

pub(super) fn bans(plan: &mut Plan, former: &Former, people: &People<'_>, now: Time) {
    for user in former.users.iter().filter(|it| !it.banned_until.trim().is_empty()) {
        let row = format!("ban of {:?}", user.name);
        match (people.find(&user.name), end(&user.banned_until, now)) {
            (Found::LeftOut(why), _) | (_, Err(why)) => tell(plan, &row, why, ""),
            (Found::Person(person), Ok(ends)) => {
                plan.bans.push(Ban { person, ends, reason: Reason::cut(&user.ban_reason) });
                tell(plan, &row, "", &format!("imported, {}", words::end(ends)));
            }
        }
    }
}

pub(super) fn file_bans(plan: &mut Plan, former: &Former, people: &People<'_>, now: Time) {
    let mut seen = BTreeSet::new();
    for ban in &former.file_bans {
        let row = format!("file ban of {:?}, {:?}", ban.name, ban.kind);
        let ends = if ban.until.trim().is_empty() { Ok(None) } else { end(&ban.until, now) };
        match (people.find(&ban.name), admin::extension(&ban.kind), ends) {
            (Found::LeftOut(why), _, _) | (_, _, Err(why)) => tell(plan, &row, why, ""),
            (_, None, _) => tell(plan, &row, "that is no extension", ""),
            (Found::Person(person), Some(extension), Ok(ends)) => {
                if !seen.insert((person, extension.as_str().to_owned())) {
                    tell(plan, &row, "it stands there twice", "");
                    continue;
                }
                let reason = Reason::cut(&ban.reason);
                plan.file_bans.push(BanOfFiles { person, extension, ends, reason });
                tell(plan, &row, "", &format!("imported, {}", words::end(ends)));
            }
        }
    }
}

fn tell(plan: &mut Plan, row: &str, why_not: &str, done: &str) {
    plan.report.push(match why_not {
        "" => format!("{row}: {done}"),
        why => format!("{row}: left out, {why}"),
    });
}

/// The end of a day, in UTC; `None` is never.
fn end(written: &str, now: Time) -> Result<Option<Time>, &'static str> {
    match dates::end(written.trim()) {
        Some(Ok(Until::Forever {})) => Ok(None),
        Some(Ok(Until::At(ends))) if now < ends => Ok(Some(ends)),
        Some(Ok(Until::At(_))) => Err("it is over"),
        Some(Ok(Until::ForSeconds(_)) | Err(_)) | None => Err("its end is no day"),
    }
}
