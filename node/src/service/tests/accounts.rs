//! Accounts and sessions.

use thrive_protocol::limits::SESSIONS;
use thrive_protocol::name::Username;
use thrive_protocol::request::{ChangePassword, Resume};
use thrive_protocol::text::DeviceName;

use super::*;

fn resume(logged_in: &LoggedIn) -> Resume {
    Resume { token: logged_in.token.clone().unwrap() }
}

fn change(old: &str, new: &str, end_other_sessions: bool) -> ChangePassword {
    ChangePassword {
        old: Secret::new(old.into()),
        new: Secret::new(new.into()),
        end_other_sessions,
    }
}

#[tokio::test]
async fn a_new_account_can_log_in_and_come_back_with_its_token() {
    let world = World::new().await;
    assert_eq!(world.create(" Ann ", PASSWORD).await, Ok(()));
    let (caller, logged_in) = world.log_in("ANN").await;
    assert_eq!(logged_in.username.as_str(), "ann");
    assert_eq!(logged_in.epoch, world.database.epoch().await.unwrap());
    let (again, resumed) = world.services.accounts.resume(resume(&logged_in)).await.unwrap();
    assert_eq!(again, caller);
    assert_eq!((resumed.session, resumed.token), (logged_in.session, None));
    assert_eq!(world.services.accounts.count().await.unwrap(), 1);
}

#[tokio::test]
async fn each_reason_not_to_make_an_account_has_its_code() {
    let world = World::new().await;
    world.create("ann", PASSWORD).await.unwrap();
    let cases = [
        ("a b", PASSWORD, Code::UsernameInvalid),
        ("an", PASSWORD, Code::UsernameInvalid),
        ("admin", PASSWORD, Code::UsernameReserved),
        ("Ann", PASSWORD, Code::UsernameTaken),
        ("bob", "short", Code::PasswordTooShort),
        ("bob", &"long ".repeat(60), Code::PasswordTooLong),
        ("bob", "password1", Code::PasswordTooCommon),
        ("bobbybobby", "bobbybobby", Code::PasswordTooCommon),
    ];
    for (name, password, expected) in cases {
        assert_eq!(world.create(name, password).await, Err(expected), "{name}");
    }
    let closed = World::with(SignUp::Closed).await;
    assert_eq!(closed.create("ann", PASSWORD).await, Err(Code::SignUpClosed));
}

#[tokio::test]
async fn an_unknown_name_and_a_wrong_password_are_refused_alike() {
    let world = World::new().await;
    world.create("ann", PASSWORD).await.unwrap();
    for (name, password) in [("ann", "wrong"), ("nobody", PASSWORD), ("no name", PASSWORD)] {
        let refused = world.try_log_in(name, password).await.map(drop);
        assert_eq!(refused, Err(Code::WrongCredentials), "{name}");
    }
    let long = "x".repeat(10_000);
    assert_eq!(world.try_log_in("ann", &long).await.map(drop), Err(Code::WrongCredentials));
}

#[tokio::test]
async fn guessing_is_slowed_down_and_a_token_still_works() {
    let world = World::new().await;
    world.create("ann", PASSWORD).await.unwrap();
    let (_, logged_in) = world.log_in("ann").await;
    let mut slowed = false;
    for _ in 0..20 {
        match world.try_log_in("ann", "wrong").await.map(drop) {
            Err(Code::WrongCredentials) => {}
            Err(Code::SlowDown) => slowed = true,
            other => panic!("{other:?}"),
        }
    }
    assert!(slowed);
    assert!(world.services.accounts.resume(resume(&logged_in)).await.is_ok());
}

