//! A sentence for each answer, in English, for command lines and consoles. Screens have their own words.

use std::fmt;

use super::dates::shown;
use super::grammar::{COMMANDS, Usage};
use super::{AdminAnswer, AuditEntry, BanEntry, OnlinePerson};
use crate::ids::Time;
use crate::people::Availability;
use crate::preset::Preset;

impl fmt::Display for AdminAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Promoted(it) => write!(formatter, "{} is an admin now.", it.username),
            Self::Demoted(it) => write!(formatter, "{} is no admin any more.", it.username),
            Self::UserCreated(it) => write!(formatter, "The account {} is made.", it.username),
            Self::UserDeleted { username, sessions, .. } => write!(
                formatter,
                "The account {username} is deleted; {} ended.",
                count(*sessions, "session")
            ),
            Self::Banned { username, until, sessions, .. } => write!(
                formatter,
                "{username} is banned {}; {} ended.",
                end(*until),
                count(*sessions, "session")
            ),
            Self::Unbanned(it) => write!(formatter, "{} may log in again.", it.username),
            Self::Alerted { alone: true, .. } => write!(
                formatter,
                "The alert was sent on this node only. {UNHEARD} Say it there, too."
            ),
            Self::Alerted { nodes, people, alone: false } => write!(
                formatter,
                "The alert was sent on {}; {people} online.",
                count(*nodes, "node")
            ),
            Self::Stopping { alone: true, .. } => {
                write!(formatter, "This node only is asked to stop. {UNHEARD} Say it there, too.")
            }
            Self::Stopping { nodes, alone: false } => {
                write!(formatter, "{} asked to stop.", count(*nodes, "node"))
            }
            Self::Restarting {} => write!(formatter, "The server restarts."),
            Self::FilesBanned { username, extension, until, .. } => write!(
                formatter,
                "{username} may not send {} {}.",
                files(extension.as_str()),
                end(*until)
            ),
            Self::FilesUnbanned { username, bans, .. } => {
                write!(formatter, "{} of {username} taken back.", count(*bans, "file ban"))
            }
            Self::Online { people, more } => list(formatter, people, *more, "Nobody is online."),
            Self::Bans { bans, more } => list(formatter, bans, *more, "No ban is in force."),
            Self::Audit { entries, more } => {
                list(formatter, entries, *more, "Admins have done nothing so far.")
            }
        }
    }
}

const UNHEARD: &str = "Other nodes did not hear of it, since Redis is away.";

impl fmt::Display for OnlinePerson {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let admin = if self.admin { " (Admin)" } else { "" };
        let word = match self.presence.availability {
            Availability::Offline | Availability::Invisible => "offline",
            Availability::DoNotDisturb => "do not disturb",
            Availability::Busy => "busy",
            Availability::Away => "away",
            Availability::Online => "online",
        };
        write!(formatter, "{}{admin}, ", self.username)?;
        match self.presence.preset {
            Some(doing) => write!(formatter, "{} ({word})", preset(doing))?,
            None => formatter.write_str(word)?,
        }
        match self.presence.text.as_str() {
            "" => Ok(()),
            text => write!(formatter, ", {text}"),
        }
    }
}

/// What somebody does just now.
#[must_use]
pub fn preset(preset: Preset) -> &'static str {
    match preset {
        Preset::OnThePhone => "on the phone",
        Preset::DoingHomework => "doing homework",
        Preset::InTheShower => "in the shower",
        Preset::WatchingTv => "watching TV",
        Preset::HidingFromTheParents => "hiding from the parents",
        Preset::FixingMyPc => "fixing my PC",
        Preset::BatteryAboutToDie => "battery about to die",
    }
}

impl fmt::Display for BanEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = match &self.files {
            None => String::new(),
            Some(extension) => format!(" from sending {}", files(extension.as_str())),
        };
        write!(formatter, "{} is banned{from} {}", self.username, end(self.until))?;
        match self.reason.as_str() {
            "" => Ok(()),
            reason => write!(formatter, ": {reason}"),
        }
    }
}

