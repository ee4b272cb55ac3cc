//! From a command to the order that the store carries out, with everything checked that needs no store.

use thrive_protocol::admin::{AdminCommand, CreateUser, Extension, Until};
use thrive_protocol::ids::Time;
use thrive_protocol::limits::{ALERT_CHARS, REASON_CHARS};
use thrive_protocol::mail::EmailAddress;
use thrive_protocol::name::Username;
use thrive_protocol::secret::Secret;
use thrive_protocol::text::{AlertText, Reason};
use thrive_protocol::{Code, Refusal};

use super::{AdminError, Admins, Then};
use crate::domain::{admin, password};
use crate::news::Answer as _;
use crate::service::accounts::{AccountError, freed_before, new_username};
use crate::store::accounts::{NewAccount, NewAddress};
use crate::store::admins::Deed;
use crate::store::bans;

pub(super) struct Prepared {
    pub(super) target: String,
    pub(super) detail: String,
    pub(super) deed: Result<Deed, Refusal>,
    pub(super) then: Then,
}

impl Admins {
    /// `may_be_admin`: no password is hashed for whoever is none.
    pub(super) async fn prepare(
        &self,
        command: AdminCommand,
        may_be_admin: bool,
        now: Time,
    ) -> Result<Prepared, AdminError> {
        let about = |target: String, deed: fn(Username) -> Deed, then| {
            let deed = known(&target).map(deed);
            Prepared { target, detail: String::new(), deed, then }
        };
        Ok(match command {
            AdminCommand::Promote { username } => about(username, Deed::Promote, Then::Promoted),
            AdminCommand::Demote { username } => about(username, Deed::Demote, Then::Demoted),
            AdminCommand::DeleteUser { username } => about(username, Deed::Delete, Then::Deleted),
            AdminCommand::Unban { username } => about(username, Deed::Unban, Then::Unbanned),
            AdminCommand::CreateUser(create) => {
                let target = create.username.clone();
                let deed = match may_be_admin {
                    true => self.new_account(create, now).await?,
                    false => Err(Code::AdminOnly.into()),
                };
                Prepared { target, detail: String::new(), deed, then: Then::Created }
            }
            AdminCommand::Ban(ban) => {
                let (ends, reason) = (ends(ban.until, now), Reason::cut(&ban.reason));
                let deed = known(&ban.username).and_then(|username| {
                    let reason = short(&ban.reason)?;
                    Ok(Deed::Ban { username, ends, reason })
                });
                let detail = because(shown(ends), &reason);
                let then = Then::Banned { ends, reason };
                Prepared { target: ban.username, detail, deed, then }
            }
            AdminCommand::BanFiles(ban) => {
                let (ends, reason) = (ends(ban.until, now), Reason::cut(&ban.reason));
                let deed = known(&ban.username).and_then(|username| {
                    let (extension, reason) = (extension(&ban.extension)?, short(&ban.reason)?);
                    Ok(Deed::BanFiles { username, extension, ends, reason })
                });
                let kind = extension(&ban.extension);
                let extension = kind.unwrap_or_else(|_| Extension::cut(&ban.extension));
                let detail = because(format!("{} {}", extension.as_str(), shown(ends)), &reason);
                let then = Then::FilesBanned { extension, ends };
                Prepared { target: ban.username, detail, deed, then }
            }
            AdminCommand::UnbanFiles { username: target, extension: kind } => {
                let deed = known(&target).and_then(|username| {
                    let extension = kind.as_deref().map(extension).transpose()?;
                    Ok(Deed::UnbanFiles { username, extension })
                });
                let detail = kind.unwrap_or_default();
                Prepared { target, detail, deed, then: Then::FilesUnbanned }
            }
            AdminCommand::Alert { text } => {
                let (alert, shown) = (AlertText::parse(&text), AlertText::cut(&text));
                let deed = match alert {
                    Ok(text) if text.is_empty() => Err(Code::TextEmpty.into()),
                    Ok(_) => Ok(Deed::Nothing),
                    Err(_) => Err(Refusal::over(Code::TextTooLong, ALERT_CHARS)),
                };
                let detail = shown.as_str().to_owned();
                Prepared { target: String::new(), detail, deed, then: Then::Alert(shown) }
            }
            AdminCommand::Stop { all } => {
                let detail = if all { "all" } else { "" };
                of_nobody(detail, Deed::Nothing, Then::Stop { all })
            }
            AdminCommand::Restart {} => of_nobody("", Deed::Nothing, Then::Restart),
            AdminCommand::Who {} => of_nobody("", Deed::Look, Then::Who),
            AdminCommand::Bans {} => of_nobody("", Deed::Look, Then::Bans),
            AdminCommand::Audit { before, limit } => {
                of_nobody("", Deed::Look, Then::Audit { before, limit })
            }
        })
    }

