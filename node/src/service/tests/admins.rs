//! Orders of admins, and what those hear whom they are about.

use thrive_protocol::admin::{Address, AdminAnswer, AdminCommand, Ban, CreateUser, Until};
use thrive_protocol::ids::Time;
use thrive_protocol::name::Username;
use thrive_protocol::request::BlockUser;
use thrive_protocol::text::Reason;

use super::*;
use crate::bus::Health;
use crate::orders::Ending;

impl World {
    /// A person who is an admin.
    async fn admin(&self, name: &str) -> Caller {
        let caller = self.person(name).await;
        self.host(AdminCommand::Promote { username: name.into() }).await.unwrap();
        caller
    }

    async fn host(&self, command: AdminCommand) -> Result<Done<AdminAnswer>, Code> {
        code(self.services.admins.host(command).await)
    }

    async fn order(&self, by: &Caller, command: AdminCommand) -> Result<Done<AdminAnswer>, Code> {
        code(self.services.admins.answer(by, command).await)
    }
}

fn ban(username: &str, until: Until) -> AdminCommand {
    AdminCommand::Ban(Ban { username: username.into(), until, reason: "spam".into() })
}

fn create(username: &str, password: &str) -> AdminCommand {
    let (username, password) = (username.into(), Secret::new(password.into()));
    AdminCommand::CreateUser(CreateUser { username, password, email: None })
}

#[tokio::test]
async fn whoever_is_no_admin_is_refused_and_cannot_fill_the_audit() {
    let world = World::new().await;
    world.admin("ann").await;
    let bob = world.person("bob").await;
    let all = [
        AdminCommand::Promote { username: "bob".into() },
        create("eve", "short"),
        ban("nobody", Until::Forever {}),
        AdminCommand::Alert { text: "my own words".into() },
        AdminCommand::Stop { all: true },
        AdminCommand::Who {},
        AdminCommand::Audit { before: None, limit: 9 },
    ];
    for (number, command) in all.into_iter().enumerate() {
        // Each has what it is refused with from somebody who has not tried anything yet.
        let eve = world.person(&format!("eve{number}")).await;
        assert_eq!(world.order(&eve, command.clone()).await.map(drop), Err(Code::AdminOnly));
        drop(world.order(&bob, command).await);
    }
    let tired = world.order(&bob, AdminCommand::Restart {}).await;
    assert_eq!(tired.map(drop), Err(Code::SlowDown));
    let audit = world.database.audit(None, 100).await.unwrap();
    let by_bob: Vec<_> = audit.iter().filter(|it| it.by.as_ref() == Some(&bob.username)).collect();
    assert_eq!(by_bob.len(), 3, "{by_bob:?}");
    for line in audit.iter().filter(|it| it.outcome == "admin_only") {
        assert_eq!((line.target.as_str(), line.detail.as_str()), ("", ""), "{line:?}");
    }
}

#[tokio::test]
async fn every_order_answers_what_happened_or_why_not() {
    let world = World::new().await;
    let ann = world.admin("ann").await;
    world.order(&ann, create("Bob", PASSWORD)).await.unwrap();
    let (bob, _) = world.log_in("bob").await;
    let refusals = [
        (create("bob", PASSWORD), Code::UsernameTaken),
        (create("a b", PASSWORD), Code::UsernameInvalid),
        (create("deleted-7", PASSWORD), Code::UsernameReserved),
        (create("eve", "short"), Code::PasswordTooShort),
        (ban("nobody", Until::Forever {}), Code::NoSuchUser),
        (ban("\u{0}", Until::Forever {}), Code::NoSuchUser),
        (ban("bob", Until::At(Time(7))), Code::EndIsPast),
        (ban("bob", Until::ForSeconds(0)), Code::EndIsPast),
        (AdminCommand::Promote { username: "ann".into() }, Code::AlreadyAdmin),
        (AdminCommand::Demote { username: "bob".into() }, Code::NotAnAdmin),
        (AdminCommand::Demote { username: "ann".into() }, Code::LastAdmin),
        (AdminCommand::Unban { username: "bob".into() }, Code::NotBanned),
        (AdminCommand::Alert { text: " \n".into() }, Code::TextEmpty),
        (AdminCommand::Alert { text: "x".repeat(1_001) }, Code::TextTooLong),
    ];
    for (command, expected) in refusals {
        assert_eq!(world.order(&ann, command).await.map(drop), Err(expected));
    }
    let alert = world.order(&ann, AdminCommand::Alert { text: "soon".into() }).await.unwrap();
    assert_eq!(alert.reply, AdminAnswer::Alerted { nodes: 1, people: 0, alone: false });
    assert!(matches!(&alert.news[..], [News { to: Audience::Everybody, .. }]));
    let promoted = world.order(&ann, AdminCommand::Promote { username: "bob".into() }).await;
    // They read their list again, in which it says so.
    assert!(matches!(&heard(&promoted.unwrap().news, bob.user)[..], [Event::Heads { .. }]));
    assert!(world.services.contacts.is_admin(&bob).await.unwrap());
}

