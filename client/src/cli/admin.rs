//! `thrive admin`: one order, or one a line from standard input, in the words that admins know.

use std::io::{self, BufRead as _};

use serde_json::{Value, json};
use thrive_client::admin::{
    Address, AdminAnswer, AdminCommand, AuditEntry, BanEntry, CreateUser, Line, OnlinePerson,
    Person, Time, grammar, words,
};
use thrive_client::{Client, Failure, Preset};

use super::Trouble;
use super::args::PasswordFrom;
use super::context::Context;
use super::password::{Ask, password};
use super::records::instant;

pub(crate) async fn admin(
    context: &Context,
    typed: &[String],
    from: &PasswordFrom,
) -> Result<(), Trouble> {
    if typed.is_empty() {
        return lines(context).await;
    }
    let command = match creation(context, typed, from)? {
        Some(command) => command,
        None => match parse(&typed.join(" "))? {
            Line::Help(of) => return help(context, &words::help(of)),
            Line::Command(command) => command,
        },
    };
    let client = context.online().await?;
    let answered = give(context, &client, command).await;
    client.close().await;
    answered
}

/// `create USER [EMAIL]`: the password is never an argument, which others on this computer could see.
fn creation(
    context: &Context,
    typed: &[String],
    from: &PasswordFrom,
) -> Result<Option<AdminCommand>, Trouble> {
    let (username, email) = match typed {
        [word, rest @ ..] if word.trim_start_matches('/').eq_ignore_ascii_case("create") => {
            match rest {
                [username] => (username, None),
                [username, email] if email.contains('@') => (username, Some(email)),
                _ => {
                    let why = "write: thrive admin create USER [EMAIL]; the password is asked for";
                    return Err(Trouble::Usage(why.to_owned()));
                }
            }
        }
        _ => return Ok(None),
    };
    let environment = context.environment.password.as_ref();
    let file = from.password_file.as_deref();
    let password = password("Their password", file, environment, Ask::Twice)?;
    let email = email.cloned().map(Address);
    let create = CreateUser { username: username.clone(), password, email };
    Ok(Some(AdminCommand::CreateUser(create)))
}

/// Goes on after an order that was not carried out, and says at the end that there was one.
async fn lines(context: &Context) -> Result<(), Trouble> {
    let client = context.online().await?;
    let mut last = Ok(());
    // Whoever pipes orders in waits for nothing else from this program.
    for line in io::stdin().lock().lines() {
        let line = line.map_err(|error| Trouble::Local(format!("standard input: {error}")))?;
        if line.trim().is_empty() {
            continue;
        }
        let done = match parse(&line) {
            Ok(Line::Help(of)) => help(context, &words::help(of)),
            Ok(Line::Command(command)) => give(context, &client, command).await,
            Err(trouble) => Err(trouble),
        };
        match done {
            Ok(()) => {}
            Err(Trouble::Closed) => return Err(Trouble::Closed),
            Err(trouble) => {
                let lost = matches!(trouble, Trouble::Failure(Failure::NotLoggedIn));
                context.output.complain(&trouble);
                last = Err(Trouble::Said(trouble.exit_code()));
                if lost {
                    break;
                }
            }
        }
    }
    client.close().await;
    last
}

fn parse(line: &str) -> Result<Line, Trouble> {
    grammar::parse(line).map_err(|why| Trouble::Usage(why.to_string()))
}

fn help(context: &Context, text: &str) -> Result<(), Trouble> {
    context.output.say(text, &json!({ "type": "admin_help", "text": text }))
}

async fn give(context: &Context, client: &Client, command: AdminCommand) -> Result<(), Trouble> {
    let answer = client.admin(command).await?;
    context.output.say(&answer.to_string(), &record(&answer))
}

/// For programs.
fn record(answer: &AdminAnswer) -> Value {
    let until = |until: &Option<Time>| until.map(|it| instant(it.0));
    let of = |what: &str, person: &Person| json!({ "type": what, "user": person.user.0, "username": person.username.as_str() });
    match answer {
        AdminAnswer::Promoted(person) => of("promoted", person),
        AdminAnswer::Demoted(person) => of("demoted", person),
        AdminAnswer::UserCreated(person) => of("user_created", person),
        AdminAnswer::Unbanned(person) => of("unbanned", person),
        AdminAnswer::UserDeleted { user, username, sessions } => json!({
            "type": "user_deleted",
            "user": user.0,
            "username": username.as_str(),
            "sessions": sessions,
        }),
        AdminAnswer::Banned { user, username, until: end, sessions } => json!({
            "type": "banned",
            "user": user.0,
            "username": username.as_str(),
            "until": until(end),
            "sessions": sessions,
        }),
        AdminAnswer::Alerted { nodes, people, alone } => {
            json!({ "type": "alerted", "nodes": nodes, "people": people, "alone": alone })
        }
        AdminAnswer::Stopping { nodes, alone } => {
            json!({ "type": "stopping", "nodes": nodes, "alone": alone })
        }
        AdminAnswer::Restarting {} => json!({ "type": "restarting" }),
        AdminAnswer::FilesBanned { user, username, extension, until: end } => json!({
            "type": "files_banned",
            "user": user.0,
            "username": username.as_str(),
            "extension": extension.as_str(),
            "until": until(end),
        }),
        AdminAnswer::FilesUnbanned { user, username, bans } => json!({
            "type": "files_unbanned",
            "user": user.0,
            "username": username.as_str(),
            "bans": bans,
        }),
        AdminAnswer::Online { people, more } => {
            let person = |it: &OnlinePerson| {
                json!({
                    "user": it.user.0,
                    "username": it.username.as_str(),
                    "admin": it.admin,
                    "availability": super::words::availability_code(it.presence.availability),
                    "preset": it.presence.preset.map(Preset::word),
                    "status": it.presence.text.as_str(),
                })
            };
            let people: Vec<_> = people.iter().map(person).collect();
            json!({ "type": "online", "people": people, "more": more })
        }
        AdminAnswer::Bans { bans, more } => {
            let ban = |it: &BanEntry| {
                json!({
                    "user": it.user.0,
                    "username": it.username.as_str(),
                    "files": it.files.as_ref().map(|files| files.as_str()),
                    "until": until(&it.until),
                    "reason": it.reason.as_str(),
                })
            };
            let bans: Vec<_> = bans.iter().map(ban).collect();
            json!({ "type": "bans", "bans": bans, "more": more })
        }
        AdminAnswer::Audit { entries, more } => {
            let entry = |it: &AuditEntry| {
                json!({
                    "id": it.id,
                    "time": instant(it.time.0),
                    "by": it.by.as_ref().map(|by| by.as_str()),
                    "action": it.action,
                    "target": it.target.as_str(),
                    "detail": it.detail.as_str(),
                    "outcome": it.outcome,
                })
            };
            let entries: Vec<_> = entries.iter().map(entry).collect();
            json!({ "type": "audit", "entries": entries, "more": more })
        }
    }
}
