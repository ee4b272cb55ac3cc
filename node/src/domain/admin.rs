//! What admins may do, as a pure function of what is so at that moment. The store reads the facts and
//! carries the deed out in one transaction, so that neither can change in between.

use thrive_protocol::Code;
use thrive_protocol::admin::Extension;
use thrive_protocol::ids::Time;

/// What whoever gives an order may do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Right {
    /// At the machine of the server: whoever is there could write the database as well.
    Host,
    Admin,
    None,
}

/// Whom an order is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Subject {
    pub is_admin: bool,
    pub is_banned: bool,
    /// Other admins who are not banned themselves.
    pub other_admins: u64,
    /// File bans of theirs that the order would take back.
    pub file_bans: u64,
}

/// What an order wants, as far as it can be refused for what is so.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Wish {
    Promote,
    Demote,
    Create,
    Delete,
    Ban {
        ends: Time,
    },
    Unban,
    BanFiles {
        ends: Time,
    },
    UnbanFiles,
    SetPassword,
    /// About nobody.
    Other,
}

/// `subject`: `None` when nobody has the name.
///
/// # Errors
/// Why not.
pub fn decide(right: Right, wish: Wish, subject: Option<Subject>, now: Time) -> Result<(), Code> {
    let may_go = |subject: Subject| {
        let last = right != Right::Host && subject.is_admin && subject.other_admins == 0;
        if last { Err(Code::LastAdmin) } else { Ok(()) }
    };
    let lasts = |ends: Time| if ends <= now { Err(Code::EndIsPast) } else { Ok(()) };
    match (right, wish, subject) {
        (Right::None, _, _) => Err(Code::AdminOnly),
        (Right::Host | Right::Admin, Wish::Create, Some(_)) => Err(Code::UsernameTaken),
        (Right::Host | Right::Admin, Wish::Create, None) | (_, Wish::Other, _) => Ok(()),
        (Right::Host | Right::Admin, _, None) => Err(Code::NoSuchUser),
        (Right::Host | Right::Admin, wish, Some(it)) => match wish {
            Wish::Promote if it.is_admin => Err(Code::AlreadyAdmin),
            Wish::Demote if !it.is_admin => Err(Code::NotAnAdmin),
            Wish::Demote | Wish::Delete => may_go(it),
            Wish::Ban { ends } => lasts(ends).and_then(|()| may_go(it)),
            Wish::BanFiles { ends } => lasts(ends),
            Wish::Unban if !it.is_banned => Err(Code::NotBanned),
            Wish::UnbanFiles if it.file_bans == 0 => Err(Code::NoSuchFileBan),
            Wish::Promote | Wish::Unban | Wish::UnbanFiles | Wish::SetPassword => Ok(()),
            Wish::Create | Wish::Other => Ok(()),
        },
    }
}

/// What a file ban is about, as it was typed: a dot before it is allowed; one in it would never be compared
/// with anything. `None`: it is none.
#[must_use]
pub fn extension(raw: &str) -> Option<Extension> {
    let folded = raw.trim().trim_start_matches('.').to_lowercase();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '+');
    let fits = folded == "*" || (!folded.is_empty() && folded.chars().all(plain));
    Extension::parse(&folded).ok().filter(|_| fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_is_folded_and_one_word() {
        for (raw, folded) in [("exe", "exe"), (".EXE", "exe"), (" * ", "*"), ("7z", "7z")] {
            assert_eq!(extension(raw).unwrap().as_str(), folded);
        }
        for raw in ["", ".", "tar.gz", "a b", "**", "../x", &"x".repeat(17)] {
            assert_eq!(extension(raw), None, "{raw:?}");
        }
    }

    const NOW: Time = Time(1_000);
    const LATER: Wish = Wish::Ban { ends: Time(1_001) };
    const NOBODY_SPECIAL: Subject =
        Subject { is_admin: false, is_banned: false, other_admins: 1, file_bans: 0 };
    const ADMIN: Subject = Subject { is_admin: true, ..NOBODY_SPECIAL };
    const LAST: Subject = Subject { other_admins: 0, ..ADMIN };
    const BANNED: Subject = Subject { is_banned: true, ..NOBODY_SPECIAL };

    #[test]
    fn whoever_is_no_admin_may_do_nothing_and_learns_nothing() {
        for wish in [Wish::Promote, Wish::Create, Wish::Delete, LATER, Wish::Other] {
            for subject in [None, Some(ADMIN), Some(BANNED)] {
                assert_eq!(decide(Right::None, wish, subject, NOW), Err(Code::AdminOnly));
            }
        }
    }

    #[test]
    fn each_order_fits_whom_it_is_about() {
        let table = [
            (Wish::Promote, None, Err(Code::NoSuchUser)),
            (Wish::Promote, Some(NOBODY_SPECIAL), Ok(())),
            (Wish::Promote, Some(ADMIN), Err(Code::AlreadyAdmin)),
            (Wish::Demote, Some(NOBODY_SPECIAL), Err(Code::NotAnAdmin)),
            (Wish::Demote, Some(ADMIN), Ok(())),
            (Wish::Create, None, Ok(())),
            (Wish::Create, Some(NOBODY_SPECIAL), Err(Code::UsernameTaken)),
            (Wish::Delete, None, Err(Code::NoSuchUser)),
            (Wish::Delete, Some(NOBODY_SPECIAL), Ok(())),
            (LATER, Some(NOBODY_SPECIAL), Ok(())),
            (LATER, Some(BANNED), Ok(())),
            (LATER, None, Err(Code::NoSuchUser)),
            (Wish::Ban { ends: NOW }, Some(NOBODY_SPECIAL), Err(Code::EndIsPast)),
            (Wish::BanFiles { ends: NOW }, Some(NOBODY_SPECIAL), Err(Code::EndIsPast)),
            (Wish::Unban, Some(NOBODY_SPECIAL), Err(Code::NotBanned)),
            (Wish::Unban, Some(BANNED), Ok(())),
            (Wish::UnbanFiles, Some(NOBODY_SPECIAL), Err(Code::NoSuchFileBan)),
            (Wish::UnbanFiles, Some(Subject { file_bans: 2, ..NOBODY_SPECIAL }), Ok(())),
            (Wish::Other, None, Ok(())),
        ];
        for (wish, subject, expected) in table {
            for right in [Right::Admin, Right::Host] {
                assert_eq!(decide(right, wish, subject, NOW), expected, "{wish:?} {subject:?}");
            }
        }
    }

    #[test]
    fn the_last_admin_stays_unless_the_host_says_so() {
        for wish in [Wish::Demote, Wish::Delete, LATER] {
            assert_eq!(decide(Right::Admin, wish, Some(LAST), NOW), Err(Code::LastAdmin));
            assert_eq!(decide(Right::Host, wish, Some(LAST), NOW), Ok(()));
        }
    }
}