    async fn new_account(
        &self,
        create: CreateUser,
        created: Time,
    ) -> Result<Result<Deed, Refusal>, AdminError> {
        let CreateUser { username, password, email } = create;
        if email.is_some() && !self.has_mail {
            return Ok(Err(Code::EmailUnavailable.into()));
        }
        let email = match email.map(|it| EmailAddress::parse(&it.0)).transpose() {
            Ok(email) => email,
            Err(invalid) => return Ok(Err(AccountError::from(invalid).refusal())),
        };
        let checked = new_username(&username).map_err(AccountError::from).and_then(|username| {
            password::check(&password, &username)?;
            Ok(username)
        });
        let username = match checked {
            Ok(username) => username,
            Err(error) => return Ok(Err(error.refusal())),
        };
        let password_hash = self.hasher.hash(password).await?;
        Ok(Ok(Deed::Create(NewAccount {
            username,
            password_hash,
            created,
            freed_before: freed_before(created),
            invite: None,
            first_is_admin: false,
            // An admin answers for it, so no code is waited for.
            address: email.map(|email| NewAddress { email, unverified_until: Time(0) }),
        })))
    }

    pub(super) async fn new_password(
        &self,
        target: &str,
        password: Secret,
    ) -> Result<Result<Deed, Refusal>, AdminError> {
        let username = match known(target) {
            Ok(username) => username,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Err(weak) = password::check(&password, &username) {
            return Ok(Err(AccountError::from(weak).refusal()));
        }
        let hash = self.hasher.hash(password).await?;
        Ok(Ok(Deed::SetPassword { username, hash }))
    }
}

fn of_nobody(detail: &str, deed: Deed, then: Then) -> Prepared {
    Prepared { target: String::new(), detail: detail.to_owned(), deed: Ok(deed), then }
}

/// What can be no name is nobody's.
fn known(raw: &str) -> Result<Username, Refusal> {
    Username::parse(raw).map_err(|_| Code::NoSuchUser.into())
}

fn short(reason: &str) -> Result<Reason, Refusal> {
    Reason::parse(reason).map_err(|_| Refusal::over(Code::TextTooLong, REASON_CHARS))
}

fn extension(raw: &str) -> Result<Extension, Refusal> {
    admin::extension(raw).ok_or_else(|| Code::ExtensionInvalid.into())
}

/// By the clock of the node.
pub(super) fn ends(until: Until, now: Time) -> Time {
    let ends = match until {
        Until::Forever {} => bans::FOREVER,
        Until::At(time) => time,
        Until::ForSeconds(seconds) => {
            let millis = i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX);
            Time(now.0.saturating_add(millis))
        }
    };
    ends.min(bans::FOREVER)
}

/// For the audit.
pub(super) fn shown(ends: Time) -> String {
    thrive_protocol::admin::words::end(bans::until(ends))
}

fn because(what: String, reason: &Reason) -> String {
    match reason.as_str() {
        "" => what,
        reason => format!("{what}: {reason}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_never_later_than_for_ever() {
        let now = Time(1_000);
        assert_eq!(ends(Until::ForSeconds(60), now), Time(61_000));
        assert_eq!(ends(Until::At(Time(7)), now), Time(7));
        for until in [Until::Forever {}, Until::ForSeconds(u64::MAX), Until::At(Time(i64::MAX))] {
            assert_eq!(bans::until(ends(until, now)), None);
        }
        assert_eq!(shown(Time(1_798_156_799_999)), "until 2026-12-24 23:59 UTC");
    }
}