#[tokio::test]
async fn a_session_ends_by_logging_out_and_by_being_revoked() {
    let world = World::new().await;
    world.create("ann", PASSWORD).await.unwrap();
    let accounts = &world.services.accounts;
    let (phone, phone_login) = world.log_in("ann").await;
    let (laptop, laptop_login) = world.log_in("ann").await;
    let bob = world.person("bob").await;
    let stolen = code(accounts.revoke_session(&bob, phone.session).await);
    assert_eq!(stolen.map(drop), Err(Code::NoSuchSession));

    let listed = accounts.list_sessions(&laptop).await.unwrap();
    assert_eq!(listed.len(), 2);
    let current: Vec<_> = listed.iter().filter(|it| it.current).map(|it| it.session).collect();
    assert_eq!(current, [laptop.session]);

    let done = accounts.revoke_session(&laptop, phone.session).await.unwrap();
    assert_eq!(done.news[0].to, Audience::EndSession(laptop.user, phone.session));
    let refused = code(accounts.resume(resume(&phone_login)).await);
    assert_eq!(refused.map(drop), Err(Code::SessionEnded));

    let done = accounts.log_out(&laptop).await.unwrap();
    assert_eq!(done.news[0].to, Audience::EndSession(laptop.user, laptop.session));
    let refused = code(accounts.resume(resume(&laptop_login)).await);
    assert_eq!(refused.map(drop), Err(Code::SessionEnded));
}

#[tokio::test]
async fn a_session_is_live_until_it_is_ended_anywhere() {
    let world = World::new().await;
    world.create("ann", PASSWORD).await.unwrap();
    let accounts = &world.services.accounts;
    let (phone, _) = world.log_in("ann").await;
    let (laptop, _) = world.log_in("ann").await;
    let bob = world.person("bob").await;
    let is_live = async |it| accounts.contacts_version(it).await.unwrap().is_some();
    assert!(is_live(&phone).await);
    accounts.revoke_session(&laptop, phone.session).await.unwrap();
    assert!(!is_live(&phone).await);
    assert!(is_live(&laptop).await);
    let stolen = Caller { session: laptop.session, ..bob };
    assert!(!is_live(&stolen).await);
}

#[tokio::test]
async fn a_session_that_stays_connected_is_seen_now() {
    let world = World::new().await;
    world.create("ann", PASSWORD).await.unwrap();
    let (phone, _) = world.log_in("ann").await;
    let (laptop, _) = world.log_in("ann").await;
    let long_ago = "UPDATE session SET last_seen = 1";
    world.database.write("let time pass", long_ago, Vec::new()).await.unwrap();
    let accounts = &world.services.accounts;
    accounts.touch(&laptop).await;
    let listed = accounts.list_sessions(&laptop).await.unwrap();
    assert_eq!((listed[0].session, listed[1].session), (laptop.session, phone.session));
    assert!(listed[0].created <= listed[0].last_seen);
    assert_eq!(listed[1].last_seen.0, 1);
}

#[tokio::test]
async fn a_session_that_is_used_is_touched_but_not_every_time() {
    let world = World::new().await;
    world.create("ann", PASSWORD).await.unwrap();
    let (caller, logged_in) = world.log_in("ann").await;
    let accounts = &world.services.accounts;
    let last_seen = async || accounts.list_sessions(&caller).await.unwrap()[0].last_seen;
    let begun = last_seen().await;
    accounts.resume(resume(&logged_in)).await.unwrap();
    assert_eq!(last_seen().await, begun);
    let long_ago = "UPDATE session SET last_seen = 1";
    world.database.write("let time pass", long_ago, Vec::new()).await.unwrap();
    accounts.resume(resume(&logged_in)).await.unwrap();
    assert!(begun <= last_seen().await);
}

#[tokio::test]
async fn the_session_that_is_one_too_many_ends_the_oldest() {
    let world = World::new().await;
    world.create("ann", PASSWORD).await.unwrap();
    let (first, _) = world.log_in("ann").await;
    // The clock may not have moved between two logins.
    let long_ago = "UPDATE session SET last_seen = 1";
    world.database.write("let time pass", long_ago, Vec::new()).await.unwrap();
    for _ in 1..SESSIONS {
        assert!(world.try_log_in("ann", PASSWORD).await.unwrap().news.is_empty());
    }
    let done = world.try_log_in("ann", PASSWORD).await.unwrap();
    assert_eq!(done.news[0].to, Audience::EndSession(first.user, first.session));
    assert_eq!(done.news[0].event, Event::SessionEnded {});
}

