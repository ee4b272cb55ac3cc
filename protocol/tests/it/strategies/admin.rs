//! What admins ask and hear.

use proptest::option;
use proptest::prelude::*;
use thrive_protocol::admin::{
    Address, AdminAnswer, AdminCommand, AuditEntry, Ban, BanEntry, BanFiles, CreateUser,
    OnlinePerson, Person, Until,
};

use super::*;

fn until() -> impl Strategy<Value = Until> {
    prop_oneof![
        Just(Until::Forever {}),
        time().prop_map(Until::At),
        any::<u64>().prop_map(Until::ForSeconds),
    ]
}

pub(super) fn admin_command() -> impl Strategy<Value = AdminCommand> {
    use AdminCommand as C;
    let people = prop_oneof![
        words().prop_map(|username| C::Promote { username }),
        words().prop_map(|username| C::Demote { username }),
        (words(), secret(), option::of(words())).prop_map(|(username, password, email)| {
            C::CreateUser(CreateUser { username, password, email: email.map(Address) })
        }),
        words().prop_map(|username| C::DeleteUser { username }),
        (words(), until(), words()).prop_map(|(username, until, reason)| C::Ban(Ban {
            username,
            until,
            reason
        })),
        words().prop_map(|username| C::Unban { username }),
        (words(), words(), until(), words()).prop_map(|(username, extension, until, reason)| {
            C::BanFiles(BanFiles { username, extension, until, reason })
        }),
        (words(), option::of(words()))
            .prop_map(|(username, extension)| C::UnbanFiles { username, extension }),
    ];
    let server = prop_oneof![
        words().prop_map(|text| C::Alert { text }),
        any::<bool>().prop_map(|all| C::Stop { all }),
        Just(C::Restart {}),
        Just(C::Who {}),
        Just(C::Bans {}),
        (any::<Option<i64>>(), any::<u32>()).prop_map(|(before, limit)| C::Audit { before, limit }),
    ];
    prop_oneof![people, server]
}

pub(super) fn admin_answer() -> impl Strategy<Value = AdminAnswer> {
    use AdminAnswer as A;
    let person = || (user(), username()).prop_map(|(user, username)| Person { user, username });
    let people =
        prop_oneof![
            person().prop_map(A::Promoted),
            person().prop_map(A::Demoted),
            person().prop_map(A::UserCreated),
            (user(), username(), any::<u32>())
                .prop_map(|(user, username, sessions)| A::UserDeleted { user, username, sessions }),
            (user(), username(), option::of(time()), any::<u32>()).prop_map(
                |(user, username, until, sessions)| A::Banned { user, username, until, sessions }
            ),
            person().prop_map(A::Unbanned),
            (user(), username(), line(), option::of(time())).prop_map(
                |(user, username, extension, until)| A::FilesBanned {
                    user,
                    username,
                    extension,
                    until
                }
            ),
            (user(), username(), any::<u32>())
                .prop_map(|(user, username, bans)| A::FilesUnbanned { user, username, bans }),
        ];
    let online = (user(), username(), presence(), any::<bool>()).prop_map(
        |(user, username, presence, admin)| OnlinePerson { user, username, presence, admin },
    );
    let ban = (user(), username(), option::of(line()), option::of(time()), line()).prop_map(
        |(user, username, files, until, reason)| BanEntry { user, username, files, until, reason },
    );
    let said = (words(), line(), line(), words());
    let entry = (any::<i64>(), time(), option::of(username()), said).prop_map(
        |(id, time, by, (action, target, detail, outcome))| AuditEntry {
            id,
            time,
            by,
            action,
            target,
            detail,
            outcome,
        },
    );
    let server =
        prop_oneof![
            (any::<u32>(), any::<u64>(), any::<bool>())
                .prop_map(|(nodes, people, alone)| A::Alerted { nodes, people, alone }),
            (any::<u32>(), any::<bool>()).prop_map(|(nodes, alone)| A::Stopping { nodes, alone }),
            Just(A::Restarting {}),
            (list(online), any::<bool>()).prop_map(|(people, more)| A::Online { people, more }),
            (list(ban), any::<bool>()).prop_map(|(bans, more)| A::Bans { bans, more }),
            (list(entry), any::<bool>()).prop_map(|(entries, more)| A::Audit { entries, more }),
        ];
    prop_oneof![people, server]
}