#[tokio::test]
async fn nobody_learns_of_a_ban_without_the_right_password() {
    let world = World::new().await;
    let ann = world.admin("ann").await;
    world.person("bob").await;
    let day = Until::At(Time(clock::now().0 + 86_400_000));
    world.order(&ann, ban("bob", day)).await.unwrap();
    let wrong = world.try_log_in("bob", "wrong").await.map(drop);
    assert_eq!(wrong, world.try_log_in("nobody", "wrong").await.map(drop));
    let request = LogIn {
        username: "bob".into(),
        password: Secret::new(PASSWORD.into()),
        device: "a test".into(),
        presence: None,
    };
    let refusal = world.services.accounts.log_in(HOME, request).await.unwrap_err().refusal();
    assert_eq!((refusal.code, refusal.reason), (Code::Banned, Reason::cut("spam")));
    let Until::At(end) = day else { panic!("a day") };
    assert_eq!(refusal.until, Some(end));
}

/// Whoever was deleted was told that they were banned there, and a ban ended when its last day began.
#[tokio::test]
async fn weakness_25_a_ban_lasts_to_the_end_of_its_day_and_a_deletion_is_no_ban() {
    let world = World::new().await;
    let ann = world.admin("ann").await;
    let (bob, eve) = (world.person("bob").await, world.person("eve").await);
    let today = thrive_protocol::admin::dates::shown(clock::now())[..10].to_owned();
    let Some(Ok(until)) = thrive_protocol::admin::dates::end(&today) else { panic!("{today}") };
    let banned = world.order(&ann, ban("bob", until)).await.unwrap();
    let AdminAnswer::Banned { until: Some(end), sessions: 1, .. } = banned.reply else {
        panic!("{:?}", banned.reply)
    };
    // What was typed is today: it has not ended when it begins.
    assert!(clock::now() <= end && (end.0 + 1) % 86_400_000 == 0, "{end}");
    let [News { to, event, .. }] = &banned.news[..] else { panic!("{:?}", banned.news) };
    assert_eq!(*to, Audience::EndSession(bob.user, bob.session));
    assert_eq!(*event, Event::Banned { until: Some(end), reason: Reason::cut("spam") });

    let deleted = world.order(&ann, AdminCommand::DeleteUser { username: "eve".into() }).await;
    let deleted = deleted.unwrap().news;
    let to = Audience::EndSession(eve.user, eve.session);
    assert_eq!(deleted, [News { to, event: Event::AccountDeleted {}, origin: None }]);
    let gone = world.try_log_in("eve", PASSWORD).await.map(drop);
    assert_eq!(gone, Err(Code::WrongCredentials));

    // The end is an order like others: the node says good-bye, and this process goes on.
    world.order(&ann, AdminCommand::Restart {}).await.unwrap();
    assert_eq!(world.orders.given().await, Ending::Restart);
}