#[tokio::test]
async fn a_password_is_changed_by_whoever_knows_the_old_one() {
    let world = World::new().await;
    world.create("ann", PASSWORD).await.unwrap();
    let accounts = &world.services.accounts;
    let (here, _) = world.log_in("ann").await;
    let (there, _) = world.log_in("ann").await;
    let new = "a dog in the yard";
    let wrong = code(accounts.change_password(&here, change("wrong", new, true)).await);
    assert_eq!(wrong.map(drop), Err(Code::WrongCredentials));
    let weak = code(accounts.change_password(&here, change(PASSWORD, "12345678", true)).await);
    assert_eq!(weak.map(drop), Err(Code::PasswordTooCommon));

    let done = accounts.change_password(&here, change(PASSWORD, new, true)).await.unwrap();
    let ended: Vec<_> = done.news.iter().map(|it| it.to).collect();
    assert_eq!(ended, [Audience::EndSession(here.user, there.session)]);
    assert_eq!(world.try_log_in("ann", PASSWORD).await.map(drop), Err(Code::WrongCredentials));
    assert!(world.try_log_in("ann", new).await.is_ok());

    let done = accounts.change_password(&here, change(new, PASSWORD, false)).await.unwrap();
    assert!(done.news.is_empty());
    assert_eq!(accounts.list_sessions(&here).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_login_with_the_old_password_does_not_outlive_its_change() {
    let world = World::new().await;
    world.create("ann", PASSWORD).await.unwrap();
    let accounts = &world.services.accounts;
    let (here, _) = world.log_in("ann").await;
    let prove = async || {
        let old = Secret::new(PASSWORD.into());
        accounts.prove(&accounts.changes, HOME, &here.username, old).await.unwrap()
    };
    // Somebody who knows the old password was let in, and the owner is quicker than the rest of it.
    let proven = prove().await;
    accounts.change_password(&here, change(PASSWORD, "a dog in the yard", true)).await.unwrap();
    let begun = accounts.begin(here.username.clone(), proven, DeviceName::cut("theirs")).await;
    assert_eq!(code(begun).map(drop), Err(Code::WrongCredentials));
    assert_eq!(accounts.list_sessions(&here).await.unwrap().len(), 1);
}

#[tokio::test]
async fn logins_at_the_same_moment_are_all_let_in_when_the_cost_of_hashes_has_changed() {
    let world = World::new().await;
    world.create("ann", PASSWORD).await.unwrap();
    let world = world.with_cost(Params::new(128, 1, 1, None).unwrap()).await;
    let before = stored_hash(&world).await;
    let log_in = || world.try_log_in("ann", PASSWORD);
    let (one, two, three) = tokio::join!(log_in(), log_in(), log_in());
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    let after = stored_hash(&world).await;
    assert_ne!(before, after);
    world.log_in("ann").await;
    assert_eq!(stored_hash(&world).await, after);
}

async fn stored_hash(world: &World) -> String {
    let ann = Username::parse("ann").unwrap();
    world.database.credentials(&ann).await.unwrap().unwrap().password_hash
}

#[tokio::test]
async fn wrong_old_passwords_do_not_lock_the_owner_out() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    let mut last = Ok(());
    for _ in 0..20 {
        let request = change("wrong", "a dog in the yard", false);
        last = code(world.services.accounts.change_password(&ann, request).await).map(drop);
    }
    assert_eq!(last, Err(Code::SlowDown));
    assert!(world.try_log_in("ann", PASSWORD).await.is_ok());
}

/// A former host hashed at another cost, and others hash at none at all: nobody has their names.
#[tokio::test]
async fn how_long_a_wrong_password_takes_does_not_tell_what_hash_is_stored() {
    let world = World::new().await;
    world.create("ann", PASSWORD).await.unwrap();
    let dear = Params::new(1_024, 4, 1, None).unwrap();
    let world = world.with_cost(dear).await;
    let mut taken = Vec::new();
    for name in ["ann", "nobody"] {
        let start = std::time::Instant::now();
        let refused = world.try_log_in(name, "wrong").await.map(drop);
        assert_eq!(refused, Err(Code::WrongCredentials));
        taken.push(start.elapsed());
    }
    assert!(taken.iter().all(|it| std::time::Duration::from_millis(400) <= *it), "{taken:?}");
}