impl fmt::Display for AuditEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = self.by.as_ref().map_or("host", |it| it.as_str());
        write!(formatter, "{}  {by}: {}", shown(self.time), self.action)?;
        for more in [self.target.as_str(), self.detail.as_str()] {
            if !more.is_empty() {
                write!(formatter, " {more}")?;
            }
        }
        match self.outcome.as_str() {
            "done" => Ok(()),
            code => write!(formatter, " (refused: {code})"),
        }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { word, arguments, says } = self;
        match *arguments {
            "" => write!(formatter, "/{word}: {says}"),
            arguments => write!(formatter, "/{word} {arguments}: {says}"),
        }
    }
}

/// What `/help` answers.
#[must_use]
pub fn help(of: Option<&Usage>) -> String {
    let lines = |usage: &Usage| usage.to_string();
    of.map_or_else(|| COMMANDS.iter().map(lines).collect::<Vec<_>>().join("\n"), lines)
}

/// How long it lasts: `until 2026-12-24 23:59 UTC`, or `for ever`.
#[must_use]
pub fn end(until: Option<Time>) -> String {
    until.map_or_else(|| "for ever".to_owned(), |until| format!("until {}", shown(until)))
}

fn files(extension: &str) -> String {
    match extension {
        "*" => "any files".to_owned(),
        extension => format!("{extension} files"),
    }
}

fn count(number: u32, of: &str) -> String {
    let s = if number == 1 { "" } else { "s" };
    format!("{number} {of}{s}")
}

fn list<T: fmt::Display>(
    formatter: &mut fmt::Formatter<'_>,
    items: &[T],
    more: bool,
    nothing: &str,
) -> fmt::Result {
    if items.is_empty() {
        return formatter.write_str(nothing);
    }
    for (index, item) in items.iter().enumerate() {
        let line_end = if index == 0 { "" } else { "\n" };
        write!(formatter, "{line_end}{item}")?;
    }
    if more { formatter.write_str("\nThere are more.") } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::Person;
    use crate::ids::UserId;
    use crate::name::Username;
    use crate::people::Presence;

    #[test]
    fn an_answer_says_what_happened() {
        let (user, username) = (UserId(1), Username::parse("bob").unwrap());
        let banned = |until, sessions| {
            AdminAnswer::Banned { user, username: username.clone(), until, sessions }.to_string()
        };
        let until = Some(Time(1_798_156_799_999));
        assert_eq!(banned(until, 1), "bob is banned until 2026-12-24 23:59 UTC; 1 session ended.");
        assert_eq!(banned(None, 0), "bob is banned for ever; 0 sessions ended.");
        let promoted = AdminAnswer::Promoted(Person { user, username: username.clone() });
        assert_eq!(promoted.to_string(), "bob is an admin now.");
        let nobody = AdminAnswer::Online { people: Default::default(), more: false };
        assert_eq!(nobody.to_string(), "Nobody is online.");
    }

    #[test]
    fn who_is_online_is_told_with_what_they_do_and_say() {
        let told = |availability, preset, text: &str| {
            let text = crate::text::StatusText::parse(text).unwrap();
            let presence = Presence { availability, preset, text, last_seen: None };
            let username = Username::parse("bob").unwrap();
            OnlinePerson { user: UserId(1), username, presence, admin: true }.to_string()
        };
        let (phone, none) = (Some(Preset::OnThePhone), None);
        assert_eq!(
            told(Availability::Busy, phone, "back at 5"),
            "bob (Admin), on the phone (busy), back at 5"
        );
        assert_eq!(told(Availability::Away, none, ""), "bob (Admin), away");
    }

    #[test]
    fn the_help_has_a_line_for_each_command() {
        let help = help(None);
        assert_eq!(help.lines().count(), COMMANDS.len());
        assert!(help.contains("/unbanfile USER [EXTENSION]: "), "{help}");
    }
}