/// A block there worked for contacts only, and that somebody types was told past every block.
#[tokio::test]
async fn weakness_12_a_stranger_can_be_blocked_and_typing_keeps_to_it() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let chat = world.talk(&bob, &ann).await;
    let request = BlockUser { username: "bob".into() };
    let blocked = world.services.contacts.block(&ann, request).await.unwrap().reply;
    assert!(blocked.blocked);
    let typing = world.services.conversations.typing(&bob, chat, true).await;
    assert!(typing.map_or(true, |done| heard(&done.news, ann.user).is_empty()));
    let pair = world.database.pair(ann.user, bob.user).await.unwrap();
    assert!(pair.mine.blocked && !pair.theirs.blocked);
}

#[tokio::test]
async fn where_sign_up_is_by_invitation_a_code_is_needed_and_is_good_once() {
    let world = World::with(SignUp::Invite).await;
    let sign_up = async |name: &str, code: Option<Secret>| {
        let request = CreateAccount {
            username: name.into(),
            password: Secret::new(PASSWORD.into()),
            email: None,
            invite: code,
        };
        super::code(world.services.accounts.create(HOME, request).await)
    };
    assert_eq!(sign_up("ann", None).await, Err(Code::InviteRequired));
    let wrong = Secret::new("aaaa-aaaa-aaaa-aaaa".into());
    assert_eq!(sign_up("ann", Some(wrong)).await, Err(Code::InviteInvalid));
    let invited = world.services.admins.host_invites(1, Until::ForSeconds(60)).await;
    let (_, code) = invited.unwrap();
    let text = code.expose().to_owned();
    assert_eq!(sign_up("ann", Some(code.clone())).await, Ok(()));
    assert_eq!(sign_up("bob", Some(code)).await, Err(Code::InviteInvalid));
    let over = world.services.admins.host_invites(1, Until::At(Time(7))).await;
    assert_eq!(super::code(over).map(drop), Err(Code::EndIsPast));
    let audit = world.database.audit(None, 9).await.unwrap();
    assert!(audit.iter().all(|it| !it.detail.as_str().contains(&text)), "{audit:?}");
}

#[tokio::test]
async fn an_address_is_refused_where_no_mail_is_sent_and_kept_where_it_is() {
    let world = World::new().await;
    let with_address = |name: &str| {
        let email = Some(Address(format!("{name}@example.org")));
        let (username, password) = (name.into(), Secret::new(PASSWORD.into()));
        AdminCommand::CreateUser(CreateUser { username, password, email })
    };
    assert_eq!(world.host(with_address("bob")).await.map(drop), Err(Code::EmailUnavailable));
    assert!(world.database.find_user(&Username::parse("bob").unwrap()).await.unwrap().is_none());
    let around = Around { has_mail: true, ..Around::default() };
    let hasher = Hasher::with(Params::new(64, 1, 1, None).unwrap()).unwrap();
    let admins = Admins::new(world.database.clone(), hasher, Online::default(), around);
    admins.host(with_address("bob")).await.unwrap();
    let bob = world.log_in("bob").await.0;
    let (address, _) = world.database.addresses(bob.user, clock::now()).await.unwrap();
    assert_eq!(address.unwrap().as_str(), "bob@example.org");
}

#[tokio::test]
async fn whoever_tells_all_nodes_something_while_the_bus_is_away_learns_that_only_this_one_heard_it()
 {
    let world = World::new().await;
    let around = Around { bus: Some(Health::degraded()), ..Around::default() };
    let hasher = Hasher::with(Params::new(64, 1, 1, None).unwrap()).unwrap();
    let admins = Admins::new(world.database.clone(), hasher, Online::default(), around);
    let alert = admins.host(AdminCommand::Alert { text: "soon".into() }).await.unwrap();
    assert_eq!(alert.reply, AdminAnswer::Alerted { nodes: 1, people: 0, alone: true });
    assert!(matches!(&alert.news[..], [News { to: Audience::Everybody, .. }]), "it is tried");
    let stop = admins.host(AdminCommand::Stop { all: true }).await.unwrap();
    assert_eq!(stop.reply, AdminAnswer::Stopping { nodes: 1, alone: true });
    assert!(matches!(&stop.news[..], [News { to: Audience::EveryNode, .. }]));
    // Nobody else was asked.
    let stop = admins.host(AdminCommand::Stop { all: false }).await.unwrap();
    assert_eq!(stop.reply, AdminAnswer::Stopping { nodes: 1, alone: false });
}
